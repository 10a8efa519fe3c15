"""The policy, row by row of the table in `domain.actions.policy` and of docs/outbox.md."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from konkurs_pipeline.brreg.simulator.population import seeded
from konkurs_pipeline.domain.actions.policy import decide_actions
from konkurs_pipeline.domain.actions.rows import Action, ActionKind, ActionStatus
from konkurs_pipeline.domain.actions.situation import Account
from konkurs_pipeline.domain.matching import Doubt, MatchedVia
from konkurs_pipeline.domain.notices import Notice, QuarantineReason
from tests.domain.bank import ACCOUNT, SECOND_ACCOUNT, block_of, matched, reopening_of, rows, situation
from tests.domain.invented import OTHER_COMPANY, aapning, avslutning, notice, oppheving, sletting, uuid_of

NEVER_WRITTEN = [ActionStatus.HELD, ActionStatus.VOID]
OPENING, DELETION = aapning("a", 0), sletting("s", 10)


class TestAnEstateIsOpen:
    def test_each_account_its_customer_owns_is_blocked(self) -> None:
        accounts = {"C1": [Account(ACCOUNT, "owner"), Account(SECOND_ACCOUNT, "owner")]}

        assert sorted(rows(situation([OPENING], accounts=accounts))) == sorted(
            ("BLOCK", "C1", account, OPENING.uuid, "estate_open") for account in (ACCOUNT, SECOND_ACCOUNT)
        )

    @pytest.mark.parametrize(
        ("account", "account_no", "reason", "why"),
        [
            pytest.param(Account(ACCOUNT, "co_owner"), ACCOUNT, "co_owned_account", "others own it too", id="co_owned"),
            pytest.param(
                Account(ACCOUNT, "disponent"), ACCOUNT, "disponent_account", "somebody else's money", id="disponent"
            ),
            pytest.param(Account(ACCOUNT, "verge"), ACCOUNT, "unknown_relation", "unknown: a person", id="unknown"),
            pytest.param(Account(ACCOUNT, "Owner"), ACCOUNT, "unknown_relation", "unknown: a person", id="capital"),
            pytest.param(
                Account(ACCOUNT, "owner", is_flagged=True),
                ACCOUNT,
                "account_invalid",
                "the register fails",
                id="flagged",
            ),
            pytest.param(
                Account(ACCOUNT[1:], "owner", is_flagged=True),
                None,
                "account_invalid",
                "no number of eleven digits: the row is for the customer",
                id="damaged_number",
            ),
            pytest.param(
                Account("١" * 11, "owner", is_flagged=True),
                None,
                "account_invalid",
                "eleven digits of another script are not the outbox's eleven digits",
                id="digits_of_another_script",
            ),
            pytest.param(
                Account(ACCOUNT[1:], "co_owner", is_flagged=True),
                None,
                "account_invalid",
                "both",
                id="damaged_co_owned",
            ),
            pytest.param(
                Account(ACCOUNT, "verge", is_flagged=True), ACCOUNT, "unknown_relation", "both", id="flagged_unknown"
            ),
        ],
    )
    def test_only_a_valid_account_with_the_relation_owner_is_blocked(
        self, account: Account, account_no: str | None, reason: str, why: str
    ) -> None:
        expected = [("REVIEW", "C1", account_no, OPENING.uuid, reason)]

        assert rows(situation([OPENING], accounts={"C1": [account]})) == expected, why

    @pytest.mark.parametrize("doubt", list(Doubt))
    def test_a_doubtful_match_is_reviewed_and_blocks_no_account(self, doubt: Doubt) -> None:
        decided = rows(situation([OPENING], matches=[matched(OPENING, doubt=doubt)]))

        assert decided == [("REVIEW", "C1", None, OPENING.uuid, doubt.value)]

    @pytest.mark.parametrize("via", list(MatchedVia))
    def test_a_customer_is_blocked_however_it_was_matched_and_the_row_names_the_way(self, via: MatchedVia) -> None:
        (block,) = decide_actions(situation([OPENING], matches=[matched(OPENING, via=via)]))

        assert (block.kind, block.matched_via) == (ActionKind.BLOCK, via)

    def test_without_an_accounts_file_the_customer_is_blocked_as_a_whole(self) -> None:
        assert rows(situation([OPENING], accounts=None)) == [("BLOCK", "C1", None, OPENING.uuid, "estate_open")]

    def test_a_customer_without_accounts_goes_to_review_as_a_whole(self) -> None:
        assert rows(situation([OPENING], accounts={})) == [("REVIEW", "C1", None, OPENING.uuid, "no_account")]

    def test_a_debtor_who_is_no_customer_leads_to_no_row(self) -> None:
        assert rows(situation([OPENING], matches=[])) == []

    def test_two_customers_of_one_debtor_are_both_blocked(self) -> None:
        decided = rows(situation([OPENING], matches=[matched(OPENING, "C1"), matched(OPENING, "C2")]))

        assert [row[:3] for row in decided] == [("BLOCK", "C1", ACCOUNT), ("BLOCK", "C2", SECOND_ACCOUNT)]

    def test_a_customer_matched_later_is_blocked_for_a_known_opening(self) -> None:
        known = [block_of(OPENING)]

        decided = rows(situation([OPENING], matches=[matched(OPENING), matched(OPENING, "C2")], issued=known))

        assert ("BLOCK", "C2", SECOND_ACCOUNT, OPENING.uuid, "estate_open") in decided

    def test_a_block_carries_the_register_s_state_of_the_account(self) -> None:
        accounts = {"C1": [Account(ACCOUNT, "owner", is_blocked=True)]}

        (block,) = decide_actions(situation([OPENING], accounts=accounts))

        assert block.was_blocked is True

    def test_two_open_estates_are_two_blocks(self) -> None:
        second = aapning("b", 5)

        assert rows(situation([OPENING, second])) == [
            ("BLOCK", "C1", ACCOUNT, OPENING.uuid, "estate_open"),
            ("BLOCK", "C1", ACCOUNT, second.uuid, "estate_open"),
        ]


class TestAnEstateIsNoLongerOpen:
    @pytest.mark.parametrize(
        "ending", [sletting("s", 10), oppheving("o", 10), avslutning("c", 10)], ids=lambda n: n.type
    )
    def test_no_block_is_written_once_the_estate_has_ended(self, ending: Notice) -> None:
        assert not [row for row in rows(situation([OPENING, ending])) if row[0] in {"BLOCK", "REOPEN"}]

    @pytest.mark.parametrize("ending", [oppheving("o", 10), avslutning("c", 10)], ids=lambda n: n.type)
    def test_only_a_sletting_reopens_a_written_block(self, ending: Notice) -> None:
        decided = rows(situation([OPENING, ending], issued=[block_of(OPENING)]))

        assert [row[0] for row in decided] == ["REVIEW" if ending.type == "oppheving" else "INFORM"]

    def test_a_sletting_of_a_revoked_estate_reopens_too(self) -> None:
        notices = [OPENING, oppheving("o", 5), DELETION]

        assert ("REOPEN", "C1", ACCOUNT, DELETION.uuid, "opening_deleted") in rows(
            situation(notices, issued=[block_of(OPENING)])
        )


class TestASlettingDeletesAnEstate:
    def test_a_block_of_the_deleted_opening_is_reopened_and_the_row_names_the_block(self) -> None:
        block = block_of(OPENING)

        (reopen,) = decide_actions(situation([OPENING, DELETION], issued=[block]))

        assert (reopen.kind, reopen.customer_ref, reopen.account_no) == (ActionKind.REOPEN, "C1", ACCOUNT)
        assert (reopen.reason, reopen.caused_by, reopen.notice) == ("opening_deleted", block.action_id, DELETION)

    def test_a_sletting_reopens_only_what_its_opening_blocked(self) -> None:
        other = aapning("b", 1, OTHER_COMPANY)
        issued = [block_of(OPENING), block_of(other, "C2", SECOND_ACCOUNT)]
        matches = [matched(OPENING), matched(DELETION), matched(other, "C2")]

        decided = rows(situation([OPENING, other, DELETION], matches=matches, issued=issued))

        assert [row[:3] for row in decided if row[0] == "REOPEN"] == [("REOPEN", "C1", ACCOUNT)]

    @pytest.mark.parametrize("status", NEVER_WRITTEN)
    def test_a_block_that_was_never_written_needs_no_reopening(self, status: ActionStatus) -> None:
        assert rows(situation([OPENING, DELETION], issued=[block_of(OPENING, status=status)])) == []

    @pytest.mark.parametrize(
        "status", [ActionStatus.EXPORTED, ActionStatus.APPLIED, ActionStatus.ALREADY_APPLIED], ids=str
    )
    def test_a_written_block_is_reopened_unless_core_banking_rejected_it(self, status: ActionStatus) -> None:
        decided = rows(situation([OPENING, DELETION], issued=[block_of(OPENING, status=status)]))

        assert [row[0] for row in decided] == ["REOPEN"]

    def test_the_account_is_reopened_although_its_owner_is_no_longer_found(self) -> None:
        decided = rows(situation([OPENING, DELETION], matches=[], accounts={}, issued=[block_of(OPENING)]))

        assert decided == [("REOPEN", "C1", ACCOUNT, DELETION.uuid, "opening_deleted")]

    def test_a_customer_blocked_as_a_whole_is_reopened_as_a_whole(self) -> None:
        decided = rows(situation([OPENING, DELETION], issued=[block_of(OPENING, account_no=None)]))

        assert decided == [("REOPEN", "C1", None, DELETION.uuid, "opening_deleted")]

    def test_an_account_blocked_before_our_block_goes_to_review(self) -> None:
        decided = rows(situation([OPENING, DELETION], issued=[block_of(OPENING, was_blocked=True)]))

        assert decided == [("REVIEW", "C1", ACCOUNT, DELETION.uuid, "blocked_before")]

    @pytest.mark.parametrize("was_blocked", [False, None])
    def test_an_account_is_reopened_if_the_register_had_it_as_free_or_empty(self, *, was_blocked: bool | None) -> None:
        decided = rows(situation([OPENING, DELETION], issued=[block_of(OPENING, was_blocked=was_blocked)]))

        assert [row[0] for row in decided] == ["REOPEN"]

    def test_a_block_that_core_banking_rejected_goes_to_review(self) -> None:
        decided = rows(situation([OPENING, DELETION], issued=[block_of(OPENING, status=ActionStatus.REJECTED)]))

        assert decided == [("REVIEW", "C1", ACCOUNT, DELETION.uuid, "block_was_rejected")]

    def test_another_open_estate_of_the_same_debtor_keeps_the_account_blocked(self) -> None:
        second = aapning("b", 5)

        decided = rows(situation([OPENING, second, DELETION], issued=[block_of(OPENING), block_of(second)]))

        assert decided == [
            ("BLOCK", "C1", ACCOUNT, OPENING.uuid, "estate_open"),
            ("REVIEW", "C1", ACCOUNT, DELETION.uuid, "other_estate_open"),
        ]

    def test_another_debtors_open_estate_with_the_same_customer_keeps_the_account_blocked(self) -> None:
        other = aapning("b", 5, OTHER_COMPANY)

        decided = rows(situation([OPENING, other, DELETION], issued=[block_of(OPENING)]))

        assert ("REVIEW", "C1", ACCOUNT, DELETION.uuid, "other_estate_open") in decided
        assert not [row for row in decided if row[0] == "REOPEN"]

    def test_a_block_for_an_open_estate_keeps_the_account_blocked_although_the_match_is_gone(self) -> None:
        """The bank changed the number that matched the other estate. The customer's accounts still belong to that estate."""
        other = aapning("b", 5, OTHER_COMPANY)
        issued = [block_of(OPENING), block_of(other)]

        decided = rows(situation([OPENING, other, DELETION], matches=[matched(OPENING)], issued=issued))

        assert decided == [("REVIEW", "C1", ACCOUNT, DELETION.uuid, "other_estate_open")]

    def test_a_lifted_block_of_another_estate_is_no_obstacle(self) -> None:
        """The other estate's block was reopened, and its debtor matches no customer any more."""
        other = aapning("b", 5, OTHER_COMPANY)
        lifted = block_of(other)
        issued = [block_of(OPENING), lifted, reopening_of(lifted, sletting("r", 6, OTHER_COMPANY))]

        decided = rows(situation([OPENING, other, DELETION], matches=[matched(OPENING)], issued=issued))

        assert decided == [("REOPEN", "C1", ACCOUNT, DELETION.uuid, "opening_deleted")]

    def test_an_open_estate_of_another_customer_is_no_obstacle(self) -> None:
        other = aapning("b", 5, OTHER_COMPANY)
        matches = [matched(OPENING), matched(other, "C2")]

        decided = rows(situation([OPENING, other, DELETION], matches=matches, issued=[block_of(OPENING)]))

        assert ("REOPEN", "C1", ACCOUNT, DELETION.uuid, "opening_deleted") in decided

    @pytest.mark.parametrize("ending", [oppheving("o", 7), avslutning("c", 7)], ids=lambda n: n.type)
    def test_another_estate_that_ended_before_it_blocked_anything_is_no_obstacle(self, ending: Notice) -> None:
        other = aapning("b", 5, OTHER_COMPANY)
        ended = replace(ending, debtor_id=OTHER_COMPANY)

        decided = rows(situation([OPENING, other, ended, DELETION], issued=[block_of(OPENING)]))

        assert ("REOPEN", "C1", ACCOUNT, DELETION.uuid, "opening_deleted") in decided

    def test_the_account_is_reopened_once_the_other_estate_is_deleted_too(self) -> None:
        second, last = aapning("b", 5), sletting("t", 20)

        decided = rows(situation([OPENING, second, DELETION, last], issued=[block_of(OPENING), block_of(second)]))

        assert decided == [
            ("REOPEN", "C1", ACCOUNT, DELETION.uuid, "opening_deleted"),
            ("REOPEN", "C1", ACCOUNT, last.uuid, "opening_deleted"),
        ]

    def test_a_block_that_was_lifted_is_not_lifted_again(self) -> None:
        block = block_of(OPENING)
        earlier = sletting("r", 5)

        assert rows(situation([OPENING, DELETION], issued=[block, reopening_of(block, earlier)])) == []

    @pytest.mark.parametrize("status", NEVER_WRITTEN)
    def test_a_reopening_that_was_never_written_has_lifted_nothing(self, status: ActionStatus) -> None:
        block = block_of(OPENING)
        issued = [block, reopening_of(block, sletting("r", 5), status=status)]

        assert [row[0] for row in rows(situation([OPENING, DELETION], issued=issued))] == ["REOPEN"]

    def test_a_new_opening_after_the_sletting_is_blocked_again(self) -> None:
        again, block = aapning("b", 20), block_of(OPENING)
        issued = [block, reopening_of(block, DELETION)]

        decided = rows(situation([OPENING, DELETION, again], issued=issued))

        assert decided == [("BLOCK", "C1", ACCOUNT, again.uuid, "estate_open")]


class TestASlettingTurnsOutToBeOfAnotherOpening:
    """The only case in which an open estate does not end blocked: an action id is written once, ever."""

    def test_a_reopened_account_is_reviewed_and_not_blocked_again_for_the_same_opening(self) -> None:
        block, late = block_of(OPENING), aapning("b", 5)
        issued = [block, reopening_of(block, DELETION)]

        decided = decide_actions(situation([OPENING, late, DELETION], issued=issued))

        (review,) = decided
        assert (review.kind, review.notice, review.account_no) == (ActionKind.REVIEW, OPENING, ACCOUNT)
        assert (review.reason, review.caused_by) == ("reopened_but_estate_open", block.action_id)

    def test_a_customer_reopened_as_a_whole_is_reviewed_as_a_whole(self) -> None:
        block, late = block_of(OPENING, account_no=None), aapning("b", 5)
        issued = [block, reopening_of(block, DELETION)]

        decided = rows(situation([OPENING, late, DELETION], accounts=None, issued=issued))

        assert decided == [("REVIEW", "C1", None, OPENING.uuid, "reopened_but_estate_open")]

    def test_an_account_that_was_not_reopened_is_blocked(self) -> None:
        block, late = block_of(OPENING), aapning("b", 5)
        accounts = {"C1": [Account(ACCOUNT, "owner"), Account(SECOND_ACCOUNT, "owner")]}
        issued = [block, reopening_of(block, DELETION)]

        decided = rows(situation([OPENING, late, DELETION], accounts=accounts, issued=issued))

        assert ("BLOCK", "C1", SECOND_ACCOUNT, OPENING.uuid, "estate_open") in decided


class TestNoticesThatOnlyInform:
    def test_a_sletting_whose_opening_is_not_known_goes_to_review(self) -> None:
        assert rows(situation([DELETION])) == [("REVIEW", "C1", None, DELETION.uuid, "sletting_without_opening")]

    def test_a_sletting_registered_before_its_opening_is_reviewed_and_the_opening_stands(self) -> None:
        early = sletting("s", -10)

        assert rows(situation([early, OPENING])) == [
            ("REVIEW", "C1", None, early.uuid, "sletting_without_opening"),
            ("BLOCK", "C1", ACCOUNT, OPENING.uuid, "estate_open"),
        ]

    @pytest.mark.parametrize("notices", [[OPENING, oppheving("o", 10)], [oppheving("o", 10)]], ids=["known", "unknown"])
    def test_an_oppheving_goes_to_review(self, notices: list[Notice]) -> None:
        assert rows(situation(notices)) == [("REVIEW", "C1", None, uuid_of("o"), "oppheving")]

    @pytest.mark.parametrize(
        "notices", [[OPENING, avslutning("c", 10)], [avslutning("c", 10)]], ids=["known", "unknown"]
    )
    def test_an_avslutning_informs(self, notices: list[Notice]) -> None:
        assert rows(situation(notices)) == [("INFORM", "C1", None, uuid_of("c"), "avslutning")]

    @pytest.mark.parametrize("ending", [oppheving("o", 10), avslutning("c", 10)], ids=lambda n: n.type)
    def test_an_ending_informs_a_customer_that_only_the_opening_matched(self, ending: Notice) -> None:
        """The dataset of an ending may name no linked units, while the opening's did."""
        decided = rows(
            situation([OPENING, ending], matches=[matched(OPENING, via=MatchedVia.LINKED_UNIT), matched(ending, "C2")])
        )

        assert [row[1] for row in decided] == ["C1", "C2"]

    @pytest.mark.parametrize("ending", [oppheving("o", 10), avslutning("c", 10)], ids=lambda n: n.type)
    def test_an_ending_informs_that_customer_although_a_sletting_followed_before_the_poll(self, ending: Notice) -> None:
        """The decision does not depend on whether the sletting arrived with the ending or after it."""
        notices = [OPENING, ending, sletting("s", 20)]
        decided = rows(situation(notices, matches=[matched(OPENING, via=MatchedVia.LINKED_UNIT)]))

        assert [(row[1], row[3]) for row in decided] == [("C1", ending.uuid)]

    def test_a_flawed_opening_and_its_sletting_in_one_poll_both_give_a_review(self) -> None:
        """The property test of a second run found this: the REVIEW of the sletting came one poll late."""
        decided = rows(situation([OPENING, DELETION], flaws={OPENING.uuid: "changed_notice"}))

        assert [(row[1], row[3], row[4]) for row in decided] == [
            ("C1", OPENING.uuid, "changed_notice"),
            ("C1", DELETION.uuid, "reviewed_opening_deleted"),
        ]

    def test_a_doubtful_match_of_an_avslutning_is_reviewed(self) -> None:
        ending = avslutning("c", 10)
        doubt = Doubt.CUSTOMER_IDENTIFIER_INVALID

        decided = rows(situation([ending], matches=[matched(ending, doubt=doubt)]))

        assert decided == [("REVIEW", "C1", None, ending.uuid, doubt.value)]

    def test_an_ending_that_no_customer_matches_leads_to_no_row(self) -> None:
        assert rows(situation([oppheving("o", 0), avslutning("c", 1), sletting("s", 2)], matches=[])) == []


class TestAFlawedNotice:
    @pytest.mark.parametrize("flaw", list(QuarantineReason))
    @pytest.mark.parametrize(
        "flawed",
        [aapning("a", 0), sletting("s", 0), oppheving("o", 0), avslutning("c", 0), notice("gjenaapning", "g", 0)],
        ids=lambda n: n.type,
    )
    def test_a_flawed_notice_leads_to_a_review_of_its_flaw_only(self, flawed: Notice, flaw: QuarantineReason) -> None:
        decided = rows(situation([flawed], flaws={flawed.uuid: flaw}))

        assert decided == [("REVIEW", "C1", None, flawed.uuid, flaw.value)]

    def test_a_notice_of_unknown_type_does_not_change_the_estate(self) -> None:
        unknown = notice("gjenaapning", "g", 5)

        decided = rows(situation([OPENING, unknown], flaws={unknown.uuid: "unknown_type"}))

        assert decided == [
            ("BLOCK", "C1", ACCOUNT, OPENING.uuid, "estate_open"),
            ("REVIEW", "C1", None, unknown.uuid, "unknown_type"),
        ]

    def test_a_flawed_sletting_reopens_nothing(self) -> None:
        decided = rows(
            situation([OPENING, DELETION], flaws={DELETION.uuid: "changed_notice"}, issued=[block_of(OPENING)])
        )

        assert decided == [("REVIEW", "C1", None, DELETION.uuid, "changed_notice")]

    @pytest.mark.parametrize(
        "ending", [sletting("s", 10), oppheving("s", 10), avslutning("s", 10)], ids=lambda n: n.type
    )
    def test_a_flawed_ending_gives_a_review_to_a_customer_that_only_its_opening_matched(self, ending: Notice) -> None:
        """Only the opening's dataset named the ENK. Without this rule its block would stand and nobody would look."""
        linked = matched(OPENING, via=MatchedVia.LINKED_UNIT)
        flaws = {ending.uuid: "dataset_contradicts"}

        decided = rows(situation([OPENING, ending], matches=[linked], flaws=flaws))

        assert decided == [("REVIEW", "C1", None, ending.uuid, "dataset_contradicts")]

    def test_a_flawed_sletting_gives_a_review_to_a_blocked_customer_that_no_longer_matches(self) -> None:
        flaws = {DELETION.uuid: "changed_notice"}

        decided = rows(situation([OPENING, DELETION], matches=[], flaws=flaws, issued=[block_of(OPENING)]))

        assert decided == [("REVIEW", "C1", None, DELETION.uuid, "changed_notice")]

    def test_the_sletting_of_a_flawed_opening_reopens(self) -> None:
        decided = rows(
            situation([OPENING, DELETION], flaws={OPENING.uuid: "changed_notice"}, issued=[block_of(OPENING)])
        )

        assert ("REOPEN", "C1", ACCOUNT, DELETION.uuid, "opening_deleted") in decided


class TestActions:
    @pytest.mark.parametrize("kind", list(ActionKind))
    @pytest.mark.parametrize("account_no", [ACCOUNT, None])
    def test_the_id_is_a_uuid5_over_notice_customer_account_and_action(
        self, kind: ActionKind, account_no: str | None
    ) -> None:
        """The namespace may never change, because every past decision would become a new one."""
        namespace = uuid.UUID("8c2f2025-52f0-560f-9f24-477163394c6a")
        action = Action(kind, "C1", account_no, OPENING, MatchedVia.DEBTOR, "any")

        expected = uuid.uuid5(namespace, f"{OPENING.uuid}|C1|{account_no or '*'}|{kind.value}")

        assert action.action_id == str(expected)

    def test_the_id_does_not_depend_on_reason_cause_or_the_way_of_the_match(self) -> None:
        one = Action(ActionKind.REVIEW, "C1", None, OPENING, MatchedVia.DEBTOR, "one")
        other = Action(
            ActionKind.REVIEW, "C1", None, OPENING, MatchedVia.LINKED_UNIT, "other", "cause", was_blocked=True
        )

        assert one.action_id == other.action_id

    def test_rows_stand_in_the_order_to_carry_them_out(self) -> None:
        """By notice; within a notice reopen, block, review, inform; then by customer and account."""
        second = aapning("b", 0)
        expected = [
            Action(kind, ref, account_no, opening, MatchedVia.DEBTOR, "any")
            for opening in (OPENING, second)
            for kind in (ActionKind.REOPEN, ActionKind.BLOCK, ActionKind.REVIEW, ActionKind.INFORM)
            for ref in ("C1", "C2")
            for account_no in (None, *sorted([ACCOUNT, SECOND_ACCOUNT]))
        ]
        shuffled = list(expected)
        seeded("any order").shuffle(shuffled)

        assert sorted(shuffled, key=lambda action: action.order) == expected

    def test_a_reopening_stands_before_the_block_of_a_later_opening(self) -> None:
        again = aapning("b", 20, OTHER_COMPANY)
        matches = [matched(OPENING), matched(again, "C2")]

        decided = rows(situation([again, OPENING, DELETION], matches=matches, issued=[block_of(OPENING)]))

        assert [row[0] for row in decided] == ["REOPEN", "BLOCK"]

    def test_one_decision_found_in_two_ways_is_one_row(self) -> None:
        ending = oppheving("o", 10)
        decided = decide_actions(situation([OPENING, ending], matches=[matched(OPENING), matched(ending)]))

        assert len(decided) == 1
