"""Which quarters of opening hours a poll covered, which were missed, and which poll healed them.

The register is updated every quarter of an hour on workdays 08:00-16:00 Oslo. A quarter without a good poll is missed.
The next good poll that reads its workday heals it, as every poll reads the lookback again. A healed quarter lost nothing,
but the bank knew its notices later. Pure: polls in, quarters out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from konkurs_pipeline.domain.workdays import Calendar

QUARTER: Final = dt.timedelta(minutes=15)


@dataclass(frozen=True)
class GoodPoll:
    """A poll that had the list: it read the workdays from `read_from` to `to_workday`. Instants in UTC."""

    run_id: str
    started_at: dt.datetime
    ended_at: dt.datetime
    read_from: dt.date
    to_workday: dt.date


@dataclass(frozen=True)
class Quarter:
    """A quarter of an hour from `start` (UTC). `read_by`: the first good poll after its beginning; null: none yet."""

    start: dt.datetime
    workday: dt.date
    read_by: GoodPoll | None

    @property
    def is_covered(self) -> bool:
        """Whether a good poll began within it."""
        return self.read_by is not None and self.read_by.started_at < self.start + QUARTER

    @property
    def is_healed(self) -> bool:
        """Whether a later poll read it."""
        return self.read_by is not None and not self.is_covered


def quarters(polls: Sequence[GoodPoll], days: Sequence[dt.date], now: dt.datetime, calendar: Calendar) -> list[Quarter]:
    """Return the quarters of `days` that are over, in order, from the first of `polls` on.

    `polls`: all good polls that began on or after the first of the days.
    """
    if not polls:
        return []
    ordered = sorted(polls, key=lambda poll: poll.started_at)
    began = ordered[0].started_at
    spans = ((start, day) for day in days if calendar.is_workday(day) for start in _starts(day))
    return [
        Quarter(start, day, _first_reader(ordered, start, day))
        for start, day in spans
        if start + QUARTER <= now and start + QUARTER > began
    ]


def _starts(day: dt.date) -> Iterator[dt.datetime]:
    start, closed = Calendar.opening_hours(day)
    while start < closed:
        yield start
        start += QUARTER


def _first_reader(ordered: Sequence[GoodPoll], start: dt.datetime, day: dt.date) -> GoodPoll | None:
    return next(
        (poll for poll in ordered if poll.started_at >= start and poll.read_from <= day <= poll.to_workday), None
    )
