"""A period of days, and the buckets in which its figures are counted: months, weeks or days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from konkurs_pipeline.domain.workdays import Calendar

# A longer period is counted in larger buckets: a chart holds some forty columns.
_MOST_DAYS_BY_DAY: Final = 35
_MOST_DAYS_BY_WEEK: Final = 190
_FORMATS: Final = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}


@dataclass(frozen=True)
class Period:
    """The days from `first` to `last`, both included, in Oslo."""

    first: dt.date
    last: dt.date

    @property
    def start(self) -> dt.datetime:
        """When the first day begins (UTC)."""
        return Calendar.start_of(self.first)

    @property
    def end(self) -> dt.datetime:
        """When the last day is over (UTC)."""
        return Calendar.start_of(self.last + dt.timedelta(days=1))

    @property
    def days(self) -> list[dt.date]:
        """Every day, in order."""
        return [self.first + dt.timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def unit(self) -> str:
        """What a bucket is: day, week or month."""
        count = (self.last - self.first).days + 1
        return "day" if count <= _MOST_DAYS_BY_DAY else "week" if count <= _MOST_DAYS_BY_WEEK else "month"

    def bucket(self, day: dt.date) -> str:
        """Return the name of the bucket that a day falls into."""
        return day.strftime(_FORMATS[self.unit])


def month_before(day: dt.date) -> Period:
    """Return the last whole month before `day`."""
    last = day.replace(day=1) - dt.timedelta(days=1)
    return Period(last.replace(day=1), last)
