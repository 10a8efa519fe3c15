"""Which expanded datasets a poll asks for, and in which order.

Documents that were never asked for come first. Among them, those of direct matches come before the others, and newer ones
before older ones. So documents that always fail delay no others. What does not belong here: asking for them
(datasets.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import polars as pl

from konkurs_pipeline.domain.identifiers import IdKind
from konkurs_pipeline.domain.notices import NOTICE_COLUMNS
from konkurs_pipeline.settings import Expand
from konkurs_pipeline.storage.lake.tables import Lake
from konkurs_pipeline.storage.register.accepted import Snapshot

_PERSON_KINDS: Final = [kind.value for kind in IdKind if kind.is_person]


@dataclass(frozen=True)
class DatasetQueue:
    """The wanted datasets that are missing. `due`: NOTICE_COLUMNS and workday, in the order to ask for them.

    `resting`: how many failed several times and are left for a later poll.
    """

    due: pl.DataFrame
    resting: int = 0

    @property
    def wanted(self) -> int:
        """Return how many wanted datasets are missing."""
        return self.due.height + self.resting


def lacking_datasets(
    lake: Lake, months: Collection[dt.date], snapshot: Snapshot | None, expand: Expand
) -> pl.DataFrame:
    """Return the notices of these months whose wanted dataset is missing: NOTICE_COLUMNS, workday, is_direct.

    `is_direct`: a customer has or had the debtor's own number.
    """
    have = lake.read_months("expanded_datasets", months, columns=["uuid"])
    notices = lake.read_months("raw_notices", months, columns=[*NOTICE_COLUMNS, "workday", "debtor_kind"])
    lacking = notices.join(have, on="uuid", how="anti")
    is_direct = pl.col("debtor_id").is_in(_customers_ids(snapshot, lacking).implode())
    wanted = {
        Expand.ALL: pl.lit(value=True),
        Expand.MATCHED: is_direct,
        Expand.MATCHED_OR_PERSON: is_direct | pl.col("debtor_kind").is_in(_PERSON_KINDS),
    }
    return lacking.filter(wanted[expand]).with_columns(is_direct=is_direct).drop("debtor_kind")


def queue_of(lacking: pl.DataFrame, failures: pl.DataFrame, now: dt.datetime | None) -> DatasetQueue:
    """Put the datasets in order, without those whose next try is later than `now`.

    `failures`: uuid, failures and next_try_at of those that failed before. `now` null: ask for all.
    """
    ordered = lacking.join(failures, on="uuid", how="left").sort(
        pl.col("failures").is_not_null(),
        ~pl.col("is_direct"),
        pl.col("failures"),
        pl.col("registered_at"),
        "uuid",
        descending=[False, False, False, True, False],
    )
    rests = pl.lit(value=False) if now is None else pl.col("next_try_at").fill_null(now) > now
    due = ordered.filter(~rests).select(*NOTICE_COLUMNS, "workday")
    return DatasetQueue(due, ordered.height - due.height)


def _customers_ids(snapshot: Snapshot | None, notices: pl.DataFrame) -> pl.Series:
    """Return the identifiers among the notices' debtors that a customer has or had."""
    if snapshot is None or notices.is_empty():
        return pl.Series("national_id", [], dtype=pl.String)
    return snapshot.customers_with(notices["debtor_id"].unique().to_list())["national_id"].unique()
