"""The quarters of opening hours: covered, missed, healed."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.domain.monitoring.coverage import QUARTER, GoodPoll, Quarter, quarters
from konkurs_pipeline.domain.workdays import OSLO, Calendar

CALENDAR = Calendar(dt.date(2018, 1, 2))
THURSDAY, FRIDAY, SATURDAY, MONDAY = (dt.date(2026, 3, day) for day in (26, 27, 28, 30))


def at(day: dt.date, clock: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(clock), tzinfo=OSLO).astimezone(dt.UTC)


def poll(started: dt.datetime, *, reads: dt.date = THURSDAY, to: dt.date = MONDAY) -> GoodPoll:
    return GoodPoll(f"run {started}", started, started + dt.timedelta(seconds=4), reads, to)


def state(quarter: Quarter) -> str:
    return "covered" if quarter.is_covered else "healed" if quarter.is_healed else "missed"


def test_a_quarter_is_covered_by_the_poll_that_began_in_it_and_a_missed_one_healed_by_the_next() -> None:
    polls = [poll(at(FRIDAY, clock)) for clock in ("08:00", "08:15:03", "09:00")]
    found = quarters(polls, [FRIDAY], at(FRIDAY, "09:20"), CALENDAR)
    assert [state(quarter) for quarter in found] == ["covered", "covered", "healed", "healed", "covered"]
    assert found[2].read_by is polls[2]


def test_a_quarter_that_no_later_poll_read_is_missed() -> None:
    found = quarters([poll(at(FRIDAY, "08:01"))], [FRIDAY], at(FRIDAY, "08:46"), CALENDAR)
    assert [state(quarter) for quarter in found] == ["covered", "missed", "missed"]


def test_a_poll_of_other_days_heals_nothing() -> None:
    polls = [poll(at(FRIDAY, "08:00")), poll(at(MONDAY, "08:00"), reads=MONDAY)]
    found = quarters(polls, [FRIDAY], at(MONDAY, "09:00"), CALENDAR)
    assert {state(quarter) for quarter in found[1:]} == {"missed"}


def test_days_without_opening_hours_and_times_before_the_first_poll_have_no_quarters() -> None:
    found = quarters([poll(at(FRIDAY, "15:50"))], [THURSDAY, FRIDAY, SATURDAY], at(SATURDAY, "12:00"), CALENDAR)
    assert [(quarter.workday, state(quarter)) for quarter in found] == [(FRIDAY, "covered")]


def test_no_poll_at_all_has_no_quarters() -> None:
    assert quarters([], [FRIDAY], at(MONDAY, "09:00"), CALENDAR) == []


@given(minutes=st.lists(st.integers(0, 4 * 24 * 60), min_size=1, max_size=30))
def test_every_quarter_before_the_newest_poll_was_read_and_none_after_it(minutes: list[int]) -> None:
    polls = [poll(at(THURSDAY, "00:00") + dt.timedelta(minutes=m)) for m in minutes]
    newest = max(one.started_at for one in polls)
    found = quarters(polls, [THURSDAY, FRIDAY, MONDAY], at(MONDAY, "23:00"), CALENDAR)
    assert [q for q in found if q.read_by is None] == [q for q in found if q.start > newest]
    for quarter in found:
        began = [one for one in polls if quarter.start <= one.started_at < quarter.start + QUARTER]
        assert quarter.is_covered == bool(began)
