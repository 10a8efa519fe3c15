"""The tables of the lake: what the service answered and what follows from it, by workday.

All instants (`_at`) are UTC. A workday is the partition, an Oslo calendar date. What a column declares: table.py. What
does not belong here: how a table is filled.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from konkurs_pipeline.domain.documents.datasets import Role
from konkurs_pipeline.domain.estates import EstateState
from konkurs_pipeline.domain.identifiers import IdKind
from konkurs_pipeline.domain.matching import Doubt, MatchedVia
from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.schemas.table import SHA256, UUID, Instant, Privacy, Table, column, optional


class RawNotices(Table):
    """Every notice that a poll of its workday saw. One row per notice (uuid). Personal data: debtor_id, payload.

    Source: the list of Konkursvarsel. The first version seen stays; a later, different one is in `quarantine`.
    """

    uuid: str = column("Brreg's id of the notice", source="uuid", unique=True, str_matches=UUID)
    workday: dt.date = column("the workday the notice belongs to (partition)")
    type: str = column(
        "varseltype: aapning, sletting, oppheving or avslutning; an unknown type as received",
        source="type",
        words=list(NoticeType),
    )
    registered_at: Instant = column("registreringstidspunkt as an instant", source="registreringstidspunkt")
    registered_at_text: str = column(
        "registreringstidspunkt as received", source="registreringstidspunkt", privacy=Privacy.TEXT
    )
    ruling_date: dt.date = optional("kjennelsesdato; null if the list gives none", source="kjennelsesdato")
    debtor_id: str = column(
        "debitor: orgnr, fødselsnummer or D-nummer as received", source="debitor", privacy=Privacy.IDENTIFIER
    )
    debtor_kind: str = column("what debtor_id is; unknown: it fails its check", isin=[k.value for k in IdKind])
    first_seen_at: Instant = column("when an answer first held the notice")
    payload: str = column("the notice as received, JSON", privacy=Privacy.DOCUMENT)
    answer_sha256: str = column("hash of the answer that first held it", privacy=Privacy.HASH, str_matches=SHA256)
    run_id: str = column("the run that first saw it", privacy=Privacy.NONE)


class ExpandedDatasets(Table):
    """The expanded datasets (utvidet datasett) that were fetched. One row per notice. Personal data: payload.

    A document that contradicts its notice is not here but in `quarantine`.
    """

    uuid: str = column("the notice", source="uuid", unique=True, str_matches=UUID)
    workday: dt.date = column("the notice's workday (partition)")
    fetched_at: Instant = column("when the document was received")
    payload: str = column("the document as received, JSON", privacy=Privacy.DOCUMENT)
    answer_sha256: str = column("hash of the bytes received", privacy=Privacy.HASH, str_matches=SHA256)
    run_id: str = column("the run that fetched it", privacy=Privacy.NONE)


class Debtors(Table):
    """The parties whose accounts are the debtor's. One row per notice and identifier. Personal data: all of it.

    Source: the notice itself and the declared paths of its dataset. A trustee or an estate's own number is never here.
    """

    notice_uuid: str = column("the notice", source="uuid", str_matches=UUID)
    workday: dt.date = column("the notice's workday (partition)")
    national_id: str = column(
        "identifikator: orgnr, fødselsnummer or D-nummer",
        source="debitor.identifikator, tilknyttedeEnheter.organisasjonsnummer",
        privacy=Privacy.IDENTIFIER,
    )
    id_kind: str = column("what national_id is; unknown: it fails its check", isin=[k.value for k in IdKind])
    role: str = column("debtor (debitor) or linked_unit (tilknyttet enhet)", isin=[r.value for r in Role])
    name: str = optional("navn; null if no dataset was fetched", source="navn", privacy=Privacy.NAME)
    organisation_form: str = optional(
        "organisasjonsform of a linked unit: ENK or TVAM",
        source="tilknyttedeEnheter.organisasjonsform",
        words=("ENK", "TVAM"),
    )
    postal_code: str = optional(
        "postnummer of the debtor", source="debitor.adresse.postnummer", privacy=Privacy.ADDRESS
    )
    postal_place: str = optional("poststed of the debtor", source="debitor.adresse.poststed", privacy=Privacy.ADDRESS)


class CustomerMatches(Table):
    """Which customers a notice is about. One row per notice and customer, kept for ever. Personal data: national_id."""

    notice_uuid: str = column("the notice", source="uuid", str_matches=UUID)
    workday: dt.date = column("the notice's workday (partition)")
    customer_ref: str = column("the bank's reference of the customer", privacy=Privacy.REFERENCE)
    matched_via: str = column("debtor, former_id or linked_unit", isin=[v.value for v in MatchedVia])
    national_id: str = column("the identifier both have", source="identifikator", privacy=Privacy.IDENTIFIER)
    found_at: Instant = column("when the match was first found")
    doubt: str = optional("why the match can lead to a REVIEW only; null: none", isin=[d.value for d in Doubt])
    register_id: str = column("the register snapshot it was found in", str_matches=SHA256)
    gone_at: Instant = optional("since when the register no longer has it; null: it still does")


class Estates(Table):
    """The state of each bankruptcy now. One row per opening. Personal data: debtor_id.

    Source: the fold of all notices (domain/estates).
    """

    debtor_id: str = column("debitor of the opening", source="debitor", privacy=Privacy.IDENTIFIER)
    opening_uuid: str = column("the notice (aapning) that opened it", source="uuid", unique=True, str_matches=UUID)
    workday: dt.date = column("the opening's workday (partition)")
    state: str = column("open, deleted (sletting), revoked (oppheving), closed (avslutning)", isin=list(EstateState))
    ruling_date: dt.date = optional("kjennelsesdato of the opening: the bankruptcy date", source="kjennelsesdato")
    registered_at: Instant = column("when the opening was registered", source="registreringstidspunkt")
    state_since: Instant = column("when what made the state was registered", source="registreringstidspunkt")
    changed_by_uuid: str = optional(
        "the notice that made the state; null: the opening itself", source="uuid", str_matches=UUID
    )


class EstateVersions(Table):
    """What `estates` said, and from when on we knew it. One row per state an estate had (opening_uuid, version).

    Source: written by the run that learned it, before `estates` says it; nothing is ever changed. No personal data.
    """

    opening_uuid: str = column("the notice (aapning) that opened it", source="uuid", str_matches=UUID)
    workday: dt.date = column("the opening's workday (partition)")
    version: pl.Int64 = column("1, 2, 3, … of this estate", gt=0)
    state: str = column("open, deleted (sletting), revoked (oppheving), closed (avslutning)", isin=list(EstateState))
    state_since: Instant = column("when what made the state was registered", source="registreringstidspunkt")
    changed_by_uuid: str = optional(
        "the notice that made the state; null: the opening itself", source="uuid", str_matches=UUID
    )
    ruling_date: dt.date = optional("kjennelsesdato of the opening; null: not given", source="kjennelsesdato")
    known_at: Instant = column("from when on our `estates` said so")
    run_id: str = column("the run that learned it", privacy=Privacy.NONE)
