"""The normal number of notices: bounds by type, day and hour, the history that tightens them, and silence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import polars as pl
import pytest

from konkurs_pipeline.domain.monitoring.volume import (
    BOUNDS,
    VOLUME_COLUMNS,
    Per,
    has_opening,
    is_far_shorter,
    last_finished_workday,
    silence,
    too_many,
)
from konkurs_pipeline.domain.workdays import OSLO, Calendar

CALENDAR = Calendar(dt.date(2018, 1, 2))
FRIDAY = dt.date(2026, 3, 27)
EVE = dt.date(2026, 12, 24)


def at(day: dt.date, clock: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(clock), tzinfo=OSLO)


def notices(*groups: tuple[str, dt.date, str, int]) -> pl.DataFrame:
    """Return `count` notices for each group (type, day, clock time, count)."""
    rows = [(kind, day, at(day, clock).astimezone(dt.UTC)) for kind, day, clock, count in groups for _ in range(count)]
    made = pl.DataFrame(
        rows, schema={"type": pl.String, "workday": pl.Date, "registered_at": pl.Datetime("us", "UTC")}, orient="row"
    )
    return made.select(VOLUME_COLUMNS)


def spread(day: dt.date, count: int) -> Iterable[tuple[str, dt.date, str, int]]:
    """Spread openings over the whole day."""
    for place in range(8):
        yield "aapning", day, f"{8 + place:02}:30", count // 8 + (place < count % 8)


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: f"{bound.type} a {bound.per}")
def test_a_count_at_its_bound_is_expected_and_one_more_is_not(bound: object) -> None:
    assert bound in BOUNDS
    (row,) = [one for one in BOUNDS if one is bound]
    for more, found in ((0, 0), (1, 1)):
        group = (row.type.value, FRIDAY, "10:30", row.at_most + more)
        excesses = [e for e in too_many(notices(group), [FRIDAY]) if (e.hour is None) == (row.per is Per.WORKDAY)]
        assert len(excesses) == found, more


def test_the_usual_day_is_no_excess() -> None:
    assert too_many(notices(*spread(FRIDAY, 25), ("avslutning", FRIDAY, "11:00", 24)), [FRIDAY]) == []


def test_only_the_days_that_are_asked_for_are_judged() -> None:
    flood = notices(("sletting", FRIDAY, "10:00", 9))
    assert too_many(flood, [CALENDAR.back(FRIDAY, 1)]) == []


def test_history_tightens_the_bound_of_the_same_hour() -> None:
    past = CALENDAR.between(CALENDAR.back(FRIDAY, 30), CALENDAR.back(FRIDAY, 1))
    quiet = [group for day in past for group in (("aapning", day, "09:30", 3), ("aapning", day, "15:30", 0))]
    morning, afternoon = ("aapning", FRIDAY, "09:30", 12), ("aapning", FRIDAY, "15:30", 12)
    assert too_many(notices(*quiet, morning), [FRIDAY]) == []
    (excess,) = too_many(notices(*quiet, afternoon), [FRIDAY])
    assert (excess.hour, excess.count) == (15, 12)
    assert "2026-03-27 at 15-16: 12 aapning, at most 6 are expected" in str(excess)


def test_a_short_history_does_not_count() -> None:
    past = CALENDAR.between(CALENDAR.back(FRIDAY, 19), CALENDAR.back(FRIDAY, 1))
    assert (
        too_many(notices(*(("aapning", day, "09:30", 1) for day in past), ("aapning", FRIDAY, "09:30", 30)), [FRIDAY])
        == []
    )


HOURS = {None: 0.0, "07:59": 2.5, "08:00": 2.5, "09:00": 1.5, "10:29": 1 / 60}
SILENCES = [
    *(pytest.param(newest, "10:30", hours, id=f"newest {newest}") for newest, hours in HOURS.items() if newest),
    pytest.param(None, "10:30", 2.5, id="none ever"),
    pytest.param("13:59", "20:00", 2 + 1 / 60, id="after closing, only opening hours count"),
    pytest.param(None, "07:00", 0, id="before opening"),
]


@pytest.mark.parametrize(("newest", "now", "hours"), SILENCES)
def test_silence_is_counted_in_opening_hours_of_today(newest: str | None, now: str, hours: float) -> None:
    last = at(FRIDAY, newest) if newest else None
    assert silence(last, at(FRIDAY, now), CALENDAR) == dt.timedelta(hours=hours)


CLOSED = [
    pytest.param(dt.date(2026, 3, 28), CALENDAR, id="Saturday"),
    pytest.param(dt.date(2026, 5, 1), CALENDAR, id="1 May"),
    pytest.param(EVE, Calendar(dt.date(2018, 1, 2), frozenset({EVE})), id="24 December, when configured"),
]


@pytest.mark.parametrize(("day", "calendar"), CLOSED)
def test_a_day_that_is_no_workday_is_never_silent(day: dt.date, calendar: Calendar) -> None:
    assert silence(None, at(day, "15:00"), calendar) == dt.timedelta()


def test_24_december_is_a_workday_unless_configured() -> None:
    assert silence(None, at(EVE, "15:00"), CALENDAR) == dt.timedelta(hours=7)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(at(FRIDAY, "16:29"), dt.date(2026, 3, 26), id="the last update may still come"),
        pytest.param(at(FRIDAY, "16:30"), FRIDAY, id="half an hour after closing"),
        pytest.param(at(dt.date(2026, 3, 29), "12:00"), FRIDAY, id="on Sunday it is Friday"),
    ],
)
def test_a_workday_is_over_half_an_hour_after_closing(now: dt.datetime, expected: dt.date) -> None:
    assert last_finished_workday(now, CALENDAR) == expected


def test_a_day_with_endings_only_is_a_day_without_an_opening() -> None:
    assert not has_opening(notices(("avslutning", FRIDAY, "10:00", 20)), FRIDAY)
    assert has_opening(notices(("aapning", FRIDAY, "10:00", 1)), FRIDAY)


@pytest.mark.parametrize(
    ("listed", "known", "expected"),
    [(49, 50, False), (45, 50, False), (44, 50, True), (0, 2, False), (0, 3, True), (50, 40, False)],
)
def test_a_list_is_far_shorter_when_a_tenth_and_more_than_two_are_gone(
    listed: int, known: int, *, expected: bool
) -> None:
    assert is_far_shorter(listed, known) is expected
