from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.domain.matching import Doubt, MatchedVia, match_customers

PARTY_SCHEMA = {
    "notice_uuid": pl.String,
    "workday": pl.Date,
    "national_id": pl.String,
    "id_kind": pl.String,
    "role": pl.String,
    "organisation_form": pl.String,
}
IDENTIFIER_SCHEMA = {
    "national_id": pl.String,
    "customer_ref": pl.String,
    "is_former": pl.Boolean,
    "is_flagged": pl.Boolean,
}
MATCH_SCHEMA = {
    "notice_uuid": pl.String,
    "workday": pl.Date,
    "customer_ref": pl.String,
    "matched_via": pl.String,
    "national_id": pl.String,
    "doubt": pl.String,
}
DAY = dt.date(2018, 6, 8)
# Matching compares text and checks no checksum, so short texts are enough.
FNR, DNR, ENK, DAMAGED = "fnr", "dnr", "enk", "8086001471"

PartyRow = tuple[str, dt.date, str, str, str, str | None]
IdentifierRow = tuple[str, str, bool, bool]


def debtor(number: str, kind: str = "fnr", notice: str = "n") -> PartyRow:
    return (notice, DAY, number, kind, "debtor", None)


def linked(number: str, form: str | None = "ENK", kind: str = "orgnr", notice: str = "n") -> PartyRow:
    return (notice, DAY, number, kind, "linked_unit", form)


def has(number: str, ref: str = "C1", *, flagged: bool = False) -> IdentifierRow:
    return (number, ref, False, flagged)


def had(number: str, ref: str = "C1", *, flagged: bool = False) -> IdentifierRow:
    return (number, ref, True, flagged)


def match(parties: Sequence[PartyRow], identifiers: Sequence[IdentifierRow]) -> pl.DataFrame:
    return match_customers(
        pl.DataFrame(parties, schema=PARTY_SCHEMA, orient="row"),
        pl.DataFrame(identifiers, schema=IDENTIFIER_SCHEMA, orient="row"),
    )


def found(parties: Sequence[PartyRow], identifiers: Sequence[IdentifierRow]) -> list[tuple[str, str, str | None]]:
    return match(parties, identifiers).select("customer_ref", "matched_via", "doubt").rows()


@pytest.mark.parametrize(
    ("party", "identifier", "via", "doubt"),
    [
        pytest.param(debtor(FNR), has(FNR), MatchedVia.DEBTOR, None, id="debtor"),
        pytest.param(debtor(DNR, "dnr"), had(DNR), MatchedVia.FORMER_ID, None, id="former_id_is_a_full_match"),
        pytest.param(linked(ENK), has(ENK), MatchedVia.LINKED_UNIT, None, id="linked_unit"),
        pytest.param(linked(ENK), had(ENK), MatchedVia.LINKED_UNIT, None, id="linked_unit_by_a_former_id"),
        pytest.param(linked(ENK, "TVAM"), has(ENK), MatchedVia.LINKED_UNIT, None, id="tvam"),
        pytest.param(linked(ENK, None), has(ENK), MatchedVia.LINKED_UNIT, None, id="form_not_given"),
        pytest.param(
            linked(ENK, "AS"),
            has(ENK),
            MatchedVia.LINKED_UNIT,
            Doubt.LINKED_UNIT_FORM_UNKNOWN,
            id="form_unknown",
        ),
        pytest.param(
            debtor(DAMAGED, "unknown"),
            has(DAMAGED),
            MatchedVia.DEBTOR,
            Doubt.PARTY_IDENTIFIER_INVALID,
            id="damaged_number_is_found_as_text",
        ),
        pytest.param(
            linked(DAMAGED, kind="unknown"),
            has(DAMAGED),
            MatchedVia.LINKED_UNIT,
            Doubt.PARTY_IDENTIFIER_INVALID,
            id="damaged_linked_unit",
        ),
        pytest.param(
            debtor(FNR),
            has(FNR, flagged=True),
            MatchedVia.DEBTOR,
            Doubt.CUSTOMER_IDENTIFIER_INVALID,
            id="flagged_customer",
        ),
    ],
)
def test_a_customer_matches_by_number_former_number_or_linked_unit(
    party: PartyRow, identifier: IdentifierRow, via: MatchedVia, doubt: Doubt | None
) -> None:
    assert found([party], [identifier]) == [("C1", via.value, doubt.value if doubt else None)]


@pytest.mark.parametrize(
    ("parties", "identifiers", "expected", "why"),
    [
        pytest.param(
            [debtor(FNR), linked(ENK)],
            [has(FNR), had(ENK)],
            ("C1", "debtor", None),
            "the debtor is stronger than a linked unit",
            id="debtor_over_linked_unit",
        ),
        pytest.param(
            [debtor(FNR), linked(ENK)],
            [had(FNR), has(ENK)],
            ("C1", "former_id", None),
            "a former id is stronger than a linked unit",
            id="former_id_over_linked_unit",
        ),
        pytest.param(
            [debtor(FNR), linked(ENK)],
            [has(FNR, flagged=True), has(ENK)],
            ("C1", "linked_unit", None),
            "without doubt comes first: the accounts are the debtor's by the ENK already",
            id="no_doubt_over_strength",
        ),
        pytest.param(
            [debtor(FNR), linked(ENK, "AS")],
            [has(FNR, flagged=True), has(ENK)],
            ("C1", "debtor", "customer_identifier_invalid"),
            "of two doubts the stronger match",
            id="strongest_of_the_doubtful",
        ),
        pytest.param(
            [debtor(FNR)],
            [had(FNR), has(FNR)],
            ("C1", "debtor", None),
            "the same number stands as present and as former",
            id="present_over_former",
        ),
    ],
)
def test_a_customer_found_in_several_ways_is_one_match(
    parties: list[PartyRow], identifiers: list[IdentifierRow], expected: tuple[str, str, str | None], why: str
) -> None:
    assert found(parties, identifiers) == [expected], why


def test_of_two_equal_ways_the_smaller_number_is_named_in_any_order() -> None:
    ways, register = [linked("b"), linked("a")], [has("b"), has("a")]

    assert match(ways, register)["national_id"].to_list() == ["a"]
    assert match(ways[::-1], register[::-1])["national_id"].to_list() == ["a"]


def test_of_two_doubts_about_one_number_the_same_is_named_in_any_order() -> None:
    ways = [linked("a", "AS"), linked("a", kind="unknown")]

    assert found(ways, [has("a")]) == found(ways[::-1], [has("a")])


def test_two_customers_with_one_identifier_are_both_found() -> None:
    assert found([debtor(FNR)], [has(FNR, "C2"), has(FNR, "C1")]) == [("C1", "debtor", None), ("C2", "debtor", None)]


def test_one_customer_is_a_match_of_each_notice() -> None:
    rows = match([debtor(FNR, notice="n1"), debtor(FNR, notice="n2")], [has(FNR)])

    assert rows["notice_uuid"].to_list() == ["n1", "n2"]


@pytest.mark.parametrize("text", ["08086001471", " 8086001471", "8086001471.0", "80860014710"])
def test_a_number_without_its_leading_zero_matches_only_the_same_text(text: str) -> None:
    assert found([debtor(DAMAGED, "unknown")], [has(text)]) == []


@pytest.mark.parametrize(
    ("parties", "identifiers"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([], [has(FNR)], id="no_parties"),
        pytest.param([debtor(FNR)], [], id="no_customers"),
        pytest.param([debtor(FNR)], [has(ENK)], id="nobody_found"),
    ],
)
def test_no_matches_are_an_empty_frame_of_the_same_columns(
    parties: list[PartyRow], identifiers: list[IdentifierRow]
) -> None:
    assert match(parties, identifiers).schema == MATCH_SCHEMA
    assert match(parties, identifiers).is_empty()


def test_a_match_carries_the_compared_number() -> None:
    rows = match([debtor(FNR)], [has(FNR)])

    assert rows.schema == MATCH_SCHEMA
    assert rows.rows() == [("n", DAY, "C1", "debtor", FNR, None)]


numbers = st.sampled_from([FNR, DNR, ENK, DAMAGED])
parties = st.lists(
    st.builds(debtor, numbers, st.sampled_from(["fnr", "unknown"]), st.sampled_from(["n1", "n2"]))
    | st.builds(
        linked,
        numbers,
        st.sampled_from(["ENK", "AS", None]),
        st.sampled_from(["orgnr", "unknown"]),
        st.sampled_from(["n1", "n2"]),
    ),
    max_size=6,
)
registers = st.lists(st.tuples(numbers, st.sampled_from(["C1", "C2", "C3"]), st.booleans(), st.booleans()), max_size=6)


@given(some=parties, register=registers, data=st.data())
def test_the_order_of_the_rows_does_not_matter(
    some: list[PartyRow], register: list[IdentifierRow], data: st.DataObject
) -> None:
    shuffled = match(data.draw(st.permutations(some)), data.draw(st.permutations(register)))

    assert shuffled.equals(match(some, register), null_equal=True)


@given(some=parties, register=registers)
def test_every_pair_with_one_text_is_a_match_and_only_those(
    some: list[PartyRow], register: list[IdentifierRow]
) -> None:
    rows = match(some, register)

    pairs = {(party[0], held[1]) for party in some for held in register if party[2] == held[0]}
    assert sorted(rows.select("notice_uuid", "customer_ref").rows()) == sorted(pairs)


@given(some=parties, register=registers)
def test_a_match_is_free_of_doubt_if_one_way_is(some: list[PartyRow], register: list[IdentifierRow]) -> None:
    certain = {
        (notice, ref)
        for notice, _, number, kind, role, form in some
        for held, ref, _, flagged in register
        if number == held and kind != "unknown" and not flagged
        if not (role == "linked_unit" and form == "AS")
    }

    rows = match(some, register).filter(pl.col("doubt").is_null())

    assert set(rows.select("notice_uuid", "customer_ref").rows()) == certain
