"""What the failing rows of a refused register have in common, so that the refusal says what to mend.

One table for each file: a likely cause and the expression that shows it. A refusal names the first cause that at least
half of the failing rows show. What does not belong here: whether to refuse (register/rules).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from konkurs_pipeline.domain.actions.situation import Relation
from konkurs_pipeline.domain.identifiers import IdKind, id_kind, is_account_no

_MIN_SHARE: Final = 0.5
_SAMPLE: Final = 100_000
_PERSON_ID_LENGTH: Final = 11
_ACCOUNT_NO_LENGTH: Final = 11


@dataclass(frozen=True, slots=True)
class Symptom:
    """A likely cause, as a clause about the rows, and the expression that is true for a row that shows it."""

    clause: str
    shows: pl.Expr


def likely_cause(failing: pl.DataFrame, symptoms: tuple[Symptom, ...]) -> str:
    """Return a clause on what most of the `failing` rows have in common, or nothing."""
    sample = failing.head(_SAMPLE)
    for symptom in symptoms:
        share = sample.select(symptom.shows.fill_null(value=False).mean()).item()
        if share is not None and share >= _MIN_SHARE:
            return f"; most of these rows {symptom.clause}"
    return ""


def _is_identifier(text: pl.Expr) -> pl.Expr:
    return id_kind(text, synthetic_allowed=True) != IdKind.UNKNOWN.value


def customer_symptoms(*, synthetic_allowed: bool) -> tuple[Symptom, ...]:
    """Return the symptoms of a customers file whose national_id fails."""
    number = pl.col("national_id")
    padded = number.str.zfill(_PERSON_ID_LENGTH)
    has_lost_zero = (number.str.len_chars() == _PERSON_ID_LENGTH - 1) & _is_identifier(padded)
    return (
        Symptom(
            "have lost a leading zero: 10 digits, read as a number somewhere; export national_id as text",
            has_lost_zero,
        ),
        Symptom(
            "have synthetic test numbers, which production refuses",
            _is_identifier(number) & (not synthetic_allowed),
        ),
        Symptom("have an account number in national_id", is_account_no(number)),
        *(
            Symptom(
                f"have a national identifier in {column}: the columns are swapped",
                _is_identifier(pl.col(column)),
            )
            for column in ("customer_ref", "name", "former_ids")
        ),
        Symptom("have none", number == ""),
        Symptom("have a number with decimals or an exponent in national_id", _is_computed(number)),
    )


def _is_computed(text: pl.Expr) -> pl.Expr:
    return text.str.contains(r"(?i)\A[0-9]+([.,][0-9]+)?(e\+?[0-9]+)?\z") & text.str.contains(r"(?i)[.,e]")


def account_symptoms() -> tuple[Symptom, ...]:
    """Return the symptoms of an accounts file of which too many rows fail."""
    number = pl.col("account_no")
    padded = number.str.zfill(_ACCOUNT_NO_LENGTH)
    return (
        Symptom(
            "have an account number in customer_ref: the columns are swapped",
            is_account_no(pl.col("customer_ref")) & ~is_account_no(number),
        ),
        Symptom(
            "have lost a leading zero in account_no, read as a number somewhere; export it as text",
            (padded != number) & is_account_no(padded),
        ),
        Symptom("have an IBAN in account_no instead of its 11 digits", number.str.contains(r"\ANO[0-9]{2}")),
        Symptom("have an account_no that fails its check", ~is_account_no(number)),
        Symptom(
            "have a relation other than owner, co_owner or disponent",
            ~pl.col("relation").is_in(list(Relation)),
        ),
        Symptom(
            "have an is_blocked other than true, false or empty, or an opened_at that is no date such as 2026-01-31",
            pl.lit(value=True),
        ),
    )
