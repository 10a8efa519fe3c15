"""The tables of the lake and the ledger, one pandera model each: the one place that says which columns there are.

From a model come the gate before a write, the type of an empty frame, the ledger's DDL, the analyst views with their
comments, the columns shown in Dagster and the data dictionary. What does not belong here: how a table is filled.

All instants (`_at`) are UTC. A workday is the partition, an Oslo calendar date. What a column declares: table.py.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

import polars as pl

from konkurs_pipeline.domain.actions import ActionKind, ActionStatus
from konkurs_pipeline.domain.datasets import Role
from konkurs_pipeline.domain.estates import EstateState
from konkurs_pipeline.domain.identifiers import IdKind
from konkurs_pipeline.domain.matching import Doubt, MatchedVia
from konkurs_pipeline.domain.notices import QuarantineReason
from konkurs_pipeline.domain.receipts import ReceiptOutcome
from konkurs_pipeline.domain.reviews import ReviewOutcome
from konkurs_pipeline.schemas.table import Instant, Privacy, Table, dtypes, frame, validated
from konkurs_pipeline.schemas.table import column as _column
from konkurs_pipeline.schemas.table import optional as _optional

__all__ = ["KEYS", "LAKE", "LEDGER", "Instant", "Table", "dtypes", "frame", "validated"]

_UUID: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_SHA256: Final = r"^[0-9a-f]{64}$"


class RawNotices(Table):
    """Every notice that a poll of its workday saw. One row per notice (uuid). Personal data: debtor_id, payload.

    Source: the list of Konkursvarsel. The first version seen stays; a later, different one is in `quarantine`.
    """

    uuid: str = _column("Brreg's id of the notice", source="uuid", unique=True, str_matches=_UUID)
    workday: dt.date = _column("the workday the notice belongs to (partition)")
    type: str = _column(
        "varseltype: aapning, sletting, oppheving or avslutning; an unknown type as received",
        source="type",
        privacy=Privacy.TEXT,
    )
    registered_at: Instant = _column("registreringstidspunkt as an instant", source="registreringstidspunkt")
    registered_at_text: str = _column(
        "registreringstidspunkt as received", source="registreringstidspunkt", privacy=Privacy.TEXT
    )
    ruling_date: dt.date = _optional("kjennelsesdato; null where the list gives none", source="kjennelsesdato")
    debtor_id: str = _column(
        "debitor: orgnr, fødselsnummer or D-nummer as received", source="debitor", privacy=Privacy.IDENTIFIER
    )
    debtor_kind: str = _column("what debtor_id is; unknown: it fails its check", isin=[k.value for k in IdKind])
    first_seen_at: Instant = _column("when an answer first held the notice")
    payload: str = _column("the notice as received, JSON", privacy=Privacy.DOCUMENT)
    answer_sha256: str = _column("hash of the answer that first held it", privacy=Privacy.HASH, str_matches=_SHA256)
    run_id: str = _column("the run that first saw it", privacy=Privacy.NONE)


class ExpandedDatasets(Table):
    """The expanded datasets (utvidet datasett) that were fetched. One row per notice. Personal data: payload.

    A document that contradicts its notice is not here but in `quarantine`.
    """

    uuid: str = _column("the notice", source="uuid", unique=True, str_matches=_UUID)
    workday: dt.date = _column("the notice's workday (partition)")
    fetched_at: Instant = _column("when the document was received")
    payload: str = _column("the document as received, JSON", privacy=Privacy.DOCUMENT)
    answer_sha256: str = _column("hash of the bytes received", privacy=Privacy.HASH, str_matches=_SHA256)
    run_id: str = _column("the run that fetched it", privacy=Privacy.NONE)


class Debtors(Table):
    """The parties whose accounts are the debtor's. One row per notice and identifier. Personal data: all of it.

    Source: the notice itself and the declared paths of its dataset. A trustee or an estate's own number is never here.
    """

    notice_uuid: str = _column("the notice", source="uuid", str_matches=_UUID)
    workday: dt.date = _column("the notice's workday (partition)")
    national_id: str = _column(
        "identifikator: orgnr, fødselsnummer or D-nummer",
        source="debitor.identifikator, tilknyttedeEnheter.organisasjonsnummer",
        privacy=Privacy.IDENTIFIER,
    )
    id_kind: str = _column("what national_id is; unknown: it fails its check", isin=[k.value for k in IdKind])
    role: str = _column("debtor (debitor) or linked_unit (tilknyttet enhet)", isin=[r.value for r in Role])
    name: str = _optional("navn; null where no dataset was fetched", source="navn", privacy=Privacy.NAME)
    organisation_form: str = _optional(
        "organisasjonsform of a linked unit: ENK or TVAM",
        source="tilknyttedeEnheter.organisasjonsform",
        privacy=Privacy.TEXT,
    )
    postal_code: str = _optional(
        "postnummer of the debtor", source="debitor.adresse.postnummer", privacy=Privacy.ADDRESS
    )
    postal_place: str = _optional("poststed of the debtor", source="debitor.adresse.poststed", privacy=Privacy.ADDRESS)


class CustomerMatches(Table):
    """Which customers a notice is about. One row per notice and customer, kept for ever. Personal data: national_id."""

    notice_uuid: str = _column("the notice", source="uuid", str_matches=_UUID)
    workday: dt.date = _column("the notice's workday (partition)")
    customer_ref: str = _column("the bank's reference of the customer", privacy=Privacy.REFERENCE)
    matched_via: str = _column("debtor, former_id or linked_unit", isin=[v.value for v in MatchedVia])
    national_id: str = _column("the identifier both have", source="identifikator", privacy=Privacy.IDENTIFIER)
    found_at: Instant = _column("when the match was first found")
    doubt: str = _optional("why the match can lead to a REVIEW only; null: none", isin=[d.value for d in Doubt])
    register_id: str = _column("the register snapshot it was found in", str_matches=_SHA256)


class Estates(Table):
    """The state of each bankruptcy now. One row per opening. Personal data: debtor_id.

    Source: the fold of all notices (domain/estates).
    """

    debtor_id: str = _column("debitor of the opening", source="debitor", privacy=Privacy.IDENTIFIER)
    opening_uuid: str = _column("the notice (aapning) that opened it", source="uuid", unique=True, str_matches=_UUID)
    workday: dt.date = _column("the opening's workday (partition)")
    state: str = _column("open, deleted (sletting), revoked (oppheving), closed (avslutning)", isin=list(EstateState))
    ruling_date: dt.date = _optional("kjennelsesdato of the opening: the bankruptcy date", source="kjennelsesdato")
    registered_at: Instant = _column("when the opening was registered", source="registreringstidspunkt")
    state_since: Instant = _column("when what made the state was registered", source="registreringstidspunkt")
    changed_by_uuid: str = _optional(
        "the notice that made the state; null: the opening itself", source="uuid", str_matches=_UUID
    )


class EstateVersions(Table):
    """What `estates` said, and from when on we knew it. One row per state an estate had (opening_uuid, version).

    Source: written by the run that learned it, before `estates` says it; nothing is ever changed. No personal data.
    """

    opening_uuid: str = _column("the notice (aapning) that opened it", source="uuid", str_matches=_UUID)
    workday: dt.date = _column("the opening's workday (partition)")
    version: pl.Int64 = _column("1, 2, 3, … of this estate", gt=0)
    state: str = _column("open, deleted (sletting), revoked (oppheving), closed (avslutning)", isin=list(EstateState))
    state_since: Instant = _column("when what made the state was registered", source="registreringstidspunkt")
    changed_by_uuid: str = _optional(
        "the notice that made the state; null: the opening itself", source="uuid", str_matches=_UUID
    )
    ruling_date: dt.date = _optional("kjennelsesdato of the opening; null: not given", source="kjennelsesdato")
    known_at: Instant = _column("from when on our `estates` said so")
    run_id: str = _column("the run that learned it", privacy=Privacy.NONE)


class Actions(Table):
    """What the bank was asked to do. One row per decision (action_id). No national identifier.

    Source: the ledger.
    """

    action_id: str = _column(
        "the same decision has the same id in every run", privacy=Privacy.IDENTIFIER, unique=True, str_matches=_UUID
    )
    action: str = _column("BLOCK, REOPEN, REVIEW or INFORM", isin=[k.value for k in ActionKind])
    customer_ref: str = _column("the bank's reference of the customer", privacy=Privacy.REFERENCE)
    account_no: str = _optional(
        "kontonummer; null: the customer as a whole", source="kontonummer", privacy=Privacy.IDENTIFIER
    )
    notice_uuid: str = _column("the notice it follows from", source="uuid", str_matches=_UUID)
    notice_type: str = _column("the notice's type", source="type", privacy=Privacy.TEXT)
    registered_at_text: str = _column(
        "the notice's registreringstidspunkt as received", source="registreringstidspunkt", privacy=Privacy.TEXT
    )
    ruling_date: dt.date = _optional("the notice's kjennelsesdato", source="kjennelsesdato")
    matched_via: str = _column("debtor, former_id or linked_unit", isin=[v.value for v in MatchedVia])
    reason: str = _column("why, in one word (docs/decision-table.md)", privacy=Privacy.NONE)
    caused_by: str = _optional(
        "the BLOCK that a REOPEN or REVIEW answers", privacy=Privacy.IDENTIFIER, str_matches=_UUID
    )
    was_blocked: bool = _optional("whether the register had the account blocked before our BLOCK; null: not said")
    decided_at: Instant = _column("when it was decided")
    run_id: str = _column("the run that decided it", privacy=Privacy.NONE)
    register_id: str = _optional("the register snapshot it rests on", str_matches=_SHA256)
    status: str = _column("held, exported, applied, already_applied, rejected, void", isin=list(ActionStatus))
    seq: pl.Int64 = _optional("sequence number of the outbox file that holds it")
    exported_at: Instant = _optional("when that file was committed")
    confirmed_at: Instant = _optional("when core banking says it was carried out, or rejected")
    status_code: str = _optional("core banking's code", privacy=Privacy.TEXT)
    pending_at: Instant = _optional(
        "when core banking last said that it is not done yet (PENDING); null: it never said so"
    )
    released_at: Instant = _optional("when a person released a held row")
    released_by: str = _optional("who released it", privacy=Privacy.NAME)
    release_reason: str = _optional("why it was released", privacy=Privacy.DOCUMENT)
    void_reason: str = _optional("why a held row was never written", privacy=Privacy.NONE)


class ActionHistory(Table):
    """Every status an action took. One row per change (action_id, version). No national identifier.

    Source: the ledger, in the transaction that changed the action.
    """

    action_id: str = _column("the action", privacy=Privacy.IDENTIFIER, str_matches=_UUID)
    version: pl.Int64 = _column("1, 2, 3, … of this action", gt=0)
    status: str = _column("held, exported, applied, already_applied, rejected, void", isin=list(ActionStatus))
    known_at: Instant = _column("from when on our ledger said so")
    reported_at: Instant = _optional("when core banking says it happened; null: it did not say, or it is our own doing")
    status_code: str = _optional("core banking's code; null: none was given", privacy=Privacy.TEXT)
    run_id: str = _optional("the run that decided it; null: a receipt did", privacy=Privacy.NONE)
    source: str = _optional("file name of the receipt; null: it is our own doing", privacy=Privacy.TEXT)


class Registers(Table):
    """Every register of the bank that was accepted, also one that came back. One row per acceptance (accepted_at).

    Source: the bank's files (docs/interfaces.md). The rows themselves are kept for the last three only. No personal data.
    """

    register_id: str = _column("id of the snapshot, from the hashes of the two files", str_matches=_SHA256)
    accepted_at: Instant = _column("from when on it was the one in use")
    customer_count: pl.Int64 = _column("number of customers", ge=0)
    flagged_customer_count: pl.Int64 = _column("of those, with an identifier that fails its check", ge=0)
    identifier_count: pl.Int64 = _column("number of present and former identifiers", ge=0)
    account_count: pl.Int64 = _optional("number of accounts; null: the bank gave no accounts file", ge=0)
    flagged_account_count: pl.Int64 = _optional("of those, with something that fails its check; null: as above", ge=0)
    run_id: str = _column("the run that took it in", privacy=Privacy.NONE)


class Polls(Table):
    """Every run that polled or tried to. One row per run. No personal data."""

    run_id: str = _column("Dagster's id of the run", privacy=Privacy.NONE, unique=True)
    started_at: Instant = _column("when it began")
    ended_at: Instant = _optional("when it ended; null: it is under way, or was killed")
    from_workday: dt.date = _column("first workday asked for")
    to_workday: dt.date = _column("last workday asked for")
    outcome: str = _optional(
        "new, nothing_new, partial or failed; null: under way",
        isin=["new", "nothing_new", "partial", "failed"],
    )
    notices_seen: pl.Int64 = _optional("notices of these workdays and the lookback in the answer")
    notices_new: pl.Int64 = _optional("of those, never seen before")
    detail: str = _optional("what went wrong, or was left for a person", privacy=Privacy.DOCUMENT)


class Quarantine(Table):
    """What could not be understood, or contradicts itself. One row per entry. Personal data: payload.

    While an entry of a notice is open, the notice can lead to REVIEW only. Tried again by every run.
    """

    entry_id: str = _column(
        "the same problem has the same id in every run", privacy=Privacy.IDENTIFIER, unique=True, str_matches=_UUID
    )
    uuid: str = _optional("the notice; null where none could be read", source="uuid", privacy=Privacy.TEXT)
    workday: dt.date = _optional("its workday; null where none could be read")
    reason: str = _column("what is wrong, in one word", isin=[r.value for r in QuarantineReason])
    detail: str = _column("what is wrong, in a sentence", privacy=Privacy.DOCUMENT)
    payload: str = _column("what was received", privacy=Privacy.DOCUMENT)
    first_seen_at: Instant = _column("when it was first seen")
    resolved_at: Instant = _optional("when it was found to be right after all; null: it is still open")


class OutboxFiles(Table):
    """Every file handed to core banking. One row per file. No personal data."""

    seq: pl.Int64 = _column("sequence number, from 1, without gap", unique=True, gt=0)
    file_id: str = _column("id of the file", unique=True, str_matches=_UUID)
    base_name: str = _column("its name without ending", privacy=Privacy.NONE)
    created_at: Instant = _column("when it was committed")
    run_id: str = _column("the run that wrote it", privacy=Privacy.NONE)
    sha256: str = _column("hash of the .jsonl", privacy=Privacy.HASH, str_matches=_SHA256)
    prev_sha256: str = _optional(
        "hash of the .jsonl before it; null for the first", privacy=Privacy.HASH, str_matches=_SHA256
    )
    action_count: pl.Int64 = _column("number of action rows", ge=0)


class Receipts(Table):
    """Every receipt of core banking that was read. One row per version of a receipt (its bytes). No personal data."""

    name: str = _column("file name; what no terminal should get is escaped", privacy=Privacy.TEXT)
    sha256: str = _optional(
        "hash of the receipt's bytes; null: they were not read", privacy=Privacy.HASH, str_matches=_SHA256
    )
    read_at: Instant = _column("when it was read")
    outcome: str = _column("taken, set_aside, or reading (the run ended before it was done)", isin=list(ReceiptOutcome))
    detail: str = _column("what it changed, or why it was set aside", privacy=Privacy.NONE)
    seq: pl.Int64 = _optional("the outbox file it is for; null: it was set aside")
    file_id: str = _optional("id of that file; null as above", str_matches=_UUID)
    unknown_action_count: pl.Int64 = _optional("actions it names that do not stand in the file; null as above", ge=0)
    future_time_count: pl.Int64 = _optional("times it gives that were later than the reading; null as above", ge=0)
    gone_at: Instant = _optional(
        "when the file was gone from the folder, of a receipt that needs a person; null: it stands there"
    )


class Answers(Table):
    """Every answer of the service that was kept. One row per answer. The bytes are in the lake, named by their hash."""

    run_id: str = _column("the run that received it", privacy=Privacy.NONE)
    resource: str = _column("path of the request", privacy=Privacy.TEXT)
    fetched_at: Instant = _column("when it was received")
    sha256: str = _column("hash of its bytes", privacy=Privacy.HASH, str_matches=_SHA256)
    byte_count: pl.Int64 = _column("its size in bytes", ge=0)


class Reviews(Table):
    """What people did about REVIEW actions. One row per recorded outcome (action_id, review_no). No national identifier.

    Source: `konkurs review`. Rows are only ever added: of several for one action, the highest review_no counts.
    """

    class Config(Table.Config):
        """An outcome is recorded once under its number."""

        unique = ("action_id", "review_no")

    action_id: str = _column("the REVIEW", privacy=Privacy.IDENTIFIER, str_matches=_UUID)
    review_no: pl.Int64 = _column("1 for the first outcome of this action, 2 for one that corrects it, …", gt=0)
    outcome: str = _column("what was done, in one word (docs/case-officers.md)", isin=[o.value for o in ReviewOutcome])
    reviewed_at: Instant = _column("when the outcome was recorded")
    reviewed_by: str = _column("who recorded it", privacy=Privacy.NAME)
    note: str = _column("what was found, and why it was so decided", privacy=Privacy.TEXT)


LAKE: Final[dict[str, type[Table]]] = {
    "raw_notices": RawNotices,
    "expanded_datasets": ExpandedDatasets,
    "debtors": Debtors,
    "customer_matches": CustomerMatches,
    "estates": Estates,
    "estate_versions": EstateVersions,
}
LEDGER: Final[dict[str, type[Table]]] = {
    "actions": Actions,
    "action_history": ActionHistory,
    "registers": Registers,
    "polls": Polls,
    "quarantine": Quarantine,
    "outbox_files": OutboxFiles,
    "receipts": Receipts,
    "answers": Answers,
    "reviews": Reviews,
}
# What tells one row of a table from another.
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "raw_notices": ("uuid",),
    "expanded_datasets": ("uuid",),
    "debtors": ("notice_uuid", "national_id"),
    "customer_matches": ("notice_uuid", "customer_ref"),
    "estates": ("opening_uuid",),
    "estate_versions": ("workday", "opening_uuid", "version"),
    "actions": ("action_id",),
    "action_history": ("action_id", "version"),
    "registers": ("accepted_at",),
    "polls": ("run_id",),
    "quarantine": ("entry_id",),
    "outbox_files": ("seq",),
    "receipts": ("name", "sha256"),
    "reviews": ("action_id", "review_no"),
    "answers": ("run_id", "fetched_at", "resource"),
}
