from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.no import fodselsnummer, kontonr, orgnr

from konkurs_pipeline.brreg.simulator import population
from konkurs_pipeline.brreg.simulator.generator import YEARLY, generate_notices, notices_about
from konkurs_pipeline.domain.identifiers import IdKind, identify_all, is_account_no
from konkurs_pipeline.domain.workdays import OSLO, Calendar
from konkurs_pipeline.errors import UsageError

if TYPE_CHECKING:
    from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice

FIRST, LAST = dt.date(2023, 1, 1), dt.date(2024, 12, 31)
YEARS = 2
seeds = st.integers(min_value=0)


@pytest.fixture(scope="module")
def notices() -> list[SimulatedNotice]:
    return generate_notices(1, FIRST, LAST)


@pytest.mark.parametrize(
    ("draw", "in_production", "in_test"),
    [
        pytest.param(population.random_orgnr, IdKind.ORGNR, IdKind.ORGNR, id="orgnr"),
        pytest.param(population.random_fnr, IdKind.FNR, IdKind.FNR, id="fnr"),
        pytest.param(population.random_dnr, IdKind.DNR, IdKind.DNR, id="dnr"),
        pytest.param(population.random_synthetic_fnr, IdKind.UNKNOWN, IdKind.FNR, id="synthetic_fnr"),
        pytest.param(population.random_synthetic_dnr, IdKind.UNKNOWN, IdKind.DNR, id="synthetic_dnr"),
        pytest.param(population.random_fnr_2032, IdKind.FNR, IdKind.FNR, id="fnr_2032"),
    ],
)
def test_every_number_is_of_its_kind(draw: Callable[[Random], str], in_production: IdKind, in_test: IdKind) -> None:
    numbers = [draw(population.seeded(seed)) for seed in range(2000)]

    assert set(identify_all(numbers, synthetic_allowed=False)) == {in_production}
    assert set(identify_all(numbers, synthetic_allowed=True)) == {in_test}


def test_navs_synthetic_numbers_are_synthetic_too() -> None:
    rng = population.seeded(1)
    numbers = [population.random_synthetic_fnr(rng, month_offset=40) for _ in range(2000)]

    assert {int(number[2:4]) for number in numbers} == set(range(41, 53))
    assert set(identify_all(numbers, synthetic_allowed=True)) == {IdKind.FNR}


@given(seed=seeds)
def test_an_account_number_passes_its_check(seed: int) -> None:
    number = population.random_account_no(population.seeded(seed))

    assert kontonr.is_valid(number)
    assert pl.select(is_account_no(pl.lit(number))).item()


@given(seed=seeds)
def test_a_second_implementation_agrees(seed: int) -> None:
    rng = population.seeded(seed)

    assert orgnr.is_valid(population.random_orgnr(rng))
    assert fodselsnummer.is_valid(population.random_fnr(rng))
    # An implementation of the old rule refuses numbers that only the rule of 2032 admits.
    assert not fodselsnummer.is_valid(population.random_fnr_2032(rng))


@given(seed=seeds)
def test_no_number_can_be_that_of_a_unit_or_a_person_alive(seed: int) -> None:
    rng = population.seeded(seed)

    assert population.random_orgnr(rng)[0] not in "89"
    assert fodselsnummer.get_birth_date(population.random_fnr(rng)).year < 1900


def test_a_year_has_the_registers_volumes_within_poisson_bounds(notices: list[SimulatedNotice]) -> None:
    counts = Counter(notice.type for notice in notices)

    for kind, yearly in YEARLY.items():
        mean = yearly * YEARS
        # Five standard deviations: chance exceeds them once in two million.
        assert abs(counts[kind] - mean) < 5 * math.sqrt(mean), kind


def test_notices_fall_within_opening_hours_on_workdays_and_are_in_order(
    notices: list[SimulatedNotice],
) -> None:
    calendar = Calendar(FIRST)
    for notice in notices:
        oslo = notice.registered_at.astimezone(OSLO)
        assert calendar.is_workday(oslo.date())
        assert dt.time(8) <= oslo.time() < dt.time(16)
        assert oslo.date() == notice.ruling_date

    assert [notice.order for notice in notices] == sorted(notice.order for notice in notices)
    assert len({notice.registered_at for notice in notices}) == len(notices)


def test_a_notice_becomes_visible_at_the_next_quarter(notices: list[SimulatedNotice]) -> None:
    for notice in notices:
        waits = notice.visible_from - notice.registered_at
        assert dt.timedelta() < waits <= dt.timedelta(minutes=15)
        assert (notice.visible_from.minute % 15, notice.visible_from.second) == (0, 0)


def test_a_later_notice_refers_to_an_opening_generated_before_it(notices: list[SimulatedNotice]) -> None:
    history: defaultdict[str, list[str]] = defaultdict(list)
    for notice in notices:
        history[notice.debtor_id].append(notice.type)

    assert {kinds[0] for kinds in history.values()} == {"aapning"}
    assert max(len(kinds) for kinds in history.values()) == 2


def test_seven_debtors_of_ten_are_companies_and_all_kinds_of_people_occur(
    notices: list[SimulatedNotice],
) -> None:
    opened = [notice.debtor_id for notice in notices if notice.type == "aapning"]
    kinds = Counter(identify_all(opened, synthetic_allowed=True))
    ordinary = Counter(identify_all(opened, synthetic_allowed=False))

    assert kinds[IdKind.UNKNOWN] == 0
    assert kinds[IdKind.ORGNR] / len(opened) == pytest.approx(0.7, abs=0.03)
    assert 0 < ordinary[IdKind.FNR] < kinds[IdKind.FNR]
    assert 0 < ordinary[IdKind.DNR] < kinds[IdKind.DNR]


def test_the_same_seed_gives_the_same_notices_and_another_gives_others() -> None:
    day = dt.date(2024, 3, 1)

    assert generate_notices(1, day, day) == generate_notices(1, day, day)
    assert generate_notices(1, day, day) != generate_notices(2, day, day)


def test_a_weekend_has_no_notices() -> None:
    assert generate_notices(1, dt.date(2024, 3, 2), dt.date(2024, 3, 3)) == []


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(UsageError, match="earlier day first"):
        generate_notices(1, LAST, FIRST)


def test_a_demo_opens_a_customers_bankruptcy_every_five_minutes_and_deletes_it_the_same_day() -> None:
    day = dt.date(2024, 3, 1)
    firms = [population.random_orgnr(population.seeded(seed)) for seed in range(16)]
    made = notices_about(firms, day, day)

    assert {b.registered_at - a.registered_at for a, b in pairwise(made)} == {dt.timedelta(minutes=5)}
    assert [(one.type, one.debtor_id) for one in made[:32]] == [(t, f) for t in ("aapning", "sletting") for f in firms]
    last = {one.debtor_id: one.type for one in made}
    assert last == dict.fromkeys(firms, "sletting")
    assert all(one.visible_from == one.registered_at for one in made)


def test_a_demo_that_is_started_again_serves_the_same_notices() -> None:
    first, second = dt.date(2024, 3, 1), dt.date(2024, 3, 2)
    firms = ["a", "b"]

    assert notices_about(firms, first, second)[-288:] == notices_about(firms, second, second)
    assert len({one.uuid for one in notices_about(firms, first, second)}) == 2 * 288
    assert notices_about([], first, second) == []
