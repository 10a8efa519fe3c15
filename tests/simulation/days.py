"""Norwegian working days, computed without anything from `domain/` (docs/domain.md § 7)."""

from __future__ import annotations

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo

import holidays

OSLO = ZoneInfo("Europe/Oslo")
_DAY = dt.timedelta(days=1)
_SATURDAY, SUNDAY = 5, 6


@cache
def is_workday(day: dt.date) -> bool:
    """Return whether a day is Monday to Friday and no public holiday."""
    return day.weekday() < _SATURDAY and day not in holidays.country_holidays("NO", years=day.year)


def workday_of(day: dt.date) -> dt.date:
    """Return the latest working day on or before a day."""
    while not is_workday(day):
        day -= _DAY
    return day


def back(workday: dt.date, count: int, *, not_before: dt.date) -> dt.date:
    """Return the working day `count` before one, but not before the first."""
    for _ in range(count):
        workday = workday_of(workday - _DAY) if workday > not_before else workday
    return max(workday, not_before)


def next_workday(workday: dt.date) -> dt.date:
    """Return the working day after one."""
    day = workday + _DAY
    while not is_workday(day):
        day += _DAY
    return day


def at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    """Return the instant (UTC) of a Norwegian date and time of day."""
    return dt.datetime.combine(day, dt.time(hour, minute), tzinfo=OSLO).astimezone(dt.UTC)
