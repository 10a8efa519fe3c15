"""Norwegian national identifiers and account numbers: which text is one, and of which kind.

The rules are written twice, over the same tables. As polars expressions, because the bank's register has millions of
rows; and for one text, because an expression costs milliseconds and documents are read one number at a time. A property
test compares the two. `python-stdnum` is not used: it rejects synthetic and 2032 numbers, depends on today's date and
accepts 000000000. The tests compare this module with it for the numbers that both support.

Identifiers are text from the first byte to the last. Nothing here pads or repairs: 8086001471 is not 08086001471, it is
damage. Spaces between the digits are spelling: `without_spaces` removes them.

Sources: docs/domain.md § 6; Skatteetaten on the control digits from 2032.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

import polars as pl


class IdKind(StrEnum):
    """What an identifier is. `UNKNOWN`: it fails its check; it is looked up as text and never leads to a BLOCK."""

    ORGNR = "orgnr"
    FNR = "fnr"
    DNR = "dnr"
    UNKNOWN = "unknown"

    @property
    def is_person(self) -> bool:
        """Whether it is a person's identifier (fødselsnummer or D-nummer)."""
        return self in (IdKind.FNR, IdKind.DNR)


_ORGNR_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2, 1)
_FIRST_CONTROL_WEIGHTS = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1, 0)
_SECOND_CONTROL_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
# From 2032 the first control digit may leave any of these remainders, until then only 0. A number does not show by which
# rule it was issued, so the wider rule applies to all. The second digit is still checked.
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


def _as_number(text: pl.Expr) -> pl.Expr:
    """Return the number, null if there is none. It also reads text with a sign: check `_all_digits` too."""
    return text.cast(pl.Int64, strict=False)


def _is_orgnr(text: pl.Expr) -> pl.Expr:
    number = _as_number(text)
    return _all_digits(text, 9) & (number > 0) & (_weighted_remainder(number, _ORGNR_WEIGHTS) == 0)


def _month_without_offset(month: pl.Expr, *, synthetic_allowed: bool) -> pl.Expr:
    plain = month
    if synthetic_allowed:
        for offset in _SYNTHETIC_MONTH_OFFSETS:
            plain = pl.when(month.is_between(offset + 1, offset + 12)).then(month - offset).otherwise(plain)
    return plain


def _person_kind(text: pl.Expr, *, synthetic_allowed: bool) -> pl.Expr:
    number = _as_number(text)
    written_day = number // 10**9
    is_dnr = written_day > _DNR_DAY_OFFSET
    day = pl.when(is_dnr).then(written_day - _DNR_DAY_OFFSET).otherwise(written_day)
    month = _month_without_offset(number // 10**7 % 100, synthetic_allowed=synthetic_allowed)
    last_day = month.replace_strict(dict(enumerate(_DAYS_IN_MONTH)), default=0, return_dtype=pl.Int64)
    holds = (
        _all_digits(text, 11)
        & day.is_between(1, last_day)
        & _weighted_remainder(number, _FIRST_CONTROL_WEIGHTS).is_in(list(_FIRST_CONTROL_REMAINDERS))
        & (_weighted_remainder(number, _SECOND_CONTROL_WEIGHTS) == 0)
    )
    kind = pl.when(is_dnr).then(pl.lit(IdKind.DNR.value)).otherwise(pl.lit(IdKind.FNR.value))
    return pl.when(holds).then(kind)


def id_kind(text: pl.Expr, *, synthetic_allowed: bool) -> pl.Expr:
    """Classify a text column into the values of `IdKind`; null and damaged text are `unknown`.

    `synthetic_allowed`: whether test numbers (month + 40 or + 80) count; never in production.
    """
    orgnr = pl.when(_is_orgnr(text)).then(pl.lit(IdKind.ORGNR.value))
    return pl.coalesce(orgnr, _person_kind(text, synthetic_allowed=synthetic_allowed), pl.lit(IdKind.UNKNOWN.value))


def is_account_no(text: pl.Expr) -> pl.Expr:
    """Whether a text column holds account numbers (kontonummer: 11 digits, mod 11). Null gives False.

    The check is the same as a fødselsnummer's second control digit, so it does not tell the two apart.
    """
    number = _as_number(text)
    holds = _all_digits(text, 11) & (number > 0) & (_weighted_remainder(number, _SECOND_CONTROL_WEIGHTS) == 0)
    return holds.fill_null(value=False)


def is_utf8(text: str) -> bool:
    r"""Whether `text` can be written as UTF-8. JSON can hold `"\ud800"`, half a pair, which cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def identify(text: str, *, synthetic_allowed: bool) -> IdKind:
    """Classify one identifier, by the same rules and tables as `id_kind`."""
    if len(text) not in _LENGTHS or not (text.isascii() and text.isdecimal()):
        return IdKind.UNKNOWN
    digits = [ord(sign) - ord("0") for sign in text]
    if len(digits) == len(_ORGNR_WEIGHTS):
        return IdKind.ORGNR if any(digits) and _remainder(digits, _ORGNR_WEIGHTS) == 0 else IdKind.UNKNOWN
    if len(digits) == len(_SECOND_CONTROL_WEIGHTS) and _is_person(digits, synthetic_allowed=synthetic_allowed):
        return IdKind.DNR if digits[0] >= _DNR_FIRST_DIGIT else IdKind.FNR
    return IdKind.UNKNOWN


def without_spaces(text: str) -> str:
    """Return a number of 9 or 11 digits without the spaces (also no-break ones) it was written with; other text as it is."""
    digits = _SPACES.sub("", text)
    return digits if len(digits) in _LENGTHS and digits.isascii() and digits.isdecimal() else text


def typed_number(text: str) -> str | None:
    """Return the 9 or 11 digits that a person typed, without spaces and dots; null: it is no orgnr, fnr or D-nummer."""
    digits = without_spaces(text.replace(".", ""))
    return digits if len(digits) in _LENGTHS and digits.isascii() and digits.isdecimal() else None


def identify_all(texts: Sequence[str], *, synthetic_allowed: bool) -> list[IdKind]:
    """Classify several identifiers, in order."""
    return [identify(text, synthetic_allowed=synthetic_allowed) for text in texts]


# What Unicode calls white space, and the three that have no width.
_SPACES = re.compile("[\\s\u200b\u2060\ufeff]")
_LENGTHS = (len(_ORGNR_WEIGHTS), len(_SECOND_CONTROL_WEIGHTS))
_DNR_FIRST_DIGIT = _DNR_DAY_OFFSET // 10


def _remainder(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11


def _is_person(digits: Sequence[int], *, synthetic_allowed: bool) -> bool:
    written_day, written_month = digits[0] * 10 + digits[1], digits[2] * 10 + digits[3]
    day = written_day - _DNR_DAY_OFFSET if written_day > _DNR_DAY_OFFSET else written_day
    offsets = (0, *_SYNTHETIC_MONTH_OFFSETS) if synthetic_allowed else (0,)
    months = (written_month - offset for offset in offsets)
    month = next((month for month in months if 1 <= month < len(_DAYS_IN_MONTH)), 0)
    return (
        1 <= day <= _DAYS_IN_MONTH[month]
        and _remainder(digits, _FIRST_CONTROL_WEIGHTS) in _FIRST_CONTROL_REMAINDERS
        and _remainder(digits, _SECOND_CONTROL_WEIGHTS) == 0
    )
