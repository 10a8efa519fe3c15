"""Outcomes of REVIEW rows: a row is open until one is recorded, outcomes are only added, and an old copy loses none."""

from __future__ import annotations

import shutil

import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.actions.reviews import ReviewOutcome
from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.enquiries.status import current_status
from konkurs_pipeline.enquiries.worklists.reviews import Review, reviews_of
from konkurs_pipeline.errors import StoreError, UsageError
from konkurs_pipeline.storage.handoff.recovery import recover
from konkurs_pipeline.storage.handoff.reviews import record_outcome
from konkurs_pipeline.storage.readers.published import Published
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, company


@pytest.fixture(scope="module")
def two_days(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank with a co-owned account on Monday and an appeal on Tuesday."""
    bank = new_bank(tmp_path_factory.mktemp("reviews"))
    bank.customer("K-1", company("firm"))
    bank.account("K-1", "co_owner")
    bank.notice("aapning", company("firm"))
    bank.poll(MONDAY)
    bank.notice("oppheving", company("firm"), TUESDAY)
    bank.poll(TUESDAY)
    return bank


@pytest.fixture
def reviewing(two_days: Bank, bank: Bank) -> Bank:
    return bank.go_on_from(two_days)


def reviews(bank: Bank) -> list[Review]:
    return reviews_of(Published(bank.layout))


def record(bank: Bank, action_id: str, outcome: ReviewOutcome = ReviewOutcome.NO_ACTION, note: str = "seen") -> int:
    with bank.store() as store:
        number = record_outcome(store.ledger, action_id, outcome, by="Kari", note=note, now=utc_now())
        store.publish()
    return number


def recovered_reviews(bank: Bank) -> int:
    with bank.store(allow_untrusted=True) as store:
        return recover(store.layout, store.ledger, store.outbox, by="Kari", reason="copy", now=utc_now()).reviews


def outcomes(bank: Bank) -> list[tuple[str, ...]]:
    return [tuple(one.outcome for one in review.outcomes) for review in reviews(bank)]


def test_open_reviews_stand_oldest_first_with_a_sentence_and_the_state_of_the_bankruptcy_now(reviewing: Bank) -> None:
    shown = [(r.reason, r.notice_type, r.estate_state, r.account_no is None, r.is_open) for r in reviews(reviewing)]
    assert shown == [
        ("co_owned_account", "aapning", "revoked", False, True),
        ("oppheving", "oppheving", "revoked", True, True),
    ]
    assert "co-owns" in reviews(reviewing)[0].sentence


def test_the_newest_outcome_counts_and_the_first_stays(reviewing: Bank) -> None:
    first = reviews(reviewing)[0].action_id
    assert [record(reviewing, first), record(reviewing, first, ReviewOutcome.BLOCKED, "after all")] == [1, 2]
    done, still_open = reviews(reviewing)
    assert [(one.outcome, one.note) for one in done.outcomes] == [("no_action", "seen"), ("blocked", "after all")]
    assert (done.is_open, still_open.is_open) == (False, True)


def test_the_status_counts_open_reviews_and_gives_the_oldest(reviewing: Bank) -> None:
    before = current_status(reviewing.settings, utc_now())
    oldest, newest = (instant_text(review.decided_at) for review in reviews(reviewing))
    assert (before.open_reviews, before.oldest_open_review_at) == (2, oldest)
    record(reviewing, reviews(reviewing)[0].action_id)
    after = current_status(reviewing.settings, utc_now())
    assert (after.open_reviews, after.oldest_open_review_at) == (1, newest)


def test_only_a_written_review_can_have_an_outcome(reviewing: Bank) -> None:
    reviewing.customer("K-2", company("second"))
    reviewing.notice("aapning", company("second"), WEDNESDAY)
    reviewing.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "0"
    reviewing.poll(WEDNESDAY)
    by_status = dict(reviewing.published("actions").filter(action="BLOCK").select("status", "action_id").iter_rows())
    for action_id, why in ((by_status["held"], "BLOCK"), (by_status["exported"], "BLOCK"), ("nobody", "no action")):
        with pytest.raises(UsageError, match=why):
            record(reviewing, action_id)
    with reviewing.store() as store:
        store.ledger.execute("UPDATE actions SET status = 'void' WHERE reason = 'oppheving'")
        store.publish()
    with pytest.raises(UsageError, match="void"):
        record(reviewing, reviewing.published("actions").filter(reason="oppheving")["action_id"][0])
    assert [review.reason for review in reviews(reviewing)] == ["co_owned_account"]


def test_outcomes_survive_runs_and_a_recovery_from_an_older_copy(reviewing: Bank) -> None:
    shutil.copytree(reviewing.layout.ledger.parent, reviewing.folder / "copy")
    record(reviewing, reviews(reviewing)[0].action_id)
    reviewing.poll(WEDNESDAY)
    _put_back_copy(reviewing)
    assert isinstance(reviewing.try_poll(WEDNESDAY), StoreError)
    recovered_reviews(reviewing)
    reviewing.poll(WEDNESDAY)
    assert outcomes(reviewing) == [("no_action",), ()]


def test_a_copy_that_lacks_only_an_outcome_stops_the_run_and_recover_takes_it_over(reviewing: Bank) -> None:
    """The copy's own seal is valid, and no file was written since. Only the published outcome shows its age."""
    shutil.copytree(reviewing.layout.ledger.parent, reviewing.folder / "copy")
    record(reviewing, reviews(reviewing)[0].action_id)
    _put_back_copy(reviewing)
    refused = reviewing.try_poll(WEDNESDAY)
    assert isinstance(refused, StoreError)
    assert "outcomes" in str(refused)
    assert recovered_reviews(reviewing) == 1
    reviewing.poll(WEDNESDAY)
    assert outcomes(reviewing) == [("no_action",), ()]


def _put_back_copy(bank: Bank) -> None:
    shutil.rmtree(bank.layout.ledger.parent)
    shutil.copytree(bank.folder / "copy", bank.layout.ledger.parent)
