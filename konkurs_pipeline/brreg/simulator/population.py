"""Invented people, units and accounts whose numbers pass their checks, drawn from a seeded `random.Random`.

None belongs to anybody: organisation numbers start with 1 to 7, and real ones with 8 or 9; ordinary-looking fødselsnummer
belong to births of 1855 to 1899; synthetic ones carry month + 80 (Tenor) or + 40 (NAV); numbers of the 2032 kind leave a
remainder that none issued before 2032 leaves. What does not belong here: deciding whether a number is valid
(domain/identifiers, written independently, so that each tests the other).
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Final

_ORGNR_WEIGHTS: Final = (3, 2, 7, 6, 5, 4, 3, 2)
_FIRST_CONTROL_WEIGHTS: Final = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_SECOND_CONTROL_WEIGHTS: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_NO_CONTROL_DIGIT: Final = 10
_DNR_DAY_OFFSET: Final = 40
_TENOR_MONTH_OFFSET: Final = 80
_REMAINDERS_FROM_2032: Final = (1, 2, 3)
_LIVING: Final = (dt.date(1940, 1, 1), dt.date(1999, 12, 31))
_LONG_DEAD: Final = (dt.date(1855, 1, 1), dt.date(1899, 12, 31))
# Individual numbers as issued for those years of birth.
_INDIVIDUAL_1900S: Final = (0, 499)
_INDIVIDUAL_1800S: Final = (500, 749)


def seeded(seed: int | str) -> random.Random:
    """Return a random source that gives the same values for the same seed on every machine."""
    return random.Random(seed)  # noqa: S311 - repeatable invention is the point; nothing here is a secret


def random_orgnr(rng: random.Random, *, leading: str = "3") -> str:
    """Return an organisation number that starts with `leading`."""
    while True:
        digits = leading + _digits(rng, len(_ORGNR_WEIGHTS) - len(leading))
        control = _control_digit(digits, _ORGNR_WEIGHTS)
        if control != _NO_CONTROL_DIGIT:
            return f"{digits}{control}"


def random_account_no(rng: random.Random) -> str:
    """Return an account number (kontonummer); never one that starts with 0."""
    while True:
        digits = str(rng.randint(1, 9)) + _digits(rng, len(_SECOND_CONTROL_WEIGHTS) - 1)
        control = _control_digit(digits, _SECOND_CONTROL_WEIGHTS)
        if control != _NO_CONTROL_DIGIT:
            return f"{digits}{control}"


def random_fnr(rng: random.Random) -> str:
    """Return an ordinary-looking fødselsnummer, of somebody born in 1855 to 1899."""
    return _person_number(rng, born=_LONG_DEAD, individual=_INDIVIDUAL_1800S)


def random_dnr(rng: random.Random) -> str:
    """Return an ordinary-looking D-nummer (day + 40), of somebody born in 1855 to 1899."""
    return _person_number(rng, born=_LONG_DEAD, individual=_INDIVIDUAL_1800S, day_offset=_DNR_DAY_OFFSET)


def random_synthetic_fnr(rng: random.Random, *, month_offset: int = _TENOR_MONTH_OFFSET) -> str:
    """Return a synthetic fødselsnummer: month + 80 (Tenor) or, with `month_offset=40`, NAV's."""
    return _person_number(rng, born=_LIVING, individual=_INDIVIDUAL_1900S, month_offset=month_offset)


def random_synthetic_dnr(rng: random.Random, *, month_offset: int = _TENOR_MONTH_OFFSET) -> str:
    """Return a synthetic D-nummer: day + 40 and month + 80."""
    return _person_number(
        rng,
        born=_LIVING,
        individual=_INDIVIDUAL_1900S,
        day_offset=_DNR_DAY_OFFSET,
        month_offset=month_offset,
    )


def random_fnr_2032(rng: random.Random) -> str:
    """Return a fødselsnummer that only the rule of 2032 admits: the first control digit leaves 1, 2 or 3."""
    remainder = rng.choice(_REMAINDERS_FROM_2032)
    return _person_number(rng, born=_LIVING, individual=(0, 999), first_remainder=remainder)


def _person_number(  # noqa: PLR0913 - each is one way in which the kinds of number differ
    rng: random.Random,
    *,
    born: tuple[dt.date, dt.date],
    individual: tuple[int, int],
    day_offset: int = 0,
    month_offset: int = 0,
    first_remainder: int = 0,
) -> str:
    while True:
        birth = born[0] + dt.timedelta(days=rng.randrange((born[1] - born[0]).days + 1))
        date_part = f"{birth.day + day_offset:02}{birth.month + month_offset:02}{birth.year % 100:02}"
        digits = f"{date_part}{rng.randint(*individual):03}"
        first = _control_digit(digits, _FIRST_CONTROL_WEIGHTS, remainder=first_remainder)
        second = _control_digit(f"{digits}{first}", _SECOND_CONTROL_WEIGHTS)
        if _NO_CONTROL_DIGIT not in (first, second):
            return f"{digits}{first}{second}"


def _control_digit(digits: str, weights: Sequence[int], *, remainder: int = 0) -> int:
    total = sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=False))
    return (remainder - total) % 11


def _digits(rng: random.Random, count: int) -> str:
    return f"{rng.randrange(10**count):0{count}}"
