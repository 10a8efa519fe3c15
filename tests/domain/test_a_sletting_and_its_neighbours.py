"""A sletting beside other openings, other blocks, receipts and reviews: what is reopened, and what goes to a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from konkurs_pipeline.domain.actions.policy import decide_actions
from konkurs_pipeline.domain.actions.rows import ActionStatus, Issued
from konkurs_pipeline.domain.actions.situation import Account
from konkurs_pipeline.domain.matching import Doubt
from konkurs_pipeline.domain.notices import Notice
from tests.domain.bank import (
    ACCOUNT,
    SECOND_ACCOUNT,
    block_of,
    matched,
    reopening_of,
    review_of,
    rows,
    situation,
)
from tests.domain.invented import OTHER_COMPANY, aapning, avslutning, notice, oppheving, sletting

FIRST, SECOND = aapning("a", 0), aapning("b", 5)
# Each sletting deletes the latest opening that is not deleted yet, so the later one deletes the earlier opening.
DELETES_SECOND, DELETES_FIRST = sletting("s", 10), sletting("t", 20)
OTHER = aapning("o", 5, OTHER_COMPANY)


def answers(notices: Sequence[Notice], issued: Sequence[Issued], **more: object) -> set[tuple[str, str, str]]:
    """Return (action, notice, reason) of the rows that the slettinger lead to for the account."""
    decided = rows(situation(notices, issued=issued, **more))  # type: ignore[arg-type]
    slettinger = {n.uuid for n in notices if n.type == "sletting"}
    return {(row[0], row[3], row[4]) for row in decided if row[3] in slettinger}


class TestOurOwnBlockDoesNotCountAsBlockedBefore:
    def test_a_standing_block_of_ours_explains_that_the_account_was_blocked(self) -> None:
        issued = [block_of(FIRST, was_blocked=False), block_of(SECOND, was_blocked=True, seq=2)]

        assert answers([FIRST, SECOND, DELETES_SECOND, DELETES_FIRST], issued) == {
            ("REOPEN", DELETES_SECOND.uuid, "opening_deleted"),
            ("REOPEN", DELETES_FIRST.uuid, "opening_deleted"),
        }

    def test_a_block_by_somebody_else_before_our_first_counts_for_our_second_too(self) -> None:
        issued = [block_of(FIRST, was_blocked=True), block_of(SECOND, was_blocked=True, seq=2)]

        assert {reason for _, _, reason in answers([FIRST, SECOND, DELETES_SECOND, DELETES_FIRST], issued)} == {
            "blocked_before"
        }

    def test_two_blocks_of_one_file_do_not_explain_each_other(self) -> None:
        issued = [block_of(FIRST, was_blocked=True), block_of(SECOND, was_blocked=True)]

        assert {reason for _, _, reason in answers([FIRST, SECOND, DELETES_SECOND, DELETES_FIRST], issued)} == {
            "blocked_before"
        }

    def test_a_block_that_core_banking_rejected_explains_nothing(self) -> None:
        rejected = block_of(FIRST, was_blocked=False, status=ActionStatus.REJECTED)
        issued = [rejected, block_of(SECOND, was_blocked=True, seq=2)]

        assert ("REVIEW", DELETES_SECOND.uuid, "blocked_before") in answers(
            [FIRST, SECOND, DELETES_SECOND, DELETES_FIRST], issued
        )

    def test_a_block_that_was_lifted_before_explains_nothing(self) -> None:
        """The register may be older than our REOPEN, or somebody else blocked since: a person looks."""
        first = block_of(FIRST, was_blocked=False)
        again, deletes_again = aapning("c", 15), sletting("u", 30)
        issued = [first, reopening_of(first, DELETES_SECOND, seq=2), block_of(again, was_blocked=True, seq=3)]

        assert ("REVIEW", deletes_again.uuid, "blocked_before") in answers(
            [FIRST, DELETES_SECOND, again, deletes_again], issued
        )

    def test_a_block_that_the_same_file_lifts_still_explains(self) -> None:
        first = block_of(FIRST, was_blocked=False)
        again, deletes_again = aapning("c", 15), sletting("u", 30)
        issued = [first, reopening_of(first, DELETES_SECOND, seq=2), block_of(again, was_blocked=True, seq=2)]

        assert ("REOPEN", deletes_again.uuid, "opening_deleted") in answers(
            [FIRST, DELETES_SECOND, again, deletes_again], issued
        )

    def test_a_block_of_the_customer_as_a_whole_explains_it_for_its_account(self) -> None:
        issued = [block_of(FIRST, account_no=None), block_of(SECOND, was_blocked=True, seq=2)]

        assert {action for action, _, _ in answers([FIRST, SECOND, DELETES_SECOND, DELETES_FIRST], issued)} == {
            "REOPEN"
        }

    def test_a_block_of_another_account_explains_nothing(self) -> None:
        issued = [block_of(FIRST, account_no=SECOND_ACCOUNT), block_of(SECOND, was_blocked=True, seq=2)]

        assert ("REVIEW", DELETES_SECOND.uuid, "blocked_before") in answers(
            [FIRST, SECOND, DELETES_SECOND, DELETES_FIRST], issued
        )

    def test_a_block_by_hand_after_a_review_counts_as_somebody_elses(self) -> None:
        """A person answered `blocked`. When the second owner left, we blocked too. A person reopens what a person blocked."""
        review = review_of(FIRST, reason="several_owners")
        issued = [review, block_of(FIRST, was_blocked=True, seq=2)]

        assert answers([FIRST, replace(DELETES_SECOND)], issued) == {("REVIEW", DELETES_SECOND.uuid, "blocked_before")}


class TestTwoOpenings:
    @pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["the later first", "the earlier first"])
    def test_the_last_deletion_reopens_both_in_either_order_of_the_slettinger(self, order: tuple[int, int]) -> None:
        """The openings are of two debtors, so either may be deleted first."""
        deletions = [sletting("s", 10), sletting("u", 12, OTHER_COMPANY)]
        issued = [block_of(FIRST), block_of(OTHER)]
        one = deletions[order[0]]

        after_one = answers([FIRST, OTHER, one], issued)
        after_both = answers([FIRST, OTHER, *deletions], issued)

        assert after_one == {("REVIEW", one.uuid, "other_estate_open")}
        assert after_both == {("REOPEN", deletion.uuid, "opening_deleted") for deletion in deletions}

    @pytest.mark.parametrize(
        "ending", [avslutning("v", 8, OTHER_COMPANY), oppheving("v", 8, OTHER_COMPANY)], ids=lambda n: n.type
    )
    def test_a_block_whose_estate_was_closed_or_revoked_stands_and_keeps_the_account_blocked(
        self, ending: Notice
    ) -> None:
        issued = [block_of(FIRST), block_of(OTHER)]

        assert answers([FIRST, OTHER, ending, DELETES_SECOND], issued) == {
            ("REVIEW", DELETES_SECOND.uuid, "other_block_stands")
        }

    @pytest.mark.parametrize(
        "ending", [avslutning("v", 8, OTHER_COMPANY), oppheving("v", 8, OTHER_COMPANY)], ids=lambda n: n.type
    )
    def test_when_the_closed_one_is_deleted_too_both_are_reopened(self, ending: Notice) -> None:
        issued = [block_of(FIRST), block_of(OTHER)]
        last = sletting("w", 30, OTHER_COMPANY)

        assert answers([FIRST, OTHER, ending, DELETES_SECOND, last], issued) == {
            ("REOPEN", DELETES_SECOND.uuid, "opening_deleted"),
            ("REOPEN", last.uuid, "opening_deleted"),
        }

    def test_another_customers_standing_block_on_the_same_account_is_an_obstacle(self) -> None:
        issued = [block_of(FIRST), block_of(OTHER, "C2", ACCOUNT)]
        notices = [FIRST, OTHER, avslutning("v", 8, OTHER_COMPANY), DELETES_SECOND]
        matches = [matched(n) for n in notices if n.debtor_id != OTHER_COMPANY]

        assert answers(notices, issued, matches=matches) == {("REVIEW", DELETES_SECOND.uuid, "other_block_stands")}

    def test_a_second_owner_in_another_open_estate_keeps_a_shared_account_blocked(self) -> None:
        """Both owners were blocked for the first estate; one is in a second. One REOPEN would open it for both."""
        issued = [block_of(FIRST), block_of(FIRST, "C2", ACCOUNT)]
        notices = [FIRST, OTHER, DELETES_SECOND]

        assert answers(notices, issued, matches=[matched(OTHER, "C2")]) == {
            ("REVIEW", DELETES_SECOND.uuid, "other_estate_open")
        }

    @pytest.mark.parametrize(("one", "other"), [(None, ACCOUNT), (ACCOUNT, None)], ids=["whole", "account"])
    def test_blocks_of_a_whole_customer_and_of_its_account_keep_each_other_blocked(
        self, one: str | None, other: str | None
    ) -> None:
        issued = [block_of(FIRST, account_no=one), block_of(OTHER, account_no=other)]
        notices = [FIRST, OTHER, avslutning("v", 8, OTHER_COMPANY), DELETES_SECOND]

        assert answers(notices, issued) == {("REVIEW", DELETES_SECOND.uuid, "other_block_stands")}

    def test_a_block_on_another_account_of_the_customer_is_no_obstacle(self) -> None:
        issued = [block_of(FIRST), block_of(OTHER, account_no=SECOND_ACCOUNT)]
        notices = [FIRST, OTHER, avslutning("v", 8, OTHER_COMPANY), DELETES_SECOND]

        assert answers(notices, issued) == {("REOPEN", DELETES_SECOND.uuid, "opening_deleted")}

    @pytest.mark.parametrize("status", [ActionStatus.HELD, ActionStatus.VOID], ids=str)
    def test_a_block_that_never_left_is_no_obstacle(self, status: ActionStatus) -> None:
        issued = [block_of(FIRST), block_of(OTHER, status=status)]
        notices = [FIRST, OTHER, avslutning("v", 8, OTHER_COMPANY), DELETES_SECOND]

        assert answers(notices, issued) == {("REOPEN", DELETES_SECOND.uuid, "opening_deleted")}

    def test_a_block_that_was_lifted_is_no_obstacle(self) -> None:
        """The oppheving is late: the deletion came before it, and its REOPEN has lifted the block."""
        other = block_of(OTHER)
        issued = [block_of(FIRST), other, reopening_of(other, sletting("r", 6, OTHER_COMPANY))]
        notices = [FIRST, OTHER, avslutning("v", 8, OTHER_COMPANY), DELETES_SECOND]

        assert answers(notices, issued) == {("REOPEN", DELETES_SECOND.uuid, "opening_deleted")}

    def test_a_rejected_block_that_nothing_lifted_is_an_obstacle(self) -> None:
        """The pipeline does not know why core banking rejected it, so a person looks."""
        issued = [block_of(FIRST), block_of(OTHER, status=ActionStatus.REJECTED)]
        notices = [FIRST, OTHER, avslutning("v", 8, OTHER_COMPANY), DELETES_SECOND]

        assert answers(notices, issued) == {("REVIEW", DELETES_SECOND.uuid, "other_block_stands")}

    def test_a_deletion_that_is_flawed_lifts_no_block_so_the_other_stays_too(self) -> None:
        issued = [block_of(FIRST), block_of(OTHER)]
        doubted = sletting("v", 8, OTHER_COMPANY)

        assert ("REVIEW", DELETES_SECOND.uuid, "other_block_stands") in answers(
            [FIRST, OTHER, doubted, DELETES_SECOND], issued, flaws={doubted.uuid: "changed_notice"}
        )

    def test_a_block_whose_opening_is_no_longer_known_stands(self) -> None:
        """The erasure removed its notice. Nothing has lifted its BLOCK."""
        issued = [block_of(FIRST), block_of(OTHER)]

        assert answers([FIRST, DELETES_SECOND], issued) == {("REVIEW", DELETES_SECOND.uuid, "other_block_stands")}


class TestReceipts:
    def test_a_rejection_that_a_later_receipt_takes_back_lets_the_reopen_follow(self) -> None:
        notices = [FIRST, DELETES_SECOND]

        rejected = answers(notices, [block_of(FIRST, status=ActionStatus.REJECTED)])
        applied = answers(notices, [block_of(FIRST, status=ActionStatus.APPLIED)])

        assert rejected == {("REVIEW", DELETES_SECOND.uuid, "block_was_rejected")}
        assert applied == {("REOPEN", DELETES_SECOND.uuid, "opening_deleted")}

    def test_a_block_without_an_answer_is_reopened(self) -> None:
        assert answers([FIRST, DELETES_SECOND], [block_of(FIRST)]) == {
            ("REOPEN", DELETES_SECOND.uuid, "opening_deleted")
        }

    def test_a_rejected_reopen_is_not_asked_for_again(self) -> None:
        block = block_of(FIRST)
        issued = [block, reopening_of(block, DELETES_SECOND, status=ActionStatus.REJECTED)]

        assert answers([FIRST, DELETES_SECOND], issued) == set()


class TestAReviewOfAnOpeningIsFollowedByOneOfItsDeletion:
    @pytest.mark.parametrize(
        ("account_no", "reason"),
        [
            (ACCOUNT, "co_owned_account"),
            (ACCOUNT, "disponent_account"),
            (ACCOUNT, "several_owners"),
            (ACCOUNT, "opened_after_ruling"),
            (None, "no_account"),
            (None, "account_invalid"),
            (None, Doubt.PARTY_IDENTIFIER_INVALID),
            (None, "changed_notice"),
            (ACCOUNT, "reopened_but_estate_open"),
        ],
    )
    def test_each_review_because_of_an_opening_is_followed_by_one_of_its_deletion(
        self, account_no: str | None, reason: str
    ) -> None:
        first_review = review_of(FIRST, account_no=account_no, reason=reason)

        (follow_up,) = decide_actions(situation([FIRST, DELETES_SECOND], issued=[first_review]))

        assert (follow_up.kind, follow_up.account_no, follow_up.notice) == ("REVIEW", account_no, DELETES_SECOND)
        assert (follow_up.reason, follow_up.caused_by) == ("reviewed_opening_deleted", first_review.action_id)

    def test_the_review_follows_although_the_customer_is_no_longer_found(self) -> None:
        decided = rows(situation([FIRST, DELETES_SECOND], matches=[], accounts={}, issued=[review_of(FIRST)]))

        assert decided == [("REVIEW", "C1", ACCOUNT, DELETES_SECOND.uuid, "reviewed_opening_deleted")]

    def test_a_block_and_a_review_of_one_account_are_both_answered(self) -> None:
        issued = [review_of(FIRST), block_of(FIRST)]

        assert answers([FIRST, DELETES_SECOND], issued) == {
            ("REOPEN", DELETES_SECOND.uuid, "opening_deleted"),
            ("REVIEW", DELETES_SECOND.uuid, "reviewed_opening_deleted"),
        }

    def test_if_both_would_be_a_review_the_reason_says_why_the_account_is_not_reopened(self) -> None:
        issued = [review_of(FIRST), block_of(FIRST, was_blocked=True)]

        assert answers([FIRST, DELETES_SECOND], issued) == {("REVIEW", DELETES_SECOND.uuid, "blocked_before")}

    def test_only_the_reviews_of_the_deleted_opening_are_followed(self) -> None:
        issued = [review_of(FIRST, account_no=None), review_of(SECOND, account_no=SECOND_ACCOUNT)]

        (follow_up,) = [
            action
            for action in decide_actions(situation([FIRST, SECOND, DELETES_SECOND], issued=issued))
            if action.notice == DELETES_SECOND
        ]

        assert follow_up.caused_by == issued[1].action_id

    @pytest.mark.parametrize("ending", [oppheving("v", 8), avslutning("v", 8)], ids=lambda n: n.type)
    def test_a_revoked_or_closed_estate_gives_no_review_of_a_deletion(self, ending: Notice) -> None:
        decided = rows(situation([FIRST, ending], issued=[review_of(FIRST)]))

        assert "reviewed_opening_deleted" not in {row[4] for row in decided}

    def test_a_flawed_sletting_gives_a_review_of_its_flaw_after_each_review_of_the_opening(self) -> None:
        flaws = {DELETES_SECOND.uuid: "changed_notice"}

        decided = rows(situation([FIRST, DELETES_SECOND], matches=[], flaws=flaws, issued=[review_of(FIRST)]))

        assert decided == [("REVIEW", "C1", None, DELETES_SECOND.uuid, "changed_notice")]

    def test_a_review_of_an_unknown_notice_is_followed_by_nothing(self) -> None:
        unknown = notice("gjenaapning", "g", 3)

        assert answers([FIRST, unknown, DELETES_SECOND], [review_of(unknown)]) == set()


def test_later_changes_of_an_account_do_not_hinder_its_reopening() -> None:
    """The account left the register, got an owner or an opening date: the REOPEN follows in each case."""
    for now in ({}, {"C1": [Account(ACCOUNT, "owner", owners=frozenset({"C1", "C2"}))]}):
        decided = answers([FIRST, DELETES_SECOND], [block_of(FIRST)], accounts=now)

        assert decided == {("REOPEN", DELETES_SECOND.uuid, "opening_deleted")}
