"""References that contain the customer's own number: many of them refuse the file, single ones never reach the outbox."""

from __future__ import annotations

import pytest

from konkurs_pipeline.storage.register.accepted import Snapshot
from tests.pipeline.conftest import NewBank, _one_attempt_each, new_bank
from tests.pipeline.kit import MONDAY, company, person
from tests.register.bank import BRREG_COMPANY, BRREG_PERSON, BRREG_PERSON_TOO, Bank, account_numbers, customer_rows

__all__ = ["_one_attempt_each", "new_bank"]

HOLDING = {
    "the number itself": BRREG_PERSON,
    "a letter before it": f"K{BRREG_PERSON}",
    "a number after it": f"{BRREG_PERSON}-1",
    "a space in it": f"K {BRREG_PERSON[:6]} {BRREG_PERSON[6:]}",
    "a no-break space in it": f"{BRREG_PERSON[:6]}\u00a0{BRREG_PERSON[6:]}",
    "dots in it": f"{BRREG_PERSON[:2]}.{BRREG_PERSON[2:4]}.{BRREG_PERSON[4:6]}.{BRREG_PERSON[6:]}",
    "its zero lost": f"K{BRREG_PERSON.lstrip('0')}",
    "digits around it": f"1{BRREG_PERSON}1",
    "a former number": f"K{BRREG_PERSON_TOO}",
}


def taken(bank: Bank, ref: str, count: int = 200) -> Snapshot | None:
    bank.write_customers([*customer_rows(count), (ref, BRREG_PERSON, BRREG_PERSON_TOO, "")])
    number = account_numbers(count + 1)[count]
    bank.write_accounts([(number, ref, "owner", "false"), (account_numbers(1)[0], "C00000", "owner", "false")])
    return bank.take_in().snapshot


@pytest.mark.parametrize("ref", HOLDING.values(), ids=HOLDING)
def test_a_single_reference_that_holds_the_number_is_withheld_and_its_customer_flagged(bank: Bank, ref: str) -> None:
    snapshot = taken(bank, ref)

    assert snapshot is not None
    (found,) = snapshot.customers_with([BRREG_PERSON]).to_dicts()
    assert found["customer_ref"].startswith("withheld-")
    assert found["is_flagged"]
    accounts = snapshot.accounts_of([found["customer_ref"]])
    assert accounts is not None
    assert accounts.height == 1, "its accounts have the same stand-in"
    assert snapshot.facts.n_withheld == 1
    digits = "".join(letter for letter in found["customer_ref"] if letter.isdecimal())
    assert BRREG_PERSON.lstrip("0") not in digits


def test_the_same_reference_has_the_same_stand_in_in_the_next_register(bank: Bank) -> None:
    first, second = taken(bank, f"K{BRREG_PERSON}"), taken(bank, f"K{BRREG_PERSON}", count=201)

    assert first is not None
    assert second is not None
    assert first.id != second.id
    stand_ins = {one.customers_with([BRREG_PERSON])["customer_ref"].item() for one in (first, second)}
    assert len(stand_ins) == 1


@pytest.mark.parametrize("ref", HOLDING.values(), ids=HOLDING)
def test_a_file_with_more_such_references_than_the_limit_is_refused(bank: Bank, ref: str) -> None:
    bank.write_customers([*customer_rows(20), (ref, BRREG_PERSON, BRREG_PERSON_TOO, "")])

    refusal = bank.take_in().refusal or ""

    assert "customer_ref holds the customer's own national identity number in 1 of 21 rows" in refusal
    assert BRREG_PERSON not in refusal


@pytest.mark.parametrize("ref", ["K-1001", "910425464", "12345678901", BRREG_PERSON_TOO[:8], ""[:0] or "C-00000001"])
def test_any_other_reference_is_kept(bank: Bank, ref: str) -> None:
    bank.write_customers([(ref, BRREG_COMPANY, "", ""), *customer_rows(5)])

    snapshot = bank.take_in().snapshot

    assert snapshot is not None
    assert snapshot.customers_with([BRREG_COMPANY])["customer_ref"].to_list() == [ref]


def test_no_file_for_core_banking_holds_the_reference_and_its_customer_gets_a_review(
    new_bank: NewBank, bank: Bank
) -> None:
    story = new_bank(bank.folder / "story")
    somebody = person("somebody")
    story.customer("K-1", company("firm"))
    story.customer(f"K{somebody}", somebody)
    story.notice("aapning", somebody)
    story.notice("aapning", company("firm"))

    polled = story.poll(MONDAY)

    assert {(a["action"], a["customer_ref"][:9], a["account_no"] is None) for a in polled.actions} == {
        ("BLOCK", "K-1", False),
        ("REVIEW", "withheld-", True),
    }
    for path in story.settings.outbox_dir.iterdir():
        assert somebody.encode() not in path.read_bytes()
