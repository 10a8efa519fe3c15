"""The notices of the benchmarks: years of the seeded generator, then a last week of exactly fifty.

The measured poll is that of `DAY`. It reads fifty notices: `KNOWN` of the lookback, polled before, and `NEW` of the day.
What does not belong here: serving them (service.py), the customers (register.py).
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Final

from konkurs_pipeline.brreg.simulator.generator import generate_notices
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice
from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.domain.workdays import Calendar

DAY: Final = dt.date(2024, 11, 14)
LOOKBACK: Final = 5
KNOWN: Final = 45
NEW: Final = 5
# One in so many debtors of the past years is a customer. Every debtor of the day's new openings is.
ONE_IN: Final = 20
_SEED: Final = 1


def first_day(years: int) -> dt.date:
    """Return the first workday of a history of so many years; of none: the first day of the lookback."""
    calendar = Calendar(dt.date(2000, 1, 3))
    if not years:
        return calendar.back(DAY, LOOKBACK)
    return calendar.on_or_before(DAY.replace(year=DAY.year - years))


def day_before() -> dt.date:
    """Return the last workday before `DAY`: the last that a prepared store was polled for."""
    return Calendar(dt.date(2000, 1, 3)).back(DAY, 1)


def workdays(years: int) -> list[dt.date]:
    """Return the workdays a prepared store was polled for."""
    return Calendar(dt.date(2000, 1, 3)).between(first_day(years), day_before())


@cache
def history(years: int) -> tuple[SimulatedNotice, ...]:
    """Return the notices before the lookback, in order of registration."""
    if not years:
        return ()
    end = first_day(0)
    return tuple(n for n in generate_notices(_SEED, first_day(years), end) if n.registered_at.date() < end)


@cache
def last_week() -> tuple[SimulatedNotice, ...]:
    """Return the `KNOWN` notices of the lookback, spread over its days, and the `NEW` openings of `DAY`."""
    of_week = generate_notices(_SEED + 1, first_day(0), DAY)
    before = [n for n in of_week if n.registered_at.date() < DAY]
    of_day = [n for n in of_week if n.registered_at.date() == DAY and n.type == NoticeType.AAPNING]
    step = len(before) // KNOWN
    return (*before[: step * KNOWN : step], *of_day[:NEW])


def served(years: int) -> tuple[SimulatedNotice, ...]:
    """Return all notices of the service."""
    return (*history(years), *last_week())


def debtors_who_are_customers(years: int) -> list[str]:
    """Return the debtors to plant in the register: one in `ONE_IN` of the history's, and all of the day's."""
    debtors = list(dict.fromkeys(n.debtor_id for n in history(years)))
    return list(dict.fromkeys([*debtors[::ONE_IN], *(n.debtor_id for n in last_week()[-NEW:])]))
