"""How many notices are normal, and for how long none may come.

One table has the bounds, from the register's yearly volumes [spec, docs/domain.md]. Once there is history, the counts of
the same hours and days in the past lower them. What belongs here: counting notices and judging the counts. What does not:
the alarms (domain/monitoring/alarms), and reading the notices.

Frames hold one row per notice: `type` (varseltype), `workday` (date) and `registered_at` (UTC).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import polars as pl

from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.domain.workdays import OSLO, Calendar

VOLUME_COLUMNS: Final = ("type", "workday", "registered_at")
# 1.5 notices come in a quarter of an hour, in batches: one empty hour is common, two are rare.
LONGEST_SILENCE: Final = dt.timedelta(hours=2)
# How long after closing the last update may take to become visible.
_UPDATE_MAY_TAKE: Final = dt.timedelta(minutes=30)
# How many workdays of history lower the bounds at least, and how many workdays back history is counted.
_LEAST_HISTORY: Final = 20
HISTORY_WORKDAYS: Final = 60
# A count of so many standard deviations above the mean is too high. The deviation is at least Poisson's, as notices come
# in batches.
_DEVIATIONS: Final = 6.0


class Per(StrEnum):
    """The span over which notices are counted."""

    WORKDAY = "workday"
    HOUR = "hour"


@dataclass(frozen=True)
class Bound:
    """At most `at_most` notices of `type` are expected in one workday or hour of it."""

    type: NoticeType
    per: Per
    at_most: int


# Example: 6 300 aapning a year are 25 a workday, so 126 on one day raise an alarm.
BOUNDS: Final = (
    Bound(NoticeType.AAPNING, Per.WORKDAY, 125),  # five times the usual 25
    Bound(NoticeType.AAPNING, Per.HOUR, 40),  # three are usual, in batches
    Bound(NoticeType.AVSLUTNING, Per.WORKDAY, 150),  # 24 are usual, in batches
    Bound(NoticeType.AVSLUTNING, Per.HOUR, 60),  # three are usual, in batches
    Bound(NoticeType.SLETTING, Per.WORKDAY, 2),  # five a year are usual, and each reopens accounts
    Bound(NoticeType.OPPHEVING, Per.WORKDAY, 3),  # ten a year are usual
)


# Notices of all types a year (2014-2018) [spec, docs/domain.md], and the workdays they come on.
_A_YEAR: Final = 6300 + 6000 + 10 + 5
_WORKDAYS_A_YEAR: Final = 251


def expected_count(workdays: int) -> float:
    """Return how many notices of all types are expected in so many workdays, by the register's yearly volumes."""
    return _A_YEAR * workdays / _WORKDAYS_A_YEAR


@dataclass(frozen=True)
class Excess:
    """A count above its bound. `hour`: of the day in Oslo, null for a whole workday; `limit`: the most expected."""

    type: NoticeType
    workday: dt.date
    hour: int | None
    count: int
    limit: int

    def __str__(self) -> str:
        """Return it in a sentence."""
        when = f"{self.workday}" if self.hour is None else f"{self.workday} at {self.hour:02}-{self.hour + 1:02}"
        return f"{when}: {self.count} {self.type.value}, at most {self.limit} are expected"


def too_many(notices: pl.DataFrame, days: Collection[dt.date]) -> list[Excess]:
    """Return the counts of `days` that are above their bounds; `notices`: those of the days and of their past."""
    counts = {per: _counted(notices, per) for per in Per}
    return [excess for bound in BOUNDS for excess in _above(bound, counts[bound.per], days)]


def _counted(notices: pl.DataFrame, per: Per) -> pl.DataFrame:
    hour = pl.col("registered_at").dt.convert_time_zone(OSLO.key).dt.hour().cast(pl.Int64)
    if per is Per.WORKDAY:
        hour = pl.lit(None, dtype=pl.Int64)
    return notices.with_columns(hour=hour).group_by("type", "workday", "hour").agg(count=pl.len().cast(pl.Int64))


def _above(bound: Bound, counts: pl.DataFrame, days: Collection[dt.date]) -> Iterator[Excess]:
    of_type = counts.filter(pl.col("type") == bound.type.value)
    past_days = sorted(set(counts["workday"].to_list()))
    looked_at = of_type.filter(pl.col("workday").is_in(list(days))).sort("workday", "hour")
    for workday, hour, count in looked_at.select("workday", "hour", "count").iter_rows():
        past = [day for day in past_days if day < workday][-HISTORY_WORKDAYS:]
        same_hour = of_type.filter(pl.col("workday").is_in(past) & pl.col("hour").eq_missing(pl.lit(hour)))
        limit = min(bound.at_most, _limit_of_history(same_hour["count"], len(past)) or bound.at_most)
        if count > limit:
            yield Excess(bound.type, workday, hour, count, limit)


def _limit_of_history(counts: pl.Series, days: int) -> int | None:
    """Return the highest count to expect by the past; null if the past is too short. Days without a row count as 0."""
    if days < _LEAST_HISTORY:
        return None
    total, squares = float(counts.sum()), float((counts * counts).sum())
    mean = total / days
    variance = max(squares / days - mean * mean, mean, 1.0)
    return int(mean + _DEVIATIONS * variance**0.5)


def silence(newest: dt.datetime | None, now: dt.datetime, calendar: Calendar) -> dt.timedelta:
    """Return for how long in today's opening hours no notice has come; zero on a day that is no workday.

    `newest`: when the newest notice was registered, null if there is none.
    """
    today = now.astimezone(OSLO).date()
    if not calendar.is_workday(today):
        return dt.timedelta()
    opened, closed = calendar.opening_hours(today)
    since = max(opened, newest) if newest else opened
    return max(dt.timedelta(), min(now, closed) - since)


def last_finished_workday(now: dt.datetime, calendar: Calendar) -> dt.date:
    """Return the newest workday whose last update must be visible by now."""
    today = calendar.workday_of(now)
    _, closed = calendar.opening_hours(today)
    return today if now >= closed + _UPDATE_MAY_TAKE else calendar.back(today, 1)


def has_opening(notices: pl.DataFrame, workday: dt.date) -> bool:
    """Whether the workday has an aapning: one without is as rare as e^-25."""
    return not notices.filter((pl.col("workday") == workday) & (pl.col("type") == NoticeType.AAPNING.value)).is_empty()


def is_far_shorter(listed: int, known: int) -> bool:
    """Whether a list lacks a tenth of the known notices of its days, and more than two."""
    return known - listed > max(2, known // 10)
