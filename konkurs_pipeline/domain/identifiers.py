"""Norwegian national identifiers and account numbers: which text is one, and of which kind.

One implementation, as polars expressions, because the bank's register has millions of rows; a single text goes the
same way. `python-stdnum` is not used: it rejects synthetic and 2032 numbers, looks at today's date and accepts
000000000; the tests hold this module against it where both claim to answer.

Identifiers are text from the first byte to the last. Nothing here pads, strips or repairs: 8086001471 is not
08086001471, it is damage.

Sources: DOMAIN § 6 (docs/domain.md); Skatteetaten on the control digits from 2032.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import polars as pl


class IdKind(StrEnum):
    """What an identifier is. `UNKNOWN` is everything that fails its check: looked up as text, never blocked on."""

    ORGNR = "orgnr"
    FNR = "fnr"
    DNR = "dnr"
    UNKNOWN = "unknown"

    @property
    def is_person(self) -> bool:
        """Whether a person stands behind the identifier (fødselsnummer or D-nummer)."""
        return self in (IdKind.FNR, IdKind.DNR)


_ORGNR_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2, 1)
_FIRST_CONTROL_WEIGHTS = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1, 0)
_SECOND_CONTROL_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
# From 2032 the first control digit may leave any of these; until then 0 alone. Which rule a number was issued under
# cannot be told from the number, so the wider one holds for all: it admits more, and the second digit still guards.
_FIRST_CONTROL_REMAINDERS = (0, 1, 2, 3)
_DNR_DAY_OFFSET = 40
# Month offsets of synthetic numbers: NAV's (+40) and Tenor / Test-Norge's (+80).
_SYNTHETIC_MONTH_OFFSETS = (40, 80)
_DAYS_IN_MONTH = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _weighted_remainder(number: pl.Expr, weights: Sequence[int]) -> pl.Expr:
    places = len(weights)
    total = pl.lit(0, dtype=pl.Int64)
    for place, weight in enumerate(weights):
        if weight:
            total = total + weight * (number // 10 ** (places - 1 - place) % 10)
    return total % 11


def _all_digits(text: pl.Expr, count: int) -> pl.Expr:
    return text.str.contains(rf"\A[0-9]{{{count}}}\z")


def _as_number(text: pl.Expr, count: int) -> pl.Expr:
    return pl.when(_all_digits(text, count)).then(text).otherwise(None).cast(pl.Int64, strict=False)


def _is_orgnr(text: pl.Expr) -> pl.Expr:
    number = _as_number(text, 9)
    return (number > 0) & (_weighted_remainder(number, _ORGNR_WEIGHTS) == 0)


def _month_without_offset(month: pl.Expr, *, synthetic_allowed: bool) -> pl.Expr:
    plain = month
    if synthetic_allowed:
        for offset in _SYNTHETIC_MONTH_OFFSETS:
            plain = pl.when(month.is_between(offset + 1, offset + 12)).then(month - offset).otherwise(plain)
    return plain


def _person_kind(text: pl.Expr, *, synthetic_allowed: bool) -> pl.Expr:
    number = _as_number(text, 11)
    written_day = number // 10**9
    is_dnr = written_day > _DNR_DAY_OFFSET
    day = pl.when(is_dnr).then(written_day - _DNR_DAY_OFFSET).otherwise(written_day)
    month = _month_without_offset(number // 10**7 % 100, synthetic_allowed=synthetic_allowed)
    last_day = month.replace_strict(dict(enumerate(_DAYS_IN_MONTH)), default=0, return_dtype=pl.Int64)
    holds = (
        day.is_between(1, last_day)
        & _weighted_remainder(number, _FIRST_CONTROL_WEIGHTS).is_in(list(_FIRST_CONTROL_REMAINDERS))
        & (_weighted_remainder(number, _SECOND_CONTROL_WEIGHTS) == 0)
    )
    kind = pl.when(is_dnr).then(pl.lit(IdKind.DNR.value)).otherwise(pl.lit(IdKind.FNR.value))
    return pl.when(holds).then(kind)


def id_kind(text: pl.Expr, *, synthetic_allowed: bool) -> pl.Expr:
    """Classify a text column into the values of `IdKind`; null and damaged text are `unknown`.

    `synthetic_allowed`: whether test numbers (month + 40 or + 80) count; never in production.
    """
    person = _person_kind(text, synthetic_allowed=synthetic_allowed)
    return (
        pl.when(_is_orgnr(text))
        .then(pl.lit(IdKind.ORGNR.value))
        .when(person.is_not_null())
        .then(person)
        .otherwise(pl.lit(IdKind.UNKNOWN.value))
    )


def is_account_no(text: pl.Expr) -> pl.Expr:
    """Whether a text column holds account numbers (kontonummer: 11 digits, mod 11). Null gives False.

    The check is the same as a fødselsnummer's second control digit, so it does not tell the two apart.
    """
    number = _as_number(text, 11)
    return ((number > 0) & (_weighted_remainder(number, _SECOND_CONTROL_WEIGHTS) == 0)).fill_null(value=False)


def identify(text: str, *, synthetic_allowed: bool) -> IdKind:
    """Classify one identifier."""
    return identify_all([text], synthetic_allowed=synthetic_allowed)[0]


def identify_all(texts: Sequence[str], *, synthetic_allowed: bool) -> list[IdKind]:
    """Classify several identifiers, in order."""
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    kinds = frame.select(id_kind(pl.col("text"), synthetic_allowed=synthetic_allowed)).to_series()
    return [IdKind(kind) for kind in kinds]
