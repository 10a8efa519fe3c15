from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.no import fodselsnummer, kontonr, orgnr

from konkurs_pipeline.brreg.simulator import population
from konkurs_pipeline.domain import identifiers
from konkurs_pipeline.domain.identifiers import IdKind, id_kind, is_account_no, is_utf8
from tests.domain.invented import brreg_notices

ANY_TEXT = st.text(st.characters(exclude_categories=()))
DRAWS: list[Callable[[Random], str]] = [
    population.random_orgnr,
    population.random_fnr,
    population.random_dnr,
    population.random_fnr_2032,
    population.random_synthetic_fnr,
    population.random_synthetic_dnr,
]
valid_numbers = st.builds(
    lambda draw, seed: draw(population.seeded(seed)), st.sampled_from(DRAWS), st.integers(min_value=0)
)
seeds = st.integers(min_value=0).map(population.seeded)
# Random digits pass both control digits once in a hundred, so this computes them.
FIRST_WEIGHTS = (3, 7, 6, 1, 8, 9, 4, 5, 2)
SECOND_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def identify_all(texts: Sequence[str], *, synthetic_allowed: bool) -> list[IdKind]:
    """Classify by both forms of the rules, for a text and for a column. They must agree."""
    frame = pl.DataFrame({"text": [text if is_utf8(text) else None for text in texts]}, schema={"text": pl.String})
    column = frame.select(id_kind(pl.col("text"), synthetic_allowed=synthetic_allowed)).to_series().to_list()

    one_by_one = identifiers.identify_all(texts, synthetic_allowed=synthetic_allowed)

    assert one_by_one == column
    assert one_by_one == [identifiers.identify(text, synthetic_allowed=synthetic_allowed) for text in texts]
    return one_by_one


def identify(text: str, *, synthetic_allowed: bool) -> IdKind:
    return identify_all([text], synthetic_allowed=synthetic_allowed)[0]


def completed(nine_digits: str, first_remainder: int) -> str | None:
    """Return the number of eleven digits whose first control digit leaves that remainder, or None."""
    first = (first_remainder - sum(w * int(d) for w, d in zip(FIRST_WEIGHTS, nine_digits, strict=True))) % 11
    ten = f"{nine_digits}{first}"
    if first > 9:
        return None
    second = -sum(w * int(d) for w, d in zip(SECOND_WEIGHTS, ten, strict=True)) % 11
    return f"{ten}{second}" if second < 10 else None


dates_written = st.dates(dt.date(1855, 1, 1), dt.date(2039, 12, 31)).map(lambda day: day.strftime("%d%m%y"))
nine_digits = st.one_of(
    st.builds(lambda date, n: f"{date}{n:03}", dates_written, st.integers(0, 999)),
    st.integers(0, 10**9 - 1).map(lambda n: f"{n:09}"),
)


@pytest.mark.parametrize("debtor", sorted({notice.debtor_id for notice in brreg_notices()}))
def test_every_number_of_brregs_list_is_valid_in_production(debtor: str) -> None:
    expected = IdKind.ORGNR if len(debtor) == 9 else IdKind.FNR

    assert identify(debtor, synthetic_allowed=False) is expected


@pytest.mark.parametrize(
    ("number", "is_valid_by_the_old_rule"),
    [("02013299997", False), ("30108299920", True), ("30108299939", False)],
)
def test_skatteetatens_examples_of_2032_are_fodselsnummer(number: str, *, is_valid_by_the_old_rule: bool) -> None:
    assert identify(number, synthetic_allowed=False) is IdKind.FNR
    assert fodselsnummer.is_valid(number) is is_valid_by_the_old_rule


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("8086001471", "08086001471 read as a number", id="lost_leading_zero"),
        pytest.param("000000000", "passes mod 11, and is nobody's", id="zeros_as_orgnr"),
        pytest.param("00000000000", "passes both control digits, and has no date", id="zeros_as_fnr"),
        pytest.param("910425464", "last digit changed", id="orgnr_checksum"),
        pytest.param("08086001472", "second control digit changed", id="fnr_second_control"),
        pytest.param("08086001571", "first control digit changed", id="fnr_first_control"),
        pytest.param(" 910425463", "never stripped", id="leading_space"),
        pytest.param("910425463\n", "a line end is no part of a number", id="line_end"),
        pytest.param("910 425 463", "as people write it; the wire does not", id="spaced"),
        pytest.param("910425463.0", "read as a float", id="float"),
        pytest.param("９１０４２５４６３", "digits of another script", id="fullwidth"),
        pytest.param("٩١٠٤٢٥٤٦٣", "digits of another script", id="arabic"),
        pytest.param("+91042546", "nine characters that int() would take", id="sign"),
        pytest.param("910_425_463", "what int() would take", id="underscores"),
        pytest.param("", "nothing", id="empty"),
        pytest.param("\ud800", "half a surrogate pair, which JSON can carry and UTF-8 cannot", id="surrogate"),
    ],
)
def test_damage_is_never_repaired(text: str, why: str) -> None:
    assert identify(text, synthetic_allowed=True) is IdKind.UNKNOWN, why


@pytest.mark.parametrize("day", ["00", "32", "40", "41", "71", "72", "81"])
@pytest.mark.parametrize("month", ["01", "12"])
def test_the_day_is_a_day_or_a_day_and_40(day: str, month: str) -> None:
    numbers = [completed(f"{day}{month}60{n:03}", 0) for n in range(200)]
    expected = IdKind.DNR if day in {"41", "71"} else IdKind.UNKNOWN

    kinds = identify_all([number for number in numbers if number], synthetic_allowed=False)

    assert set(kinds) == {expected}


@pytest.mark.parametrize(
    ("day_and_month", "is_a_date"),
    [
        pytest.param("2902", True, id="29_february_is_in_some_year"),
        pytest.param("3002", False, id="30_february"),
        pytest.param("3104", False, id="31_april"),
        pytest.param("3112", True, id="31_december"),
        pytest.param("0113", False, id="month_13"),
        pytest.param("0100", False, id="month_0"),
    ],
)
def test_the_date_part_is_a_date(day_and_month: str, *, is_a_date: bool) -> None:
    numbers = [completed(f"{day_and_month}60{n:03}", 0) for n in range(200)]

    kinds = identify_all([number for number in numbers if number], synthetic_allowed=False)

    assert set(kinds) == {IdKind.FNR if is_a_date else IdKind.UNKNOWN}


@pytest.mark.parametrize(
    ("month", "is_synthetic"),
    [
        pytest.param(41, True, id="nav_january"),
        pytest.param(52, True, id="nav_december"),
        pytest.param(81, True, id="tenor_january"),
        pytest.param(92, True, id="tenor_december"),
        pytest.param(40, False, id="40_is_no_month"),
        pytest.param(53, False, id="53_is_no_month"),
        pytest.param(80, False, id="80_is_no_month"),
        pytest.param(93, False, id="93_is_no_month"),
    ],
)
def test_synthetic_numbers_count_only_where_they_are_allowed(month: int, *, is_synthetic: bool) -> None:
    numbers = [number for n in range(200) if (number := completed(f"15{month}60{n:03}", 0))]

    assert set(identify_all(numbers, synthetic_allowed=False)) == {IdKind.UNKNOWN}
    assert set(identify_all(numbers, synthetic_allowed=True)) == {IdKind.FNR if is_synthetic else IdKind.UNKNOWN}


@given(digits=dates_written, serial=st.integers(0, 999), remainder=st.integers(0, 10))
def test_the_first_control_digit_may_leave_0_to_3_and_the_second_nothing(
    digits: str, serial: int, remainder: int
) -> None:
    number = completed(f"{digits}{serial:03}", remainder)
    if number is None:
        return
    other_second = f"{number[:10]}{(int(number[10]) + 1) % 10}"

    kinds = identify_all([number, other_second], synthetic_allowed=False)

    assert kinds == [IdKind.FNR if remainder in {0, 1, 2, 3} else IdKind.UNKNOWN, IdKind.UNKNOWN]


@given(digits=nine_digits)
def test_every_number_that_python_stdnum_accepts_is_accepted(digits: str) -> None:
    """The reverse does not hold: stdnum checks the century and today's date, which numbers from 2032 on do not give."""
    number = completed(digits, 0)
    # stdnum reads month + 40 as a birth month; here that is synthetic.
    if number is None or int(number[2:4]) > 12 or not fodselsnummer.is_valid(number):
        return

    assert identify(number, synthetic_allowed=False) is (IdKind.DNR if int(number[:2]) > 40 else IdKind.FNR)


@given(text=st.integers(1, 10**9 - 1).map(lambda n: f"{n:09}"))
def test_python_stdnum_agrees_on_every_organisation_number_but_zero(text: str) -> None:
    assert (identify(text, synthetic_allowed=False) is IdKind.ORGNR) == orgnr.is_valid(text)


@given(rng=seeds, place=st.integers(0, 8), other=st.integers(1, 9))
def test_an_organisation_number_with_a_changed_digit_is_invalid(rng: Random, place: int, other: int) -> None:
    number = population.random_orgnr(rng)
    changed = f"{number[:place]}{(int(number[place]) + other) % 10}{number[place + 1 :]}"

    assert identify_all([number, changed], synthetic_allowed=True) == [IdKind.ORGNR, IdKind.UNKNOWN]


@given(number=valid_numbers)
def test_no_number_is_valid_without_its_first_or_last_digit_or_with_one_more(number: str) -> None:
    damaged = [number[1:], number[:-1], f"0{number}", f"{number}0", f" {number}", f"{number}\n"]

    assert identify(number, synthetic_allowed=True) is not IdKind.UNKNOWN
    assert set(identify_all(damaged, synthetic_allowed=True)) == {IdKind.UNKNOWN}


@given(number=valid_numbers, place=st.integers(0, 10), elevens=st.sampled_from([-4, -3, -2, -1, 1, 2, 5, 20]))
def test_a_character_that_is_no_digit_never_counts_as_one(number: str, place: int, elevens: int) -> None:
    """A check modulo eleven that used code points would not notice a character eleven code points away."""
    place = min(place, len(number) - 1)
    sign = chr(ord(number[place]) + 11 * elevens)

    assert identify(f"{number[:place]}{sign}{number[place + 1 :]}", synthetic_allowed=True) is IdKind.UNKNOWN


@given(rng=seeds)
def test_only_people_are_people(rng: Random) -> None:
    kinds = identify_all([draw(rng) for draw in DRAWS], synthetic_allowed=True)

    assert [kind.is_person for kind in kinds] == [False, True, True, True, True, True]
    assert not IdKind.UNKNOWN.is_person


# Both control digits are right and the date is arbitrary: a wrong bound on day or month would accept it.
well_formed = st.builds(
    lambda digits, remainder: completed(digits, remainder) or digits, nine_digits, st.integers(0, 4)
)
digits_of_a_length = st.text("0123456789", min_size=8, max_size=12)


@given(texts=st.lists(ANY_TEXT | valid_numbers | well_formed | digits_of_a_length), synthetic_allowed=st.booleans())
def test_the_rules_for_a_text_and_for_a_column_agree(texts: list[str], *, synthetic_allowed: bool) -> None:
    """Any text has a kind, and the other rows of the column do not matter."""
    assert len(identify_all(texts, synthetic_allowed=synthetic_allowed)) == len(texts)


@pytest.mark.parametrize("synthetic_allowed", [False, True])
def test_the_two_forms_agree_on_every_day_and_month(*, synthetic_allowed: bool) -> None:
    numbers = [
        next(number for serial in range(100) if (number := completed(f"{day:02}{month:02}60{serial:03}", remainder)))
        for day in range(100)
        for month in range(100)
        for remainder in (0, 4)
    ]

    kinds = identify_all(numbers, synthetic_allowed=synthetic_allowed)

    # 366 days, each as a fødselsnummer and as a D-nummer, in one kind of month or in three.
    assert sum(kind is not IdKind.UNKNOWN for kind in kinds) == 366 * 2 * (3 if synthetic_allowed else 1)


@given(text=ANY_TEXT)
def test_text_is_utf8_where_it_can_be_written_as_such(text: str) -> None:
    assert is_utf8(text) == (text.encode(errors="replace").decode() == text)


def accounts_are_valid(texts: list[str | None]) -> list[bool]:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return frame.select(is_account_no(pl.col("text"))).to_series().to_list()


@given(number=st.integers(10**7, 10**11 - 1).map(lambda n: f"{n:011}").filter(lambda text: text[:4] != "0000"))
def test_python_stdnum_agrees_on_account_numbers(number: str) -> None:
    assert accounts_are_valid([number]) == [kontonr.is_valid(number)]


@given(rng=seeds)
def test_an_account_number_is_eleven_digits_that_pass(rng: Random) -> None:
    number = population.random_account_no(rng)
    damaged = [number[1:], f"0{number}", f"{number[:4]}.{number[4:6]}.{number[6:]}", f"{number}\n"]

    assert accounts_are_valid([number, *damaged]) == [True, *(False for _ in damaged)]


def test_nothing_and_zeros_are_no_account_numbers() -> None:
    assert accounts_are_valid([None, "", "00000000000"]) == [False, False, False]


@given(rng=seeds)
def test_the_account_check_also_accepts_every_number_of_a_person(rng: Random) -> None:
    """So a checksum alone does not find swapped columns in a register."""
    assert accounts_are_valid([population.random_fnr(rng), population.random_fnr_2032(rng)]) == [True, True]


def test_an_empty_column_has_an_empty_answer() -> None:
    assert identify_all([], synthetic_allowed=True) == []
