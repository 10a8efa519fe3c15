"""A store at one instant, for those who check it: its tables, the good polls, the recent days.

The tables are read as published or, within a run, from the open store. What belongs here: what several alarms share. What
does not: the alarms themselves (enquiries/alarms).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import polars as pl

from konkurs_pipeline.domain.instants import CLOCKS_DIFFER
from konkurs_pipeline.domain.monitoring import volume
from konkurs_pipeline.domain.monitoring.alarms import LONGEST_IN_OPENING_HOURS, LONGEST_OUTSIDE_OPENING_HOURS
from konkurs_pipeline.domain.monitoring.coverage import GoodPoll, Quarter, quarters
from konkurs_pipeline.domain.outcomes import GOOD
from konkurs_pipeline.domain.workdays import OSLO, Calendar
from konkurs_pipeline.enquiries.times import oslo_minute_text
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.store import layout_of


class Tables(Protocol):
    """Reads a store's tables: as published or, within a run, from the open store."""

    def read(
        self, table: str, workdays: Iterable[dt.date] | None = None, *, columns: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return a table of the lake (of some workdays) or of the ledger."""


@dataclass(frozen=True)
class Watched:
    """A store at one instant; each table is read once."""

    settings: Settings
    tables: Tables
    now: dt.datetime

    @property
    def calendar(self) -> Calendar:
        """The workdays."""
        return self.settings.calendar

    @property
    def layout(self) -> Layout:
        """Where everything is."""
        return layout_of(self.settings)

    @cached_property
    def polls(self) -> pl.DataFrame:
        """The polls that are over, oldest first."""
        return self.tables.read("polls").filter(pl.col("outcome").is_not_null()).sort("started_at")

    @cached_property
    def issues(self) -> pl.DataFrame:
        """The issues of all polls."""
        return self.tables.read("poll_issues")

    @cached_property
    def good_polls(self) -> pl.DataFrame:
        """The polls that had the list and decided. A poll with a time in the future does not count."""
        is_good = pl.col("outcome").is_in(sorted(GOOD)) & pl.col("notices_seen").is_not_null()
        return self.polls.filter(is_good & (pl.col("ended_at") <= self.now + CLOCKS_DIFFER))

    @property
    def polls_from_the_future(self) -> pl.DataFrame:
        """The polls that a clock that was ahead recorded."""
        return self.polls.filter(pl.col("ended_at") > self.now + CLOCKS_DIFFER)

    @property
    def last_good_poll_at(self) -> dt.datetime | None:
        """When the last good poll ended, null: none ever did."""
        last = self.good_polls["ended_at"].max()
        return last if isinstance(last, dt.datetime) else None

    @property
    def newest_notice_at(self) -> dt.datetime | None:
        """When the newest of the recent notices was registered, null: there is none."""
        newest = self.notices["registered_at"].max()
        return newest if isinstance(newest, dt.datetime) else None

    @cached_property
    def actions(self) -> pl.DataFrame:
        """All actions."""
        return self.tables.read("actions")

    @cached_property
    def recent_days(self) -> list[dt.date]:
        """The workdays of the lookback, up to today's."""
        today = self.calendar.workday_of(self.now)
        return self.calendar.between(self.calendar.back(today, self.settings.lookback_workdays), today)

    @cached_property
    def notices(self) -> pl.DataFrame:
        """The notices of the recent days and of the days they are compared with, also those that were erased since."""
        first = self.calendar.back(self.recent_days[0], volume.HISTORY_WORKDAYS)
        days = self.calendar.between(first, self.recent_days[-1])
        columns = (*volume.VOLUME_COLUMNS, "first_seen_at")
        erased = self.tables.read("erased_notices", columns=columns).filter(pl.col("workday").is_in(days))
        return pl.concat([self.tables.read("raw_notices", days, columns=columns), erased])


def longest_without_poll(now: dt.datetime, calendar: Calendar) -> dt.timedelta:
    """Return how old the last good poll may be at `now`."""
    return LONGEST_IN_OPENING_HOURS if is_poll_due(now, calendar) else LONGEST_OUTSIDE_OPENING_HOURS


def is_poll_due(now: dt.datetime, calendar: Calendar) -> bool:
    """Whether a poll must have run lately: in opening hours, each bound later by the longest time without a poll."""
    today = now.astimezone(OSLO).date()
    opened, closed = calendar.opening_hours(today)
    late = LONGEST_IN_OPENING_HOURS
    return calendar.is_workday(today) and opened + late <= now <= closed + late


def recent_quarters(watched: Watched, days: Collection[dt.date] | None = None) -> list[Quarter]:
    """Return the quarters of opening hours of `days` (default: the lookback) that are over."""
    chosen = sorted(days) if days is not None else watched.recent_days
    if not chosen:
        return []
    rows = watched.good_polls.filter(pl.col("started_at") >= watched.calendar.start_of(chosen[0]))
    lookback = watched.settings.lookback_workdays
    columns = ("run_id", "started_at", "ended_at", "from_workday", "to_workday")
    polls = [
        GoodPoll(run_id, started, ended, watched.calendar.back(first, lookback), last)
        for run_id, started, ended, first, last in rows.select(columns).iter_rows()
    ]
    return quarters(polls, chosen, watched.now, watched.calendar)


def as_row(quarter: Quarter) -> Mapping[str, Any]:
    """Return a quarter of opening hours for printing: when, covered, healed or missed, and by which poll."""
    state = "covered" if quarter.is_covered else "healed" if quarter.is_healed else "missed"
    return {
        "quarter": oslo_minute_text(quarter.start),
        "workday": quarter.workday.isoformat(),
        "state": state,
        "read_at": oslo_minute_text(quarter.read_by.ended_at) if quarter.read_by else None,
        "run_id": quarter.read_by.run_id if quarter.read_by else None,
    }
