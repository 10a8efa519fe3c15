"""The matches come in one order for any order of the tables. Only the form of a linked unit can be a doubt."""

from __future__ import annotations

import random
from typing import Final

import polars as pl
import pytest

from konkurs_pipeline.domain.matching import match_customers
from konkurs_pipeline.schemas.register import RegisterIdentifiers
from tests.domain.invented import COMPANY, EPOCH

MANY: Final = 400
PARTY: Final = {
    "workday": EPOCH.date(),
    "id_kind": "orgnr",
    "role": "debtor",
    "organisation_form": None,
}
FORM: Final = {"organisation_form": pl.String}


def identifiers(numbers: list[str]) -> pl.DataFrame:
    rows = [
        {"national_id": number, "customer_ref": f"K-{number}-{n}", "is_former": False, "is_flagged": False}
        for number in numbers
        for n in range(3)
    ]
    return pl.DataFrame(rows)


def parties(numbers: list[str], **changes: str | None) -> pl.DataFrame:
    rows = [{"notice_uuid": f"n-{number}", "national_id": number, **PARTY, **changes} for number in numbers]
    return pl.DataFrame(rows, schema_overrides=FORM)


@pytest.mark.parametrize("seed", range(3))
def test_matches_stand_in_the_order_of_notice_and_customer(seed: int) -> None:
    numbers = [f"{number:09}" for number in range(MANY)]
    random.Random(seed).shuffle(numbers)  # noqa: S311 -- any order will do

    matches = match_customers(parties(numbers), identifiers(numbers[::-1])).select("notice_uuid", "customer_ref")

    assert matches.height == 3 * MANY
    assert matches.rows() == sorted(matches.rows())


@pytest.mark.parametrize("form", ["AS", "ENK", "KBO", "", None])
def test_the_form_of_the_debtor_itself_is_no_doubt(form: str | None) -> None:
    """A company of any form can be bankrupt. The known forms are those of a person's linked units."""
    matches = match_customers(parties([COMPANY], organisation_form=form), identifiers([COMPANY]))

    assert matches["doubt"].to_list() == [None] * 3


@pytest.mark.parametrize(
    ("form", "doubt"), [("AS", "linked_unit_form_unknown"), ("ENK", None), ("TVAM", None), (None, None)]
)
def test_an_unknown_form_of_a_linked_unit_is_a_doubt(form: str | None, doubt: str | None) -> None:
    linked = parties([COMPANY], role="linked_unit", organisation_form=form)

    assert match_customers(linked, identifiers([COMPANY]))["doubt"].to_list() == [doubt] * 3


def test_the_identifiers_used_here_have_the_columns_of_the_register() -> None:
    assert set(identifiers([COMPANY]).columns) == set(RegisterIdentifiers.to_schema().columns)
