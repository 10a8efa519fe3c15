"""Fold all notices into the state of every bankruptcy; each new state is recorded with its time before it is shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from konkurs_pipeline.domain.estates import Estate, fold_estates
from konkurs_pipeline.domain.notices import NoticeType, notices_of
from konkurs_pipeline.domain.outcomes import IssueCode
from konkurs_pipeline.schemas.tables import Estates, frame
from konkurs_pipeline.steps.estates.versions import keep_versions
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.lake.made_from import Derivation
from konkurs_pipeline.storage.lake.tables import in_months


@dataclass(frozen=True)
class EstateCounts:
    """How many estates are in each state, and the workdays in which one changed."""

    by_state: Mapping[str, int]
    orphan_slettinger: int
    changed_days: tuple[dt.date, ...]


def fold_notices(poll: Poll, notices: pl.DataFrame) -> EstateCounts:
    """Write the state of every estate. The poll folds again the debtors that have a notice in a month that changed.

    `notices`: NOTICE_COLUMNS and the workday of every notice that is stored.
    """
    lake = poll.store.lake
    made = Derivation(lake, "estates", ["raw_notices"], [])
    before = lake.read("estates")
    is_folded = pl.col("debtor_id").is_in(_debtors_to_fold(notices, before, made.stale_months()).implode())
    concerned = notices.filter(is_folded)
    fold = fold_estates(notices_of(concerned))
    workdays = dict(concerned.select("uuid", "workday").iter_rows())
    rows = [_row(estate, workdays[estate.opening.uuid]) for estate in fold.estates]
    kept, folded = before.filter(~is_folded), frame(Estates, rows)
    made_anew = folded.join(before, on=folded.columns, how="anti", nulls_equal=True)
    replaced = before.filter(is_folded).join(folded, on=folded.columns, how="anti", nulls_equal=True)
    keep_versions(poll, made_anew)
    whole = pl.concat([kept, folded])
    days = {*made_anew["workday"], *replaced["workday"]}
    of_days = whole.filter(pl.col("workday").is_in(days)).sort("workday", "registered_at", "opening_uuid")
    changed = lake.replace("estates", days, of_days)
    made.note()
    if fold.orphan_slettinger:
        message = f"{len(fold.orphan_slettinger)} slettinger have no known opening"
        poll.report(IssueCode.SLETTING_WITHOUT_OPENING, message)
    by_state = dict(whole["state"].value_counts().iter_rows())
    return EstateCounts(by_state, len(fold.orphan_slettinger), tuple(changed))


def _debtors_to_fold(notices: pl.DataFrame, estates: pl.DataFrame, months: Collection[dt.date]) -> pl.Series:
    """Return the debtors of the notices of these months, of estates whose notice is gone, and of possible orphans.

    A sletting that made no estate's state may be an orphan: every poll reports it.
    """
    changed_by = estates.select(uuid="changed_by_uuid").drop_nulls()
    slettinger = notices.filter(pl.col("type") == NoticeType.SLETTING.value)
    gone = [
        estates.filter(pl.col(column).is_not_null()).join(notices, left_on=column, right_on="uuid", how="anti")
        for column in ("opening_uuid", "changed_by_uuid")
    ]
    found = [notices.filter(in_months(months)), slettinger.join(changed_by, on="uuid", how="anti"), *gone]
    return pl.concat([rows["debtor_id"] for rows in found]).unique()


def _row(estate: Estate, workday: dt.date) -> dict[str, Any]:
    opening = estate.opening
    return {
        "debtor_id": opening.debtor_id,
        "opening_uuid": opening.uuid,
        "workday": workday,
        "state": estate.state.value,
        "ruling_date": opening.ruling_date,
        "registered_at": opening.registered_at,
        "state_since": estate.state_since,
        "changed_by_uuid": estate.changed_by.uuid if estate.changed_by else None,
    }
