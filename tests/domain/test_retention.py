"""When a bankruptcy may be erased (domain/retention)."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.domain.estates import fold_estates
from konkurs_pipeline.domain.notices import Notice
from konkurs_pipeline.domain.retention import Quarantined, RetentionCase, RetentionRule, Terms, cases_of

START = dt.datetime(2018, 9, 3, 10, tzinfo=dt.UTC)
TERMS = Terms(dt.timedelta(days=90), 10)
TYPES = ("aapning", "sletting", "oppheving", "avslutning", "fortsettelse")


def notice(kind: str, hour: int, debtor: str = "A") -> Notice:
    at = START + dt.timedelta(hours=hour)
    return Notice(f"{debtor}{hour}", kind, at, at.isoformat(), None, debtor)


def due(*notices: Notice, concerned: tuple[str, ...] = ()) -> list[dt.datetime | None]:
    return [case.due_at(TERMS) for case in cases_of(notices, concerned, {})]


def test_an_open_bankruptcy_stays() -> None:
    assert due(notice("aapning", 0)) == [None]


@pytest.mark.parametrize("kind", ["sletting", "oppheving", "avslutning"])
def test_an_ended_bankruptcy_is_erased_after_the_days_for_others(kind: str) -> None:
    assert due(notice("aapning", 0), notice(kind, 5)) == [START + dt.timedelta(hours=5, days=90)]


def test_a_bankruptcy_that_concerned_a_customer_stays_for_years() -> None:
    ended = due(notice("aapning", 0), notice("avslutning", 5), concerned=("A5",))
    assert ended == [dt.datetime(2028, 9, 3, 15, tzinfo=dt.UTC)]


def test_years_from_29_february_end_on_1_march() -> None:
    leap = dt.datetime(2020, 2, 29, tzinfo=dt.UTC)
    assert Terms(dt.timedelta(0), 1).of(RetentionRule.CUSTOMERS, leap) == dt.datetime(2021, 3, 1, tzinfo=dt.UTC)


def test_a_second_bankruptcy_of_a_debtor_does_not_keep_the_first() -> None:
    ends = due(notice("aapning", 0), notice("avslutning", 5), notice("aapning", 9))
    assert ends == [START + dt.timedelta(hours=5, days=90), None]


def test_a_notice_in_open_quarantine_and_of_no_bankruptcy_stays() -> None:
    lone = notice("fortsettelse", 0)
    assert [c.ended_at for c in cases_of([lone], (), {"A0": Quarantined(None, is_doubted=False)})] == [None]
    resolved = START + dt.timedelta(days=3)
    assert [c.ended_at for c in cases_of([lone], (), {"A0": Quarantined(resolved, is_doubted=False)})] == [resolved]


@pytest.mark.parametrize(
    ("quarantined", "doubted", "ends"), [("A0", True, True), ("A5", False, True), ("A5", True, False)]
)
def test_only_a_doubtful_ending_keeps_an_ended_bankruptcy(quarantined: str, *, doubted: bool, ends: bool) -> None:
    ended = [notice("aapning", 0), notice("avslutning", 5)]
    (case,) = cases_of(ended, (), {quarantined: Quarantined(None, is_doubted=doubted)})
    assert (case.ended_at is not None) is ends


@given(st.lists(st.tuples(st.sampled_from(TYPES), st.sampled_from("AB")), max_size=12))
def test_an_erasure_never_changes_the_state_of_the_kept_bankruptcies(drawn: list[tuple[str, str]]) -> None:
    notices = [notice(kind, hour, debtor) for hour, (kind, debtor) in enumerate(drawn)]
    cases = cases_of(notices, (), {})
    assert sorted(n.uuid for case in cases for n in case.notices) == sorted(n.uuid for n in notices), "each in one"
    before = {estate.opening.uuid: estate for estate in fold_estates(notices).estates}
    for gone in cases:
        stays = [one for one in notices if one not in gone.notices]
        after = {estate.opening.uuid: estate for estate in fold_estates(stays).estates}
        assert after == {uid: estate for uid, estate in before.items() if estate.opening not in gone.notices}


def test_a_case_is_a_value() -> None:
    assert RetentionCase((), None, RetentionRule.OTHERS) == RetentionCase((), None, RetentionRule.OTHERS)
