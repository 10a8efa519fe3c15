"""Fold: the state of every bankruptcy, from all notices there are; what changed is kept with its time before it is shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from konkurs_pipeline.domain.estates import Estate, fold_estates
from konkurs_pipeline.domain.notices import NoticeType, notices_of
from konkurs_pipeline.schemas.tables import Estates, frame
from konkurs_pipeline.steps.estate_versions import keep_versions
from konkurs_pipeline.steps.notices import all_notices
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.lake.made_from import Derivation, Stale


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
    notices = all_notices(poll)
    before = lake.read("estates")
    is_folded = pl.col("debtor_id").is_in(_debtors_to_fold(notices, before, made.stale()).implode())
    fold = fold_estates(notices_of(notices.filter(is_folded)))
    kept, folded = before.filter(~is_folded), frame(Estates, [_row(poll, estate) for estate in fold.estates])
    made_anew = folded.join(before, on=folded.columns, how="anti", nulls_equal=True)
    replaced = before.filter(is_folded).join(folded, on=folded.columns, how="anti", nulls_equal=True)
    keep_versions(poll, made_anew)
    whole = pl.concat([kept, folded])
    days = {*made_anew["workday"], *replaced["workday"]}
    of_days = whole.filter(pl.col("workday").is_in(days)).sort("workday", "registered_at", "opening_uuid")
    changed = lake.replace("estates", days, of_days)
    made.note()
    if fold.orphan_slettinger:
        poll.attention.append(f"{len(fold.orphan_slettinger)} slettinger have no known opening")
    by_state = dict(whole["state"].value_counts().iter_rows())
    return EstateCounts(by_state, len(fold.orphan_slettinger), tuple(changed))


def _debtors_to_fold(notices: pl.DataFrame, estates: pl.DataFrame, stale: Stale) -> pl.Series:
    """Return the debtors of the stale notices, those whose estates rest on notices that are gone, and possible orphans'.

    A sletting that made no estate's state may have no opening, and a person is told of it at every poll.
    """
    changed_by = estates.select(uuid="changed_by_uuid").drop_nulls()
    slettinger = notices.filter(pl.col("type") == NoticeType.SLETTING.value)
    gone = [
        estates.filter(pl.col(column).is_not_null()).join(notices, left_on=column, right_on="uuid", how="anti")
        for column in ("opening_uuid", "changed_by_uuid")
    ]
    found = [notices.filter(stale.is_in), slettinger.join(changed_by, on="uuid", how="anti"), *gone]
    return pl.concat([rows["debtor_id"] for rows in found]).unique()


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
