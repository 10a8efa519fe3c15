"""A generated register of any size: invented customers and accounts with valid numbers, as the two CSV files.

All columns are arithmetic on row numbers: ten million customers take seconds, and one size always gives the same bank. No
number belongs to anybody: organisation numbers start with 1 or 2, people have a synthetic month (+ 40). So only the planted
debtors are debtors of the generator. What does not belong here: the choice of debtors (notices.py).

    python -m bench.register FOLDER CUSTOMERS YEARS

It runs in a process of its own, because the memory of a parent counts as the peak memory of its child.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from bench import notices

_ORGNR_WEIGHTS: Final = (3, 2, 7, 6, 5, 4, 3, 2)
_FIRST_WEIGHTS: Final = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_SECOND_WEIGHTS: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
# One or two of ten drawn numbers have no control digit, so more are drawn.
_SPARE: Final = 1.35
_ORGNR_FROM: Final = 10_000_000
_DAYS: Final = 28 * 12 * 60
_INDIVIDUAL: Final = 500
_ONE_DIGIT: Final = 10
# Odd and far from a power of ten: such steps touch every number once, far apart.
_STEP: Final = 7_368_787
ACCOUNTS_PER_TEN: Final = 12


def write_register(folder: Path, customers: int, debtors: Sequence[str]) -> None:
    """Write customers.csv (`customers` rows, `debtors` among them) and accounts.csv (a fifth more)."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = customers - len(debtors)
    people = drawn * 7 // 10
    ids = pl.concat([pl.Series(debtors, dtype=pl.String), _people(people), _organisations(drawn - people)])
    ids = ids.sample(fraction=1, shuffle=True, seed=1)
    refs = pl.select(pl.format("K{}", pl.int_range(len(ids)).cast(pl.String).str.zfill(8))).to_series()
    names = pl.select(pl.format("Navn {}", pl.int_range(len(ids)))).to_series()
    whole = pl.DataFrame({"customer_ref": refs, "national_id": ids, "former_ids": pl.repeat("", len(ids), eager=True)})
    whole.with_columns(name=names).write_csv(folder / "customers.csv")
    _write_accounts(folder / "accounts.csv", refs)


def _write_accounts(path: Path, refs: pl.Series) -> None:
    extra = len(refs) * (ACCOUNTS_PER_TEN - 10) // 10
    owners = pl.concat([refs, refs.head(extra)])
    accounts = pl.DataFrame({"account_no": _account_numbers(len(owners)), "customer_ref": owners})
    accounts.with_columns(relation=pl.lit("owner"), is_blocked=pl.lit("false")).write_csv(path)


def _people(count: int) -> pl.Series:
    """Return synthetic fødselsnummer (NAV's month + 40): every day of sixty years, 500 individual numbers a day."""
    space = _DAYS * _INDIVIDUAL
    place = _spread(round(count * _SPARE), space)
    day, month, year = place % 28 + 1, place // 28 % 12 + 41, place // 336 % 60 + 40
    digits = day * 10**7 + month * 10**5 + year * 1000 + place // _DAYS
    first = _control(digits, _FIRST_WEIGHTS)
    second = _control(digits * 10 + first, _SECOND_WEIGHTS)
    return _numbers([(digits, 9), (first, 1), (second, 1)], [first, second], count)


def _organisations(count: int) -> pl.Series:
    digits = _ORGNR_FROM + _spread(round(count * _SPARE), 20_000_000 - 1)
    control = _control(digits, _ORGNR_WEIGHTS)
    return _numbers([(digits, 8), (control, 1)], [control], count)


def _account_numbers(count: int) -> pl.Series:
    digits = 10**9 + _spread(round(count * _SPARE), 8 * 10**9 + 1)
    control = _control(digits, _SECOND_WEIGHTS)
    return _numbers([(digits, 10), (control, 1)], [control], count)


def _spread(count: int, space: int) -> pl.Expr:
    """Return `count` different numbers below `space`, in no visible order."""
    if count > space:
        message = f"the register wants {count} numbers of {space} that there are: ask for fewer customers"
        raise ValueError(message)
    return pl.int_range(count, dtype=pl.Int64, eager=False) * _STEP % space


def _control(digits: pl.Expr, weights: Sequence[int]) -> pl.Expr:
    places = len(weights)
    total = pl.sum_horizontal(
        digits // 10 ** (places - 1 - place) % 10 * weight for place, weight in enumerate(weights)
    )
    return (11 - total % 11) % 11


def _numbers(parts: Sequence[tuple[pl.Expr, int]], controls: Sequence[pl.Expr], count: int) -> pl.Series:
    """Join the parts into text; return the first `count` numbers that have a control digit."""
    joined = pl.concat_str([part.cast(pl.String).str.zfill(width) for part, width in parts])
    has_control = pl.all_horizontal(control < _ONE_DIGIT for control in controls)
    found = pl.select(number=joined, is_number=has_control).lazy().filter("is_number").head(count).collect()
    if found.height < count:
        message = f"only {found.height} of {count} numbers have their control digit: raise _SPARE"
        raise ValueError(message)
    return found["number"]


if __name__ == "__main__":
    write_register(Path(sys.argv[1]), int(sys.argv[2]), notices.debtors_who_are_customers(int(sys.argv[3])))
