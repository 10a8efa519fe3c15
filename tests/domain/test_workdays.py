from __future__ import annotations

import datetime as dt

import holidays
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from konkurs_pipeline.domain.workdays import OSLO, Calendar, Window
from konkurs_pipeline.errors import UsageError

FIRST = dt.date(2018, 1, 2)
CALENDAR = Calendar(FIRST)
TWENTY_YEARS = (dt.datetime(2016, 1, 4, tzinfo=dt.UTC), dt.datetime(2036, 1, 1, tzinfo=dt.UTC))
instants = st.datetimes(
    TWENTY_YEARS[0].replace(tzinfo=None), TWENTY_YEARS[1].replace(tzinfo=None), timezones=st.just(dt.UTC)
)
days = st.dates(FIRST, dt.date(2036, 1, 1))
CLOCK_CHANGES = [
    dt.datetime(2018, 3, 25, 1, tzinfo=dt.UTC),
    dt.datetime(2018, 10, 28, 1, tzinfo=dt.UTC),
    dt.datetime(2035, 3, 25, 1, tzinfo=dt.UTC),
    dt.datetime(2035, 10, 28, 1, tzinfo=dt.UTC),
]


def oslo_offset(instant: dt.datetime) -> dt.timedelta:
    """Return Norwegian time by the rule (EU directive 2000/84), not from a time zone database."""

    def last_sunday(month: int) -> dt.datetime:
        end = dt.datetime(instant.year, month, 31, 1, tzinfo=dt.UTC)
        return end - dt.timedelta(days=(end.weekday() + 1) % 7)

    is_summer = last_sunday(3) <= instant < last_sunday(10)
    return dt.timedelta(hours=2 if is_summer else 1)


def easter_sunday(year: int) -> dt.date:
    """Return Easter Sunday by Gauss's rule, in the form of Meeus, Jones and Butcher."""
    century, in_century = divmod(year, 100)
    moon = (19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (in_century // 4) - moon - in_century % 4) % 7
    correction = (year % 19 + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * correction + 114, 31)
    return dt.date(year, month, day + 1)


def is_workday_by_the_law(day: dt.date) -> bool:
    """Return whether a day is a workday by the law (helligdagsfredloven § 2, lov om 1. og 17. mai), not by `holidays`."""
    fixed = {(1, 1), (5, 1), (5, 17), (12, 25), (12, 26)}
    moving = {easter_sunday(day.year) + dt.timedelta(days=n) for n in (-3, -2, 0, 1, 39, 49, 50)}
    return day.weekday() < 5 and (day.month, day.day) not in fixed and day not in moving


@pytest.mark.parametrize("year", range(2016, 2037))
def test_the_workdays_of_a_year_are_the_laws(year: int) -> None:
    all_days = [dt.date(year, 1, 1) + dt.timedelta(days=n) for n in range(366)]
    of_year = [day for day in all_days if day.year == year]

    assert CALENDAR.between(of_year[0], of_year[-1]) == [day for day in of_year if is_workday_by_the_law(day)]


@pytest.mark.parametrize("year", range(2000, 2100))
def test_the_public_holidays_are_those_of_another_program(year: int) -> None:
    closed = holidays.country_holidays("NO", years=year)
    days = [dt.date(year, 1, 1) + dt.timedelta(days=n) for n in range(365)]
    assert [day for day in days if day.weekday() < 5 and not CALENDAR.is_workday(day)] == [
        day for day in days if day.weekday() < 5 and day in closed
    ]


@given(instant=instants)
@example(instant=TWENTY_YEARS[0])
def test_every_instant_lies_in_one_workday_the_latest_on_or_before_its_oslo_date(instant: dt.datetime) -> None:
    oslo_date = (instant + oslo_offset(instant)).date()

    workday = CALENDAR.workday_of(instant)

    assert workday <= oslo_date
    assert is_workday_by_the_law(workday)
    after = [workday + dt.timedelta(days=n) for n in range(1, (oslo_date - workday).days + 1)]
    assert not any(is_workday_by_the_law(day) for day in after)


@given(instant=instants)
def test_the_workdays_tile_time(instant: dt.datetime) -> None:
    """A workday reaches from its midnight to that of the next, and every instant between belongs to it."""
    workday = CALENDAR.workday_of(instant)
    following = next(day for day in CALENDAR.between(workday, workday + dt.timedelta(days=14)) if day > workday)

    assert CALENDAR.start_of(workday) <= instant < CALENDAR.start_of(following)
    moment = dt.timedelta(microseconds=1)
    assert CALENDAR.workday_of(CALENDAR.start_of(workday)) == workday
    assert CALENDAR.workday_of(CALENDAR.start_of(following) - moment) == workday


@given(one=instants, other=instants)
def test_a_later_instant_never_lies_in_an_earlier_workday(one: dt.datetime, other: dt.datetime) -> None:
    earlier, later = sorted([one, other])

    assert CALENDAR.workday_of(earlier) <= CALENDAR.workday_of(later)


@given(change=st.sampled_from(CLOCK_CHANGES), minutes=st.integers(-48 * 60, 48 * 60))
def test_a_change_of_the_clocks_moves_no_instant_to_another_workday(change: dt.datetime, minutes: int) -> None:
    instant = change + dt.timedelta(minutes=minutes)

    assert CALENDAR.workday_of(instant) == CALENDAR.on_or_before((instant + oslo_offset(instant)).date())


@given(instant=instants, hours=st.integers(-12, 14))
def test_the_zone_an_instant_is_written_in_does_not_matter(instant: dt.datetime, hours: int) -> None:
    elsewhere = instant.astimezone(dt.timezone(dt.timedelta(hours=hours)))

    assert CALENDAR.workday_of(elsewhere) == CALENDAR.workday_of(instant)
    assert CALENDAR.workday_of(instant.astimezone(OSLO)) == CALENDAR.workday_of(instant)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        CALENDAR.workday_of(dt.datetime(2018, 6, 8, 12))  # noqa: DTZ001 -- the missing zone is what is refused


@pytest.mark.parametrize(
    ("text", "workday"),
    [
        pytest.param("2018-06-09T12:05:06.200Z", "2018-06-08", id="brreg_saturday"),
        pytest.param("2018-07-01T12:16:30.100Z", "2018-06-29", id="brreg_sunday"),
        pytest.param("2019-06-10T11:32:40.200Z", "2019-06-07", id="brreg_whit_monday"),
        pytest.param("2018-06-08T21:59:59.999Z", "2018-06-08", id="last_millisecond_of_friday_in_oslo"),
        pytest.param("2018-06-10T21:59:59.999Z", "2018-06-08", id="last_millisecond_before_monday_in_oslo"),
        pytest.param("2018-06-10T22:00:00.000Z", "2018-06-11", id="monday_starts_on_sunday_in_utc"),
        pytest.param("2018-01-14T23:00:00.000Z", "2018-01-15", id="in_winter_an_hour_later"),
        pytest.param("2019-04-22T12:00:00.000Z", "2019-04-17", id="easter_monday_goes_back_to_wednesday"),
        pytest.param("2018-12-24T12:00:00.000Z", "2018-12-24", id="christmas_eve_is_a_workday"),
        pytest.param("2018-12-31T12:00:00.000Z", "2018-12-31", id="new_years_eve_is_a_workday"),
        pytest.param("2018-12-26T12:00:00.000Z", "2018-12-24", id="christmas"),
        pytest.param("2019-01-01T12:00:00.000Z", "2018-12-31", id="new_years_day_belongs_to_the_old_year"),
    ],
)
def test_a_notice_belongs_to_the_workday_on_or_before(text: str, workday: str) -> None:
    assert CALENDAR.workday_of(dt.datetime.fromisoformat(text)).isoformat() == workday


def test_extra_closed_days_are_no_workdays_and_what_falls_on_them_is_not_lost() -> None:
    eve = dt.date(2018, 12, 24)
    calendar = Calendar(FIRST, frozenset({eve}))

    assert not calendar.is_workday(eve)
    assert calendar.workday_of(dt.datetime(2018, 12, 26, 12, tzinfo=dt.UTC)) == dt.date(2018, 12, 21)
    assert calendar.between(dt.date(2018, 12, 21), dt.date(2018, 12, 27)) == [
        dt.date(2018, 12, 21),
        dt.date(2018, 12, 27),
    ]


@given(day=days, count=st.integers(0, 30))
def test_going_back_counts_workdays_and_ends_at_the_first(day: dt.date, count: int) -> None:
    workday = max(CALENDAR.on_or_before(day), FIRST)

    back = CALENDAR.back(workday, count)

    passed = len(CALENDAR.between(back, workday)) - 1
    assert CALENDAR.is_workday(back)
    assert passed == count or (back == FIRST and passed < count)


def test_going_back_from_before_the_first_workday_ends_at_the_first() -> None:
    assert CALENDAR.back(dt.date(2017, 12, 29), 0) == FIRST
    assert CALENDAR.back(dt.date(2017, 12, 29), 3) == FIRST


@given(first=days, last=days)
def test_between_gives_each_workday_once_in_order(first: dt.date, last: dt.date) -> None:
    span = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]

    assert CALENDAR.between(first, last) == [day for day in span if is_workday_by_the_law(day)]


@given(day=days)
def test_a_day_starts_at_midnight_in_oslo(day: dt.date) -> None:
    start = CALENDAR.start_of(day)

    assert start.tzinfo is dt.UTC
    assert start + oslo_offset(start) == dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)


def test_a_window_reads_the_lookback_again_and_takes_what_lies_in_it() -> None:
    window = CALENDAR.window(dt.date(2018, 6, 11), dt.date(2018, 6, 13), lookback=2)

    assert window == Window(dt.date(2018, 6, 7), dt.date(2018, 6, 11), dt.date(2018, 6, 13))
    taken = [day for day in CALENDAR.between(dt.date(2018, 6, 4), dt.date(2018, 6, 20)) if day in window]
    assert [day.day for day in taken] == [7, 8, 11, 12, 13]


def test_a_day_that_is_no_workday_counts_as_its_workday() -> None:
    whit = CALENDAR.window(dt.date(2019, 6, 9), dt.date(2019, 6, 10), lookback=0)

    assert whit == Window(dt.date(2019, 6, 7), dt.date(2019, 6, 7), dt.date(2019, 6, 7))


def test_the_lookback_ends_at_the_first_workday() -> None:
    window = CALENDAR.window(dt.date(2018, 1, 4), dt.date(2018, 1, 4), lookback=250)

    assert window.read_from == FIRST


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        pytest.param(dt.date(2018, 6, 12), dt.date(2018, 6, 11), "lies after --to 2018-06-11", id="reversed"),
        pytest.param(dt.date(2018, 1, 1), dt.date(2018, 6, 11), "set KONKURS_FIRST_WORKDAY", id="before_the_first"),
    ],
)
def test_an_impossible_window_is_refused_with_the_cure(first: dt.date, last: dt.date, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CALENDAR.window(first, last, lookback=5)


@given(first=days, last=days, lookback=st.integers(0, 20))
def test_a_window_holds_its_own_workdays_and_the_lookback_and_no_others(
    first: dt.date, last: dt.date, lookback: int
) -> None:
    first, last = sorted([first, last])

    window = CALENDAR.window(first, last, lookback=lookback)

    assert window.read_from <= window.from_workday <= window.to_workday
    assert len(CALENDAR.between(window.read_from, window.from_workday)) <= lookback + 1
    assert all(day in window for day in CALENDAR.between(window.read_from, window.to_workday))
    assert window.read_from - dt.timedelta(days=1) not in window
    assert window.to_workday + dt.timedelta(days=1) not in window
