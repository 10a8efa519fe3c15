"""The rows that core banking gets, case by case (docs/outbox.md): openings, slettinger, accounts, customers."""

from __future__ import annotations

import pytest

from konkurs_pipeline.brreg.simulator.population import random_fnr_2032, random_synthetic_dnr, seeded
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, company, damaged, person

FIRM = company("firm")


def test_an_opening_blocks_each_account_the_debtor_owns(bank: Bank) -> None:
    first = bank.customer("K-1", FIRM)
    second = bank.account("K-1")
    bank.customer("K-2", company("another"))
    notice = bank.notice("aapning", FIRM)
    polled = bank.poll(MONDAY)
    assert polled.outcome == "new"
    assert {(a["action"], a["account_no"]) for a in polled.actions} == {("BLOCK", first), ("BLOCK", second)}
    assert all(
        (a["notice_uuid"], a["matched_via"], a["reason"], a["caused_by"])
        == (notice.uuid, "debtor", "estate_open", None)
        for a in polled.actions
    )


def test_a_sletting_reopens_only_what_its_opening_blocked(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.customer("K-2", company("another"))
    bank.notice("aapning", FIRM)
    bank.notice("aapning", company("another"))
    blocks = {a["customer_ref"]: a for a in bank.poll(MONDAY).of("BLOCK")}
    opened_later = bank.account("K-1", "co_owner")
    sletting = bank.notice("sletting", FIRM, TUESDAY)
    polled = bank.poll(TUESDAY)
    (reopen,) = polled.of("REOPEN")
    assert (reopen["caused_by"], reopen["notice_uuid"]) == (blocks["K-1"]["action_id"], sletting.uuid)
    assert opened_later not in {a["account_no"] for a in polled.actions}


def test_a_sletting_registered_before_its_opening_leaves_the_opening_standing(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("sletting", FIRM, MONDAY, "09:00")
    bank.notice("aapning", FIRM, MONDAY, "10:00")
    assert bank.poll(MONDAY).decided() == [
        ("REVIEW", "K-1", "sletting_without_opening"),
        ("BLOCK", "K-1", "estate_open"),
    ]


def test_an_opening_and_its_sletting_in_the_same_answer_block_nobody(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM, MONDAY, "09:00")
    bank.notice("sletting", FIRM, MONDAY, "09:10")
    assert bank.poll(MONDAY).actions == []


def test_a_sletting_that_arrives_before_its_opening_gives_a_review_and_the_opening_no_block(
    bank: Bank,
) -> None:
    bank.customer("K-1", FIRM)
    late = bank.notice("aapning", FIRM, MONDAY, "09:00")
    bank.serve([])
    bank.notice("sletting", FIRM, MONDAY, "12:00", uid="00000000-0000-4000-8000-000000000001")
    first = bank.poll(MONDAY)
    assert first.decided() == [("REVIEW", "K-1", "sletting_without_opening")]
    bank.serve([late, *bank.notices])
    assert bank.poll(TUESDAY).actions == []
    assert bank.states() == {late.uuid: "deleted"}


def test_a_sletting_deletes_the_latest_of_two_openings_and_the_other_stays_open(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    first = bank.notice("aapning", FIRM, MONDAY, "09:00")
    second = bank.notice("aapning", FIRM, MONDAY, "10:00")
    assert [a["notice_uuid"] for a in bank.poll(MONDAY).of("BLOCK")] == [first.uuid, second.uuid]
    bank.notice("sletting", FIRM, TUESDAY)
    assert bank.poll(TUESDAY).decided() == [("REVIEW", "K-1", "other_estate_open")]
    assert bank.states() == {first.uuid: "open", second.uuid: "deleted"}


def test_when_both_openings_are_deleted_both_blocks_are_reopened(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM, MONDAY, "09:00")
    bank.notice("aapning", FIRM, MONDAY, "10:00")
    blocks = {a["action_id"] for a in bank.poll(MONDAY).of("BLOCK")}
    bank.notice("sletting", FIRM, TUESDAY, "09:00")
    bank.notice("sletting", FIRM, TUESDAY, "10:00")
    assert {a["caused_by"] for a in bank.poll(TUESDAY).of("REOPEN")} == blocks


def test_an_opening_after_a_sletting_blocks_again(bank: Bank) -> None:
    account = bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM, MONDAY)
    bank.poll(MONDAY)
    bank.notice("sletting", FIRM, TUESDAY)
    bank.poll(TUESDAY)
    bank.notice("aapning", FIRM, WEDNESDAY)
    bank.poll(WEDNESDAY)
    assert [(a["action"], a["account_no"]) for a in bank.all_actions()] == [
        ("BLOCK", account),
        ("REOPEN", account),
        ("BLOCK", account),
    ]
    assert len({a["action_id"] for a in bank.all_actions()}) == 3


@pytest.mark.parametrize(
    ("kind", "then"),
    [
        ("oppheving", ("REVIEW", "K-1", "oppheving")),
        ("avslutning", ("INFORM", "K-1", "avslutning")),
    ],
)
def test_an_ending_other_than_a_sletting_never_reopens(bank: Bank, kind: str, then: tuple[str, str, str]) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM)
    bank.poll(MONDAY)
    bank.notice(kind, FIRM, TUESDAY)
    assert bank.poll(TUESDAY).decided() == [then]
    assert bank.poll(WEDNESDAY).actions == [], "the row is written once"


def test_a_sletting_after_an_oppheving_reopens_what_the_opening_blocked(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM)
    bank.poll(MONDAY)
    bank.notice("oppheving", FIRM, TUESDAY, "09:00")
    bank.notice("sletting", FIRM, TUESDAY, "10:00")
    assert bank.poll(TUESDAY).decided() == [("REVIEW", "K-1", "oppheving"), ("REOPEN", "K-1", "opening_deleted")]


# Accounts


def test_an_account_that_the_bank_had_blocked_itself_is_not_reopened(bank: Bank) -> None:
    free = bank.customer("K-1", FIRM)
    blocked_before = bank.account("K-1", is_blocked="true")
    bank.notice("aapning", FIRM)
    assert {a["account_no"] for a in bank.poll(MONDAY).of("BLOCK")} == {free, blocked_before}
    # Core banking has carried the BLOCK out. The register now shows both as blocked, which must not count.
    bank.accounts = [(number, ref, relation, "true") for number, ref, relation, _ in bank.accounts or []]
    bank.notice("sletting", FIRM, TUESDAY)
    polled = bank.poll(TUESDAY)
    assert {(a["action"], a["account_no"], a["reason"]) for a in polled.actions} == {
        ("REOPEN", free, "opening_deleted"),
        ("REVIEW", blocked_before, "blocked_before"),
    }


@pytest.mark.parametrize(
    ("relation", "action", "reason"),
    [
        ("owner", "BLOCK", "estate_open"),
        ("co_owner", "REVIEW", "co_owned_account"),
        ("disponent", "REVIEW", "disponent_account"),
    ],
)
def test_only_what_the_debtor_owns_alone_is_blocked(bank: Bank, relation: str, action: str, reason: str) -> None:
    bank.customers.append(("K-1", FIRM, "", ""))
    number = bank.account("K-1", relation)
    bank.notice("aapning", FIRM)
    polled = bank.poll(MONDAY)
    assert [(a["action"], a["account_no"], a["reason"]) for a in polled.actions] == [(action, number, reason)]


def test_without_a_file_of_accounts_the_customer_as_a_whole_is_blocked_and_reopened(bank: Bank) -> None:
    bank.accounts = None
    bank.customers.append(("K-1", FIRM, "", ""))
    bank.notice("aapning", FIRM)
    (block,) = bank.poll(MONDAY).actions
    assert (block["action"], block["account_no"]) == ("BLOCK", None)
    bank.notice("sletting", FIRM, TUESDAY)
    (reopen,) = bank.poll(TUESDAY).actions
    assert (reopen["action"], reopen["account_no"], reopen["caused_by"]) == ("REOPEN", None, block["action_id"])


def test_a_customer_added_after_the_opening_is_blocked_by_the_next_poll(bank: Bank) -> None:
    bank.customer("K-OTHER", company("another"))
    bank.notice("aapning", FIRM)
    assert bank.poll(MONDAY).actions == []
    account = bank.customer("K-NEW", FIRM)
    (block,) = bank.poll(TUESDAY).actions
    assert (block["action"], block["customer_ref"], block["account_no"]) == ("BLOCK", "K-NEW", account)


def test_an_account_opened_after_the_opening_is_blocked_by_the_next_poll(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM)
    bank.poll(MONDAY)
    account = bank.account("K-1")
    assert [(a["action"], a["account_no"]) for a in bank.poll(TUESDAY).actions] == [("BLOCK", account)]


def test_a_customer_added_after_the_estate_ended_is_not_blocked(bank: Bank) -> None:
    bank.customer("K-OTHER", company("another"))
    bank.notice("aapning", FIRM, MONDAY, "09:00")
    bank.notice("avslutning", FIRM, MONDAY, "10:00")
    bank.poll(MONDAY)
    bank.customer("K-NEW", FIRM)
    assert bank.poll(TUESDAY).of("BLOCK") == []


def test_a_customer_who_left_is_reopened(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.customer("K-OTHER", company("another"))
    bank.notice("aapning", FIRM)
    (block,) = bank.poll(MONDAY).actions
    bank.customers = bank.customers[1:]
    assert bank.accounts is not None
    bank.accounts = bank.accounts[1:]
    bank.notice("sletting", FIRM, TUESDAY)
    assert [a["caused_by"] for a in bank.poll(TUESDAY).of("REOPEN")] == [block["action_id"]]


# Identifiers


def test_a_d_number_in_the_notice_finds_the_customer_who_has_it_as_former_id(bank: Bank) -> None:
    before = random_synthetic_dnr(seeded("before"))
    account = bank.customer("K-1", person("now"), former=before)
    bank.notice("aapning", before)
    (block,) = bank.poll(MONDAY).actions
    assert (block["action"], block["account_no"], block["matched_via"]) == ("BLOCK", account, "former_id")


def test_a_number_of_the_rule_of_2032_is_a_person_like_any_other(bank: Bank) -> None:
    debtor = random_fnr_2032(seeded("2032"))
    bank.customer("K-1", debtor)
    bank.notice("aapning", debtor)
    assert bank.poll(MONDAY).decided() == [("BLOCK", "K-1", "estate_open")]
    assert bank.open_quarantine() == []


def test_a_debtor_whose_number_fails_its_check_gives_a_review_and_never_a_block(bank: Bank) -> None:
    debtor = damaged(person("damaged"))
    bank.customer("K-1", debtor)
    bank.notice("aapning", debtor)
    polled = bank.poll(MONDAY)
    assert [(a["action"], a["customer_ref"]) for a in polled.actions] == [("REVIEW", "K-1")]
    assert bank.open_quarantine() == ["invalid_debtor"]
    assert bank.poll(TUESDAY).actions == [], "the REVIEW is written once"


def test_a_customer_whose_number_fails_its_check_leads_to_a_review(bank: Bank) -> None:
    debtor = company("sound")
    bank.customer("K-1", company("good"), former=damaged(debtor))
    bank.notice("aapning", damaged(debtor))
    assert bank.poll(MONDAY).of("BLOCK") == []


def test_the_lost_leading_zero_is_not_repaired(bank: Bank) -> None:
    bank.customer("K-1", "8086001471")
    bank.customer("K-2", company("another"))
    bank.notice("aapning", "08086001471")
    assert bank.poll(MONDAY).actions == []


# What is not understood


def test_an_unknown_type_gives_a_review_and_stands_in_quarantine(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("gjenaapning", FIRM)
    polled = bank.poll(MONDAY)
    assert polled.decided() == [("REVIEW", "K-1", "unknown_type")]
    assert bank.open_quarantine() == ["unknown_type"]
    assert polled.detail is not None
    assert "quarantine" in polled.detail


def test_an_unknown_type_does_not_change_the_block_of_its_debtor_s_opening(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM, MONDAY, "09:00")
    bank.notice("gjenaapning", FIRM, MONDAY, "10:00")
    assert bank.poll(MONDAY).decided() == [("BLOCK", "K-1", "estate_open"), ("REVIEW", "K-1", "unknown_type")]


def test_a_changed_notice_gives_reviews_to_the_customers_of_both_versions_and_the_first_counts(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.customer("K-2", company("another"))
    first = bank.notice("aapning", FIRM)
    assert bank.poll(MONDAY).decided() == [("BLOCK", "K-1", "estate_open")]
    bank.serve([])
    bank.notice("aapning", company("another"), uid=first.uuid)
    assert bank.poll(TUESDAY).decided() == [("REVIEW", "K-1", "changed_notice"), ("REVIEW", "K-2", "changed_notice")]
    assert bank.open_quarantine() == ["changed_notice"]
    assert bank.published("raw_notices")["debtor_id"].to_list() == [FIRM]


def test_a_changed_notice_gives_only_reviews_to_a_customer_whose_number_fails_its_check(
    bank: Bank,
) -> None:
    bank.customer("K-2", damaged(company("sound")), former=company("another"))
    first = bank.notice("aapning", FIRM)
    bank.poll(MONDAY)
    bank.serve([])
    bank.notice("aapning", company("another"), uid=first.uuid)
    assert bank.poll(TUESDAY).decided() == [("REVIEW", "K-2", "changed_notice")]
    bank.notice("avslutning", FIRM, WEDNESDAY)
    assert bank.poll(WEDNESDAY).decided() == [("REVIEW", "K-2", "customer_identifier_invalid")]


def test_a_changed_opening_blocks_no_new_customer_until_it_is_as_before(bank: Bank) -> None:
    bank.customer("K-2", company("another"))
    first = bank.notice("aapning", FIRM)
    bank.poll(MONDAY)
    bank.serve([])
    bank.notice("aapning", company("third"), uid=first.uuid)
    bank.customer("K-1", FIRM)
    assert bank.poll(TUESDAY).decided() == [("REVIEW", "K-1", "changed_notice")]
    bank.serve([first])
    assert bank.poll(WEDNESDAY).decided() == [("BLOCK", "K-1", "estate_open")]
    assert bank.open_quarantine() == []


def test_rows_stand_in_the_order_of_the_notices_for_any_order_of_arrival(bank: Bank) -> None:
    for n in range(3):
        bank.customer(f"K-{n}", company(f"firm {n}"))
    notices = [bank.notice("aapning", company(f"firm {n}"), MONDAY, f"{12 - n}:00") for n in range(3)]
    polled = bank.poll(MONDAY)
    assert [a["notice_uuid"] for a in polled.actions] == [notice.uuid for notice in reversed(notices)]
    assert [a["n"] for a in polled.actions] == [1, 2, 3]
