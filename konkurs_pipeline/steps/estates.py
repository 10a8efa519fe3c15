"""Fold: the state of every bankruptcy, from all notices there are; what changed is kept with its time before it is shown."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from konkurs_pipeline.domain.estates import Estate, fold_estates
from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.schemas.tables import Estates, frame
from konkurs_pipeline.steps.estate_versions import keep_versions
from konkurs_pipeline.steps.notices import NOTICE_COLUMNS, notices_of
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.made_from import Derivation


@dataclass(frozen=True)
class EstateCounts:
    """How many estates are in each state, and in which workdays something changed."""

    by_state: Mapping[str, int]
    orphan_slettinger: int
    changed_days: tuple[dt.date, ...]


def fold_notices(poll: Poll) -> EstateCounts:
    """Write the state of every estate: folded again are the debtors of notices that the table may not reflect."""
    lake = poll.store.lake
    made = Derivation(lake, "estates", ["raw_notices"], [poll.settings.calendar])
    notices = lake.read("raw_notices", columns=[*NOTICE_COLUMNS, "workday"])
    before = lake.read("estates")
    is_folded = pl.col("debtor_id").is_in(_debtors_to_fold(notices, before, made.stale_months()).implode())
    fold = fold_estates(notices_of(notices.filter(is_folded)))
    kept, folded = before.filter(~is_folded), frame(Estates, [_row(poll, estate) for estate in fold.estates])
    keep_versions(poll, folded.join(before, on=folded.columns, how="anti", nulls_equal=True))
    whole = pl.concat([kept, folded])
    days = {*before.filter(is_folded)["workday"], *folded["workday"]}
    of_days = whole.filter(pl.col("workday").is_in(days)).sort("workday", "registered_at", "opening_uuid")
    changed = lake.replace("estates", days, of_days)
    made.note()
    if fold.orphan_slettinger:
        poll.attention.append(f"{len(fold.orphan_slettinger)} slettinger have no known opening")
    return EstateCounts(Counter(whole["state"]), len(fold.orphan_slettinger), tuple(changed))


def _debtors_to_fold(notices: pl.DataFrame, estates: pl.DataFrame, stale_months: Collection[dt.date]) -> pl.Series:
    """Return the debtors of the stale months, those whose estates rest on notices that are gone, and possible orphans'.

    A sletting that made no estate's state may have no opening, and a person is told of it at every poll.
    """
    is_stale = pl.col("workday").dt.month_start().is_in(sorted(stale_months))
    uuids, made_by = notices["uuid"].implode(), estates["changed_by_uuid"].drop_nulls().implode()
    is_unaccounted = (pl.col("type") == NoticeType.SLETTING.value) & ~pl.col("uuid").is_in(made_by)
    is_gone = ~pl.col("opening_uuid").is_in(uuids) | ~pl.col("changed_by_uuid").is_in(uuids)
    found = [
        notices.filter(is_stale | is_unaccounted)["debtor_id"],
        estates.filter(is_gone)["debtor_id"],
    ]
    return pl.concat(found).unique()


def _row(poll: Poll, estate: Estate) -> dict[str, Any]:
    opening = estate.opening
    return {
        "debtor_id": opening.debtor_id,
        "opening_uuid": opening.uuid,
        "workday": poll.settings.calendar.workday_of(opening.registered_at),
        "state": estate.state.value,
        "ruling_date": opening.ruling_date,
        "registered_at": opening.registered_at,
        "state_since": estate.state_since,
        "changed_by_uuid": estate.changed_by.uuid if estate.changed_by else None,
    }
