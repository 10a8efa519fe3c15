"""What counts as a difference between Enhetsregisteret and the known bankruptcies, and from which day."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.domain.estates import EstateState
from konkurs_pipeline.domain.second_source import (
    Difference,
    DifferenceKind,
    KnownBankruptcy,
    Unit,
    bankruptcies_to_ask_about,
    is_far_shorter,
    missing_flags,
    unexplained_flags,
)
from konkurs_pipeline.domain.workdays import Calendar
from tests.domain.invented import COMPANY, OTHER_COMPANY

CALENDAR = Calendar(dt.date(2018, 1, 2))
TODAY = dt.date(2026, 3, 27)
LONG_AGO, A_WEEK_AGO = dt.date(2019, 5, 1), dt.date(2026, 3, 20)


def unit(
    *, form: str = "AS", flag_date: dt.date | None = A_WEEK_AGO, is_flagged: bool = True, gone: bool = False
) -> Unit:
    return Unit(COMPANY, form, is_flagged, flag_date, gone)


def bankruptcy(
    state: EstateState = EstateState.OPEN, ruling: dt.date | None = A_WEEK_AGO, workday: dt.date = A_WEEK_AGO
) -> KnownBankruptcy:
    return KnownBankruptcy("u-1", COMPANY, state, ruling, workday, ("K-1",))


def flags(flagged: Unit, known: list[KnownBankruptcy]) -> list[Difference]:
    return list(unexplained_flags({COMPANY: flagged}, {COMPANY: ["K-1"]}, {"K-1": known}, TODAY, CALENDAR))


@pytest.mark.parametrize(
    ("flagged", "known", "kind"),
    [
        pytest.param(unit(), [], DifferenceKind.FLAGGED_WITHOUT_NOTICE, id="a flagged company without a notice"),
        pytest.param(unit(form="ENK"), [], DifferenceKind.LINKED_UNIT_UNMATCHED, id="an ENK that no document names"),
        pytest.param(unit(flag_date=None), [], DifferenceKind.FLAGGED_WITHOUT_NOTICE, id="a flag without a date"),
        pytest.param(
            unit(flag_date=dt.date(2026, 3, 25)), [], None, id="a flag of this week: the notice may still come"
        ),
        pytest.param(
            unit(flag_date=dt.date(2026, 3, 24)), [], DifferenceKind.FLAGGED_WITHOUT_NOTICE, id="three workdays"
        ),
        pytest.param(unit(), [bankruptcy()], None, id="known and open"),
        pytest.param(unit(), [bankruptcy(EstateState.CLOSED)], None, id="known and just closed: the flag lags"),
        pytest.param(
            unit(),
            [bankruptcy(EstateState.CLOSED, LONG_AGO)],
            DifferenceKind.FLAGGED_WITHOUT_NOTICE,
            id="an old bankruptcy does not explain a new flag",
        ),
        pytest.param(unit(), [bankruptcy(EstateState.OPEN, LONG_AGO)], None, id="an old one that is open does"),
        pytest.param(unit(), [bankruptcy(EstateState.DELETED, None)], None, id="no ruling date: it may be this one"),
    ],
)
def test_a_flagged_customer_is_a_difference_unless_a_bankruptcy_explains_it(
    flagged: Unit, known: list[KnownBankruptcy], kind: DifferenceKind | None
) -> None:
    assert [each.kind for each in flags(flagged, known)] == ([] if kind is None else [kind])


def test_each_customer_with_the_number_is_named_once_by_its_reference() -> None:
    customers = {COMPANY: ["K-2", "K-1", "K-2"]}
    found = list(unexplained_flags({COMPANY: unit()}, customers, {}, TODAY, CALENDAR))
    assert [(each.customer_ref, each.opening_uuid, each.flag_date) for each in found] == [
        ("K-1", None, A_WEEK_AGO),
        ("K-2", None, A_WEEK_AGO),
    ]
    assert COMPANY not in repr(found)


@pytest.mark.parametrize(
    ("workday", "is_asked"),
    [(dt.date(2026, 3, 23), True), (dt.date(2026, 3, 24), False), (dt.date(2026, 3, 27), False)],
)
def test_a_unit_is_asked_about_after_more_than_three_workdays(workday: dt.date, is_asked: bool) -> None:  # noqa: FBT001
    waiting = bankruptcies_to_ask_about([bankruptcy(workday=workday)], {}, TODAY, CALENDAR)
    assert bool(waiting) is is_asked


@pytest.mark.parametrize("state", [EstateState.DELETED, EstateState.REVOKED, EstateState.CLOSED])
def test_no_question_is_asked_about_an_ended_bankruptcy_or_a_flagged_unit(state: EstateState) -> None:
    assert bankruptcies_to_ask_about([bankruptcy(state)], {}, TODAY, CALENDAR) == []
    assert bankruptcies_to_ask_about([bankruptcy()], {COMPANY: unit()}, TODAY, CALENDAR) == []


@pytest.mark.parametrize(
    ("units", "count"),
    [
        pytest.param({COMPANY: unit(is_flagged=False)}, 1, id="an ordinary unit"),
        pytest.param({COMPANY: None}, 1, id="no such unit"),
        pytest.param({COMPANY: unit(is_flagged=False, gone=True)}, 0, id="a deleted one"),
        pytest.param({COMPANY: unit()}, 0, id="flagged since the list was read"),
        pytest.param({OTHER_COMPANY: None}, 0, id="no answer: no judgement"),
    ],
)
def test_an_open_bankruptcy_needs_a_flag_or_a_deletion(units: dict[str, Unit | None], count: int) -> None:
    found = list(missing_flags([bankruptcy()], units))
    assert [(each.kind, each.opening_uuid, each.customer_ref) for each in found] == [
        (DifferenceKind.NOTICE_WITHOUT_FLAG, "u-1", "K-1")
    ] * count


@given(st.integers(0, 30_000), st.lists(st.integers(0, 30_000), max_size=5))
def test_a_list_as_long_as_all_earlier_ones_is_never_too_short(listed: int, earlier: list[int]) -> None:
    if all(listed >= count for count in earlier):
        assert not is_far_shorter(listed, earlier)
    if earlier and max(earlier) > 4 and listed < max(earlier) // 2:
        assert is_far_shorter(listed, earlier)
