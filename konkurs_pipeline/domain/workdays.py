"""Norwegian workdays, and the workday to which each instant belongs.

A partition is a workday. A notice belongs to the latest workday on or before the Oslo calendar date on which it was
registered. So notices of a Saturday or Whit Monday belong to Friday. Brreg's own test notices fall on a Saturday, a
Sunday and a Whit Monday: a pipeline that knew working days only would lose three of fifteen.

There is no clock here: "today" is `workday_of(now)`, and the caller gives `now`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.easter import easter

from konkurs_pipeline.errors import UsageError

OSLO: Final = ZoneInfo("Europe/Oslo")
# Between these times (Oslo) the register is updated every quarter of an hour on workdays [spec].
OPENS, CLOSES = dt.time(8), dt.time(16)
_SATURDAY: Final = 5
_ONE_DAY: Final = dt.timedelta(days=1)


# Lov om helligdager og helligdagsfred § 2, and lov om 1 og 17 mai som høgtidsdager. The package `holidays` says the same,
# and imports 250 countries at every start.
_FIXED: Final = ((1, 1), (5, 1), (5, 17), (12, 25), (12, 26))
# Maundy Thursday, Good Friday, Easter, Easter Monday, Ascension Day, Whit Sunday, Whit Monday.
_DAYS_AFTER_EASTER: Final = (-3, -2, 0, 1, 39, 49, 50)


@lru_cache(maxsize=256)
def _public_holidays(year: int) -> frozenset[dt.date]:
    moved = (easter(year) + dt.timedelta(days=after) for after in _DAYS_AFTER_EASTER)
    return frozenset([*(dt.date(year, month, day) for month, day in _FIXED), *moved])


@dataclass(frozen=True)
class Calendar:
    """The workdays from `first_workday` on: Monday to Friday less public holidays and `extra_closed_days`."""

    first_workday: dt.date
    extra_closed_days: frozenset[dt.date] = field(default_factory=frozenset)

    def is_workday(self, day: dt.date) -> bool:
        """Whether `day` is a working day. 24 and 31 December are, unless configured otherwise."""
        return day.weekday() < _SATURDAY and day not in _public_holidays(day.year) and day not in self.extra_closed_days

    def on_or_before(self, day: dt.date) -> dt.date:
        """Return the latest workday on or before `day`."""
        while not self.is_workday(day):
            day -= _ONE_DAY
        return day

    def workday_of(self, instant: dt.datetime) -> dt.date:
        """Return the workday that `instant` (with a time zone) belongs to."""
        if instant.tzinfo is None:
            message = f"an instant needs a time zone, got {instant!r}"
            raise ValueError(message)
        return self.on_or_before(instant.astimezone(OSLO).date())

    def back(self, day: dt.date, count: int) -> dt.date:
        """Return the workday `count` workdays before `day`, but not before the first."""
        for _ in range(count):
            if day <= self.first_workday:
                break
            day = self.on_or_before(day - _ONE_DAY)
        return max(day, self.first_workday)

    def between(self, first: dt.date, last: dt.date) -> list[dt.date]:
        """Return the workdays from `first` to `last`, both included."""
        days = ((first + dt.timedelta(days=n)) for n in range((last - first).days + 1))
        return [day for day in days if self.is_workday(day)]

    @staticmethod
    def start_of(day: dt.date) -> dt.datetime:
        """Return the first instant (UTC) of `day`: midnight in Oslo."""
        return dt.datetime.combine(day, dt.time(), tzinfo=OSLO).astimezone(dt.UTC)

    @staticmethod
    def opening_hours(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        """Return when the register opens and closes on a workday, in UTC."""
        opens, closes = (dt.datetime.combine(day, clock, tzinfo=OSLO) for clock in (OPENS, CLOSES))
        return opens.astimezone(dt.UTC), closes.astimezone(dt.UTC)

    def is_open(self, instant: dt.datetime) -> bool:
        """Whether `instant` lies in the opening hours of a workday, both ends included."""
        day = instant.astimezone(OSLO).date()
        opens, closes = self.opening_hours(day)
        return self.is_workday(day) and opens <= instant <= closes

    def window(self, first: dt.date, last: dt.date, *, lookback: int) -> Window:
        """Return what a run over `first` to `last` reads: those workdays and `lookback` workdays before them.

        A day that is no workday means the workday it belongs to. Raises `UsageError` for an empty range or one before the
        first partition.
        """
        from_workday, to_workday = self.on_or_before(first), self.on_or_before(last)
        if from_workday > to_workday:
            message = f"--from {first} lies after --to {last}: give the earlier day first"
            raise UsageError(message)
        if from_workday < self.first_workday:
            message = (
                f"--from {first} lies before the first workday {self.first_workday}: "
                "choose a later day, or set KONKURS_FIRST_WORKDAY earlier"
            )
            raise UsageError(message)
        return Window(self.back(from_workday, lookback), from_workday, to_workday)


@dataclass(frozen=True)
class Window:
    """The workdays of one run: it is asked for `from_workday` to `to_workday`, and reads from `read_from` on."""

    read_from: dt.date
    from_workday: dt.date
    to_workday: dt.date

    def __contains__(self, workday: dt.date) -> bool:
        """Whether this run takes a notice of `workday`."""
        return self.read_from <= workday <= self.to_workday
