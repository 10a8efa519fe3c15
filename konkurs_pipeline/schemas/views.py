"""The views of `konkurs.duckdb` that are made from other tables when they are read: nothing stores them.

What does not belong here: the query of a view (storage/readers).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

import polars as pl

from konkurs_pipeline.schemas.table import Instant, Privacy, Table, column, optional


class Documents(Table):
    """What the expanded datasets say, typed. One row per document (notice_uuid). Personal data: name, address, trustee.

    Source: `expanded_datasets`, read through the dataset map when the view is read: another map gives other values, also
    for old documents. Null: the document has no value where the map looks, or one that is no date.
    """

    notice_uuid: str = column("the notice", source="uuid", privacy=Privacy.NONE, unique=True)
    workday: dt.date = column("the notice's workday (partition)")
    fetched_at: Instant = column("when the document was received")
    name: str = optional("navn of the debtor", source="debitor.navn", privacy=Privacy.NAME)
    postal_code: str = optional("postnummer", source="debitor.adresse.postnummer", privacy=Privacy.ADDRESS)
    postal_place: str = optional("poststed", source="debitor.adresse.poststed", privacy=Privacy.ADDRESS)
    konkursgrunnlag: str = optional(
        "basis: B (begjæring), O (oppbud), T (tvangsavvikling or tvangsoppløsning)",
        source="konkursgrunnlag",
        words=("B", "O", "T"),
    )
    avviklingskode: str = optional(
        "why a company is wound up by force: TVDL, TVRE, TVRR, TVST, TVBA or TVOV",
        source="avviklingskode",
        words=("TVDL", "TVRE", "TVRR", "TVST", "TVBA", "TVOV"),
    )
    avslutningskode: str = optional(
        "how it ended: M (lack of means), U (distribution), T (returned to the debtor), A (tvangsakkord)",
        source="avslutningskode",
        words=("M", "U", "T", "A"),
    )
    innstillingsdato: dt.date = optional("date of a closing's innstilling", source="innstillingsdato")
    fristdag: dt.date = optional("fristdag", source="fristdag")
    fordringsfrist: dt.date = optional("last day for claims", source="fordringsfrist")
    tingrett: str = optional("the court", source="tingrett.navn", privacy=Privacy.TEXT)
    bostyrer_name: str = optional("the trustee", source="bostyrer.navn", privacy=Privacy.NAME)
    konkursbo_orgnr: str = optional(
        "the estate's own number, which is never blocked",
        source="konkursbo.organisasjonsnummer",
        privacy=Privacy.IDENTIFIER,
    )
    linked_unit_count: pl.Int64 = column("number of linked units that it lists", source="tilknyttedeEnheter")


class FirstSeen(Table):
    """When each notice was first seen, and until when it was not. One row per notice (notice_uuid). No personal data.

    Only notices that were seen within two days of their registration: a backfill sees old ones at a minute of its own.
    """

    notice_uuid: str = column("the notice", source="uuid", privacy=Privacy.NONE, unique=True)
    workday: dt.date = column("the notice's workday (partition)")
    registered_at: Instant = column("registreringstidspunkt")
    not_seen_at: Instant = optional("the last list before that had to hold it and did not; null: there is none")
    first_seen_at: Instant = column("the answer of the service in which a poll first saw it")
    minute: pl.Int64 = column("the minute of the quarter of the hour at which it was first seen, 0 to 14", ge=0, le=14)


VIEWS: Final[Mapping[str, type[Table]]] = {"documents": Documents, "first_seen": FirstSeen}
VIEW_KEYS: Final[Mapping[str, tuple[str, ...]]] = dict.fromkeys(VIEWS, ("notice_uuid",))
