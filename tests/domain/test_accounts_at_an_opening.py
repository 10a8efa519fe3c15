"""An estate is open: which accounts of its customers are blocked, and which go to a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest

from konkurs_pipeline.domain.actions.situation import Account
from konkurs_pipeline.domain.matching import Doubt, MatchedVia
from konkurs_pipeline.domain.notices import Notice
from tests.domain.bank import ACCOUNT, SECOND_ACCOUNT, block_of, matched, review_of, rows, situation
from tests.domain.invented import OTHER_COMPANY, PERSON, aapning, sletting

OPENING, DELETION = aapning("a", 0), sletting("s", 10)
OF_A_PERSON = aapning("a", 0, PERSON)
RULING = OPENING.ruling_date or dt.date.min
DAY = dt.timedelta(days=1)
SHARED = frozenset({"C1", "C2"})


def shared(*, owners: frozenset[str] = SHARED, relation: str = "owner") -> Account:
    return Account(ACCOUNT, relation, owners=owners)


class TestSeveralOwners:
    def test_an_account_whose_owners_are_all_matched_is_blocked_for_each_of_them(self) -> None:
        accounts = {"C1": [shared()], "C2": [shared()]}

        decided = rows(situation([OPENING], matches=[matched(OPENING), matched(OPENING, "C2")], accounts=accounts))

        assert decided == [
            ("BLOCK", ref, ACCOUNT, OPENING.uuid, "estate_open") for ref in ("C1", "C2")
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param([], id="a customer that nothing matches"),
            pytest.param([matched(aapning("b", 1, OTHER_COMPANY), "C2")], id="a customer that another estate matches"),
            pytest.param([matched(OPENING, "C2", doubt=Doubt.CUSTOMER_IDENTIFIER_INVALID)], id="a doubtful match"),
        ],
    )
    def test_an_owner_who_is_no_match_of_the_estate_sends_the_account_to_review(self, other: list[object]) -> None:
        notices = [OPENING, aapning("b", 1, OTHER_COMPANY)]
        accounts = {"C1": [shared()], "C2": [shared()]}

        decided = rows(situation(notices, matches=[matched(OPENING), *other], accounts=accounts))  # type: ignore[list-item]

        assert ("REVIEW", "C1", ACCOUNT, OPENING.uuid, "several_owners") in decided
        assert "BLOCK" not in {row[0] for row in decided}

    def test_an_owner_who_is_not_in_the_customers_file_sends_the_account_to_review(self) -> None:
        accounts = {"C1": [shared(owners=frozenset({"C1", "unknown"}))]}

        assert rows(situation([OPENING], accounts=accounts)) == [
            ("REVIEW", "C1", ACCOUNT, OPENING.uuid, "several_owners")
        ]

    def test_a_customer_with_two_owner_rows_of_one_account_is_its_only_owner(self) -> None:
        rows_of_one = [Account(ACCOUNT, "owner", is_blocked=blocked) for blocked in (None, False)]

        assert rows(situation([OPENING], accounts={"C1": rows_of_one})) == [
            ("BLOCK", "C1", ACCOUNT, OPENING.uuid, "estate_open")
        ]

    @pytest.mark.parametrize(
        ("relation", "reason"), [("co_owner", "co_owned_account"), ("disponent", "disponent_account")]
    )
    def test_a_co_owners_review_names_the_relation_first(self, relation: str, reason: str) -> None:
        accounts = {"C1": [shared(owners=frozenset({"C2", "C3"}), relation=relation)]}

        assert [row[4] for row in rows(situation([OPENING], accounts=accounts))] == [reason]

    def test_a_written_block_stays_when_a_second_owner_comes_and_a_review_follows(self) -> None:
        decided = rows(situation([OPENING], accounts={"C1": [shared()]}, issued=[block_of(OPENING)]))

        assert decided == [("REVIEW", "C1", ACCOUNT, OPENING.uuid, "several_owners")]

    def test_an_account_is_blocked_once_the_other_owner_has_left(self) -> None:
        decided = rows(situation([OPENING], issued=[review_of(OPENING, reason="several_owners")]))

        assert decided == [("BLOCK", "C1", ACCOUNT, OPENING.uuid, "estate_open")]


class TestOpenedAfterTheRuling:
    @pytest.mark.parametrize(
        ("debtor", "opened_at", "expected"),
        [
            pytest.param(OF_A_PERSON, RULING + DAY, "REVIEW", id="a person's, the day after"),
            pytest.param(OF_A_PERSON, RULING, "BLOCK", id="a person's, on the day"),
            pytest.param(OF_A_PERSON, RULING - DAY, "BLOCK", id="a person's, before"),
            pytest.param(OF_A_PERSON, None, "BLOCK", id="a person's, without a date"),
            pytest.param(OPENING, RULING + DAY, "BLOCK", id="a company's, the day after"),
            pytest.param(
                replace(OF_A_PERSON, ruling_date=None), RULING + DAY, "REVIEW", id="no ruling date: after registration"
            ),
            pytest.param(replace(OF_A_PERSON, ruling_date=None), RULING, "BLOCK", id="no ruling date: the same day"),
        ],
    )
    @pytest.mark.parametrize("via", list(MatchedVia))
    def test_only_a_persons_account_opened_after_the_ruling_goes_to_review(
        self, debtor: Notice, opened_at: dt.date | None, expected: str, via: MatchedVia
    ) -> None:
        accounts = {"C1": [Account(ACCOUNT, "owner", opened_at=opened_at)]}

        decided = rows(situation([debtor], matches=[matched(debtor, via=via)], accounts=accounts))

        reason = {"REVIEW": "opened_after_ruling", "BLOCK": "estate_open"}[expected]
        assert decided == [(expected, "C1", ACCOUNT, debtor.uuid, reason)]

    def test_each_account_is_judged_by_its_own_date(self) -> None:
        accounts = {
            "C1": [
                Account(ACCOUNT, "owner", opened_at=RULING - DAY),
                Account(SECOND_ACCOUNT, "owner", opened_at=RULING + DAY),
            ]
        }

        assert [row[:3] for row in rows(situation([OF_A_PERSON], accounts=accounts))] == [
            ("BLOCK", "C1", ACCOUNT),
            ("REVIEW", "C1", SECOND_ACCOUNT),
        ]

    def test_an_account_opened_between_two_rulings_is_blocked_for_the_later_one_only(self) -> None:
        later = aapning("b", 60 * 24 * 10, PERSON)
        accounts = {"C1": [Account(ACCOUNT, "owner", opened_at=RULING + DAY)]}

        decided = rows(situation([OF_A_PERSON, later], accounts=accounts))

        assert [(row[0], row[3]) for row in decided] == [("REVIEW", OF_A_PERSON.uuid), ("BLOCK", later.uuid)]


class TestNoAccount:
    @pytest.mark.parametrize("accounts", [{}, {"C1": []}], ids=["not in the file", "no rows"])
    def test_a_customer_without_an_account_goes_to_review_as_a_whole(self, accounts: dict[str, list[Account]]) -> None:
        assert rows(situation([OPENING], accounts=accounts)) == [("REVIEW", "C1", None, OPENING.uuid, "no_account")]

    def test_without_an_accounts_file_the_customer_is_blocked_instead(self) -> None:
        assert rows(situation([OPENING], accounts=None)) == [("BLOCK", "C1", None, OPENING.uuid, "estate_open")]

    def test_the_review_of_a_doubtful_match_without_an_account_names_the_doubt(self) -> None:
        doubtful = matched(OPENING, doubt=Doubt.LINKED_UNIT_FORM_UNKNOWN)

        assert [row[4] for row in rows(situation([OPENING], matches=[doubtful], accounts={}))] == [
            "linked_unit_form_unknown"
        ]

    def test_an_account_that_comes_later_is_blocked(self) -> None:
        review = review_of(OPENING, account_no=None, reason="no_account")

        assert rows(situation([OPENING], issued=[review])) == [("BLOCK", "C1", ACCOUNT, OPENING.uuid, "estate_open")]

    @pytest.mark.parametrize(
        "notices", [[OPENING, DELETION], [replace(OPENING, type="oppheving")]], ids=["deleted", "an oppheving"]
    )
    def test_only_an_open_estate_leads_to_a_review_without_an_account(self, notices: Sequence[Notice]) -> None:
        assert "no_account" not in {row[4] for row in rows(situation(notices, accounts={}))}

    def test_the_review_of_a_flawed_opening_names_the_flaw_instead(self) -> None:
        flaws = {OPENING.uuid: "changed_notice"}

        assert [row[4] for row in rows(situation([OPENING], accounts={}, flaws=flaws))] == ["changed_notice"]
