"""The rows that follow a BLOCK that core banking calls PENDING, and a REVIEW that a person answered with `blocked`.

After the answer a sletting, a second opening and a closing of the same debtor arrive, one a day, in every order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.actions.reviews import ReviewOutcome
from konkurs_pipeline.storage.handoff.reviews import record_outcome
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import FRIDAY, MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Bank, company
from tests.pipeline.test_receipts import give, receipt

FIRM: Final = company("firm")
BLOCK = ("BLOCK", "estate_open")
REOPEN = ("REOPEN", "opening_deleted")
CLOSED = ("INFORM", "avslutning")
OTHER_OPEN = ("REVIEW", "other_estate_open")
OTHER_STANDS = ("REVIEW", "other_block_stands")
SHARED = ("REVIEW", "several_owners")
DELETED = ("REVIEW", "reviewed_opening_deleted")
BEFORE = ("REVIEW", "blocked_before")
# An order of the three notices, and the rows that must follow on each day.
Case = tuple[str, Sequence[tuple[str, str]]]


def ids_of(case: Case) -> str:
    return case[0] if isinstance(case, tuple) else ""


def register_says(bank: Bank, is_blocked: str) -> None:
    assert bank.accounts is not None
    bank.accounts = [(number, ref, relation, is_blocked) for number, ref, relation, _ in bank.accounts]


def days_of(bank: Bank, order: str) -> Iterator[list[tuple[str, str]]]:
    """Poll one notice a day in this order; yields action and reason of each row that follows."""
    for kind, day in zip(order.split(), (WEDNESDAY, THURSDAY, FRIDAY), strict=True):
        bank.notice(kind, FIRM, day)
        yield [(row["action"], row["reason"]) for row in bank.poll(day).actions]


@pytest.fixture(scope="module")
def pending_block(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank whose first BLOCK is pending."""
    bank = new_bank(tmp_path_factory.mktemp("pending"))
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM)
    bank.poll(MONDAY)
    give(bank, receipt(bank, ["PENDING"]))
    bank.poll(TUESDAY)
    return bank


@pytest.fixture(scope="module")
def answered(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank with a shared account that a person blocked by hand after the REVIEW."""
    bank = new_bank(tmp_path_factory.mktemp("blocked"))
    number = bank.customer("K-1", FIRM)
    assert bank.accounts is not None
    bank.accounts.append((number, "K-OTHER", "owner", "false"))
    bank.notice("aapning", FIRM)
    (review,) = bank.poll(MONDAY).actions
    assert (review["action"], review["reason"]) == SHARED
    with bank.store() as store:
        record_outcome(store.ledger, review["action_id"], ReviewOutcome.BLOCKED, by="Kari", note="seen", now=utc_now())
        store.publish()
    register_says(bank, "true")
    assert bank.poll(TUESDAY).actions == []
    return bank


class TestABlockThatIsPending:
    """It was written, so it counts as standing. The same rows follow as for a carried-out BLOCK."""

    CASES: Final[Sequence[Case]] = [
        ("sletting aapning avslutning", [REOPEN, BLOCK, CLOSED]),
        ("sletting avslutning aapning", [REOPEN, CLOSED, BLOCK]),
        ("aapning sletting avslutning", [BLOCK, OTHER_OPEN, CLOSED]),
        ("aapning avslutning sletting", [BLOCK, CLOSED, OTHER_OPEN]),
        ("avslutning sletting aapning", [CLOSED, REOPEN, BLOCK]),
        ("avslutning aapning sletting", [CLOSED, BLOCK, OTHER_STANDS]),
    ]

    @pytest.mark.parametrize("case", CASES, ids=ids_of)
    def test_what_follows(self, pending_block: Bank, bank: Bank, case: Case) -> None:
        """The register shows the block already. A BLOCK of ours never counts as somebody else's."""
        order, expected = case
        bank.go_on_from(pending_block)
        assert bank.published("actions")["pending_at"].is_not_null().to_list() == [True]
        register_says(bank, "true")

        assert list(days_of(bank, order)) == [[row] for row in expected]

    def test_a_confirmation_together_with_the_sletting_delays_nothing(self, pending_block: Bank, bank: Bank) -> None:
        bank.go_on_from(pending_block)
        give(bank, receipt(bank, ["APPLIED"]))
        bank.notice("sletting", FIRM, WEDNESDAY)

        (reopen,) = bank.poll(WEDNESDAY).actions

        assert (reopen["action"], reopen["caused_by"]) == ("REOPEN", bank.all_actions()[0]["action_id"])
        assert "applied" in bank.published("actions")["status"].to_list()

    def test_a_rejection_together_with_the_sletting_gives_a_review(self, pending_block: Bank, bank: Bank) -> None:
        bank.go_on_from(pending_block)
        give(bank, receipt(bank, ["REJECTED"]))
        bank.notice("sletting", FIRM, WEDNESDAY)

        assert bank.poll(WEDNESDAY).decided() == [("REVIEW", "K-1", "block_was_rejected")]


class TestAReviewThatAPersonAnsweredWithBlocked:
    """The answer leads to no row, and later rows do not depend on it."""

    CASES: Final[Sequence[Case]] = [
        ("sletting aapning avslutning", [DELETED, SHARED, CLOSED]),
        ("sletting avslutning aapning", [DELETED, CLOSED, SHARED]),
        ("aapning sletting avslutning", [SHARED, DELETED, CLOSED]),
        ("aapning avslutning sletting", [SHARED, CLOSED, DELETED]),
        ("avslutning sletting aapning", [CLOSED, DELETED, SHARED]),
        ("avslutning aapning sletting", [CLOSED, SHARED, DELETED]),
    ]
    # The other owner has left. The account belongs to the customer alone and is blocked by hand.
    CASES_OF_ONE_OWNER: Final[Sequence[Case]] = [
        ("sletting aapning avslutning", [BEFORE, BLOCK, CLOSED]),
        ("sletting avslutning aapning", [BEFORE, CLOSED, BLOCK]),
        ("aapning sletting avslutning", [BLOCK, BEFORE, CLOSED]),
        ("aapning avslutning sletting", [BLOCK, CLOSED, BEFORE]),
        ("avslutning sletting aapning", [CLOSED, BEFORE, BLOCK]),
        ("avslutning aapning sletting", [CLOSED, BLOCK, BEFORE]),
    ]

    @pytest.mark.parametrize("case", CASES, ids=ids_of)
    def test_what_follows(self, answered: Bank, bank: Bank, case: Case) -> None:
        order, expected = case
        bank.go_on_from(answered)

        assert list(days_of(bank, order)) == [[row] for row in expected]
        assert bank.published("reviews")["outcome"].to_list() == ["blocked"]

    @pytest.mark.parametrize("case", CASES_OF_ONE_OWNER, ids=ids_of)
    def test_what_follows_once_the_customer_is_the_only_owner(self, answered: Bank, bank: Bank, case: Case) -> None:
        """The pipeline blocks the account too. A person blocked it first, so a person reopens it."""
        order, expected = case
        bank.go_on_from(answered)
        assert bank.accounts is not None
        bank.accounts.pop()
        assert [(row["action"], row["reason"]) for row in bank.poll(TUESDAY).actions] == [BLOCK]

        assert list(days_of(bank, order)) == [[row] for row in expected]
