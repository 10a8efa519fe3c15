"""Brreg's 15 test notices, day by day and in one late run, and why the two differ."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from konkurs_pipeline.brreg.simulator.datasets import enk_of
from konkurs_pipeline.brreg.simulator.notices import load_test_notices
from konkurs_pipeline.domain.workdays import OSLO
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import Bank, Polled, Record

DEBTORS = sorted({notice.debtor_id for notice in load_test_notices()})
DELETED_IN_MINUTES = "910425463"
DELETED_AFTER_WEEKS = "08086002265"
REVOKED = ("19020101140", "910018469")
CLOSED = "910375237"
# The five whose bankruptcy has ended when the bank first reads of them in June 2019.
OVER = {DELETED_IN_MINUTES, DELETED_AFTER_WEEKS, *REVOKED, CLOSED}
FIRST, LAST = dt.date(2018, 6, 8), dt.date(2019, 6, 12)
REFS = {debtor: f"K-{n}" for n, debtor in enumerate(DEBTORS)}


class Story:
    """A bank with all ten debtors as customers, and the rows that each poll handed over."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.polled: dict[dt.date, Polled] = {}
        for debtor, ref in REFS.items():
            bank.customer(ref, debtor)
        bank.serve(load_test_notices())

    @property
    def actions(self) -> list[Record]:
        return self.bank.all_actions()

    def concerning(self, debtor: str) -> list[tuple[str, str]]:
        return [(a["action"], a["reason"]) for a in self.actions if a["customer_ref"] == REFS[debtor]]


@pytest.fixture(scope="module")
def day_by_day(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Poll on each day with a notice, three of which are no workdays, and then once more over all days."""
    story = Story(new_bank(tmp_path_factory.mktemp("days")))
    for day in sorted({notice.registered_at.astimezone(OSLO).date() for notice in load_test_notices()}):
        story.polled[day] = story.bank.poll(day)
    return story


@pytest.fixture(scope="module")
def late_run(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Poll once, a year later, over all days."""
    story = Story(new_bank(tmp_path_factory.mktemp("late")))
    story.polled[LAST] = story.bank.poll(FIRST, LAST)
    return story


@pytest.fixture(params=["day_by_day", "late_run"])
def story(request: pytest.FixtureRequest) -> Story:
    """Return both stories in turn, for rules that must hold in each."""
    chosen: Story = request.getfixturevalue(request.param)
    return chosen


@pytest.mark.parametrize(
    ("uuid", "workday", "why"),
    [
        ("1df2a097-a1ae-49c4-9aa5-2a55686a05ef", dt.date(2018, 6, 8), "9 June 2018 is a Saturday"),
        ("45c625b3-6edc-49ba-a302-9c9c2422eab3", dt.date(2018, 6, 29), "1 July 2018 is a Sunday"),
        ("5b290ea5-b9cf-46d9-acf4-28fed4540fdb", dt.date(2019, 6, 7), "10 June 2019 is Whit Monday"),
    ],
    ids=["Saturday", "Sunday", "Whit Monday"],
)
def test_a_notice_of_a_closed_day_lies_in_the_workday_before(
    story: Story, uuid: str, workday: dt.date, why: str
) -> None:
    stored = dict(story.bank.published("raw_notices").select("uuid", "workday").iter_rows())
    assert stored[uuid] == workday, why


def test_none_of_the_fifteen_is_lost(story: Story) -> None:
    stored = story.bank.published("raw_notices")["uuid"].to_list()
    assert sorted(stored) == sorted(notice.uuid for notice in load_test_notices())


def test_both_ways_end_with_the_same_estates(story: Story) -> None:
    assert Counter(story.bank.states().values()) == {"open": 5, "deleted": 2, "revoked": 2, "closed": 1}


def test_an_opening_deleted_within_ten_minutes_blocks_nobody(story: Story) -> None:
    assert story.concerning(DELETED_IN_MINUTES) == []


def test_a_block_of_8_june_is_reopened_on_4_july(day_by_day: Story) -> None:
    blocks = day_by_day.polled[dt.date(2018, 6, 8)].of("BLOCK")
    (block,) = [a for a in blocks if a["customer_ref"] == REFS[DELETED_AFTER_WEEKS]]
    (reopen,) = day_by_day.polled[dt.date(2018, 7, 4)].actions
    assert (reopen["action"], reopen["account_no"]) == ("REOPEN", block["account_no"])
    assert reopen["caused_by"] == block["action_id"]
    assert len(day_by_day.concerning(DELETED_AFTER_WEEKS)) == 2


def test_each_oppheving_gives_a_review_the_avslutning_an_inform_and_none_reopens(day_by_day: Story) -> None:
    for debtor in REVOKED:
        assert day_by_day.concerning(debtor) == [("BLOCK", "estate_open"), ("REVIEW", "oppheving")]
    assert day_by_day.concerning(CLOSED) == [("BLOCK", "estate_open"), ("INFORM", "avslutning")]
    assert Counter(a["action"] for a in day_by_day.actions) == {"BLOCK": 9, "REOPEN": 1, "REVIEW": 2, "INFORM": 1}


def test_day_by_day_every_opening_is_blocked_but_the_one_deleted_at_once(day_by_day: Story) -> None:
    blocked = {a["customer_ref"] for a in day_by_day.actions if a["action"] == "BLOCK"}
    assert blocked == {REFS[debtor] for debtor in DEBTORS if debtor != DELETED_IN_MINUTES}


def test_one_late_run_blocks_no_ended_estate(late_run: Story) -> None:
    blocked = {a["customer_ref"] for a in late_run.actions if a["action"] == "BLOCK"}
    assert blocked == {REFS[debtor] for debtor in DEBTORS if debtor not in OVER}
    assert late_run.concerning(DELETED_AFTER_WEEKS) == []
    assert [late_run.concerning(debtor) for debtor in REVOKED] == [[("REVIEW", "oppheving")]] * 2
    assert late_run.concerning(CLOSED) == [("INFORM", "avslutning")]
    assert Counter(a["action"] for a in late_run.actions) == {"BLOCK": 5, "REVIEW": 2, "INFORM": 1}


def test_the_same_range_again_adds_nothing_and_still_leaves_a_file(bank: Bank) -> None:
    story = Story(bank)
    story.bank.poll(FIRST, LAST)
    again = story.bank.poll(FIRST, LAST)
    assert (again.actions, again.outcome) == ([], "nothing_new")
    assert again.file is not None


def test_the_sole_proprietorship_of_a_person_is_found_and_blocked_with_the_person(bank: Bank) -> None:
    account = bank.customer("K-ENK", enk_of("08086001471"))
    bank.serve(load_test_notices())
    (block,) = bank.poll(FIRST).actions
    assert (block["action"], block["account_no"], block["matched_via"]) == ("BLOCK", account, "linked_unit")
