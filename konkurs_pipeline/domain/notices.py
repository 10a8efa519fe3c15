"""A notice (konkursvarsel): its fields, and the order of notices.

Source: docs/domain.md § 2 and § 3. What does not belong here: reading a notice from JSON (brreg/wire), and what a set of
notices means (domain/estates).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

import polars as pl


class NoticeType(StrEnum):
    """The four types the register knows. A notice's `type` may be any text: an unknown one goes to a person."""

    AAPNING = "aapning"
    SLETTING = "sletting"
    OPPHEVING = "oppheving"
    AVSLUTNING = "avslutning"


class QuarantineReason(StrEnum):
    """Why something is in quarantine. A notice with an open entry can lead to a REVIEW only."""

    UNREADABLE_NOTICE = "unreadable_notice"
    UNKNOWN_TYPE = "unknown_type"
    INVALID_DEBTOR = "invalid_debtor"
    INVALID_RULING_DATE = "invalid_ruling_date"
    REGISTERED_IN_FUTURE = "registered_in_future"
    CHANGED_NOTICE = "changed_notice"
    DATASET_CONTRADICTS = "dataset_contradicts"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice as the list gives it.

    `registered_at` is an instant in UTC, `registered_at_text` the same as received; `ruling_date` is the
    kjennelsesdato, a Norwegian calendar date, null if the list has none; `debtor_id` is the debitor as received.
    """

    uuid: str
    type: str
    registered_at: dt.datetime
    registered_at_text: str
    ruling_date: dt.date | None
    debtor_id: str

    @property
    def order(self) -> tuple[dt.datetime, str]:
        """The key notices are ordered by: registration time, then uuid."""
        return self.registered_at, self.uuid


# The columns of `raw_notices` that make a `Notice`, in its order.
NOTICE_COLUMNS: Final = tuple(one.name for one in fields(Notice))


def notices_of(rows: pl.DataFrame) -> list[Notice]:
    """Return the notices of rows that have NOTICE_COLUMNS, in the order of the rows."""
    return [Notice(*row) for row in rows.select(NOTICE_COLUMNS).iter_rows()]
