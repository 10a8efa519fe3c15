"""Values in other spellings: an unambiguous value is read, any other stays unchanged and is reported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.onboarding import doctor
from konkurs_pipeline.register.spelling import former_ids_in
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.register.accepted import Snapshot
from tests.register.bank import (
    BRREG_COMPANY,
    BRREG_PERSON,
    BRREG_PERSON_TOO,
    Bank,
    Row,
    account_numbers,
    account_rows,
    customer_rows,
)

LAX = {"KONKURS_MAX_REGISTER_INVALID": "1"}
NO_BREAK, NARROW = "\u00a0", "\u202f"


def taken(bank: Bank, customers: Sequence[Row], accounts: Sequence[Row] = ()) -> Snapshot:
    bank.write_customers(customers)
    bank.write_accounts(accounts or [(account_numbers(1)[0], customers[0][0], "owner", "")])
    snapshot = bank.take_in(**LAX).snapshot
    assert snapshot is not None
    return snapshot


@pytest.mark.parametrize(
    "spelled",
    [
        f" {BRREG_PERSON}",
        f"{BRREG_PERSON}{NO_BREAK}",
        f"{BRREG_PERSON[:6]} {BRREG_PERSON[6:]}",
        f"{BRREG_PERSON[:6]}{NO_BREAK}{BRREG_PERSON[6:]}",
        f"{BRREG_PERSON[:6]}{NARROW}{BRREG_PERSON[6:]}",
        f"{BRREG_PERSON[:6]}-{BRREG_PERSON[6:]}",
        f"{BRREG_PERSON[:2]}.{BRREG_PERSON[2:4]}.{BRREG_PERSON[4:6]} {BRREG_PERSON[6:]}",
        f"\ufeff{BRREG_PERSON}\u200b",
        f"\t{BRREG_PERSON}",
    ],
    ids=ascii,
)
def test_a_number_is_found_with_any_separators_between_its_digits(bank: Bank, spelled: str) -> None:
    snapshot = taken(bank, [("C1", spelled, "", ""), ("C2", BRREG_COMPANY, spelled, "")])

    assert snapshot.customers_with([BRREG_PERSON]).select("customer_ref", "is_flagged").rows() == [
        ("C1", False),
        ("C2", False),
    ]
    assert (snapshot.facts.n_respelled, snapshot.facts.n_unread_former_ids) == (2, 0)
    assert snapshot.counts.flagged_customers == 0


def test_an_orgnr_in_groups_of_three_is_found(bank: Bank) -> None:
    snapshot = taken(bank, [("C1", "910 425 463", "", "")])

    assert snapshot.customers_with([BRREG_COMPANY])["customer_ref"].to_list() == ["C1"]


@pytest.mark.parametrize("damaged", ["8086001471", "08086001472", "080860 01472", "O8086001471", "08086001471.0"])
def test_a_damaged_number_is_not_repaired(bank: Bank, damaged: str) -> None:
    snapshot = taken(bank, [("C1", damaged, "", "")])

    assert snapshot.customers_with([damaged])["is_flagged"].to_list() == [True], "it is kept unchanged"
    assert snapshot.customers_with([BRREG_PERSON]).is_empty()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        pytest.param(f"{BRREG_PERSON} {BRREG_COMPANY}", [BRREG_PERSON, BRREG_COMPANY], id="as the contract says"),
        pytest.param(f"{BRREG_PERSON}{NO_BREAK}{BRREG_COMPANY}", [BRREG_PERSON, BRREG_COMPANY], id="a no-break space"),
        pytest.param(f"{BRREG_PERSON},{BRREG_COMPANY}", [BRREG_PERSON, BRREG_COMPANY], id="a comma"),
        pytest.param(f"{BRREG_PERSON}; {BRREG_COMPANY}", [BRREG_PERSON, BRREG_COMPANY], id="a semicolon"),
        pytest.param(f"{BRREG_PERSON}\n{BRREG_COMPANY}", [BRREG_PERSON, BRREG_COMPANY], id="a line end"),
        pytest.param("080860 01471 910 425 463", [BRREG_PERSON, BRREG_COMPANY], id="two numbers with spaces"),
        pytest.param("080860-01471 910.425.463", [BRREG_PERSON, BRREG_COMPANY], id="two numbers with separators"),
        pytest.param(f"{BRREG_PERSON_TOO} 080860 01471", [BRREG_PERSON_TOO, BRREG_PERSON], id="one of each kind"),
        pytest.param(f"{BRREG_PERSON} 123", [BRREG_PERSON, "123"], id="an unreadable one beside a readable one"),
        pytest.param("080860 x 01471", ["080860", "x", "01471"], id="pieces with separators"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_every_former_id_is_read_and_other_text_stays(text: str, numbers: list[str]) -> None:
    assert former_ids_in(text, synthetic_allowed=False).split() == numbers


@given(st.lists(st.sampled_from([BRREG_PERSON, BRREG_PERSON_TOO, BRREG_COMPANY]), max_size=4), st.data())
def test_numbers_that_are_written_with_spaces_are_all_read(numbers: list[str], data: st.DataObject) -> None:
    blank = st.sampled_from([" ", NO_BREAK, NARROW, "  "])
    cut = {9: [3, 6], 11: [6]}
    spelled = [
        data.draw(blank).join(
            number[a:b] for a, b in zip([0, *cut[len(number)]], [*cut[len(number)], None], strict=True)
        )
        for number in numbers
    ]

    assert former_ids_in(" ".join(spelled), synthetic_allowed=False).split() == numbers


def test_a_former_id_that_cannot_be_read_does_not_vanish(bank: Bank) -> None:
    """Such a text matches nobody, so somebody must be told."""
    rows = [*customer_rows(200), ("K-7", BRREG_COMPANY, f"{BRREG_PERSON} 12345", "")]
    bank.write_customers(rows)
    bank.write_accounts(account_rows(200))

    snapshot = bank.take_in().snapshot

    assert snapshot is not None
    assert snapshot.facts.n_unread_former_ids == 1
    assert snapshot.customers_with([BRREG_PERSON])["customer_ref"].to_list() == ["K-7"]
    settings = load_settings(bank.environ, dotenv=bank.folder / "none")
    lines = {one.what: one for one in doctor._register(settings, utc_now())}  # noqa: SLF001 -- only its checks of the register
    assert lines["former_ids"].level is doctor.Level.WARNING
    assert "1 entries are no identifier" in lines["former_ids"].message
    assert "K-7" in lines["former_ids"].message


def test_the_doctor_says_how_many_values_are_spelled_otherwise(bank: Bank) -> None:
    bank.write_customers([("C1", "910 425 463", "", "")])
    settings = load_settings(bank.environ, dotenv=Path("none"))

    lines = {one.what: one.message for one in doctor._register(settings, utc_now())}  # noqa: SLF001 -- as above

    assert lines["spelling"].startswith("1 values have spaces")
    assert BRREG_COMPANY not in str(lines)


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        pytest.param(("9710.00.00004", "C1", " Owner", "TRUE "), ("owner", True), id="words in other cases"),
        pytest.param(("9710 00 00004", "C1", "CO_OWNER", " false"), ("co_owner", False), id="words with blanks"),
    ],
)
def test_an_account_is_read_in_any_spelling(bank: Bank, row: Row, kept: tuple[str, bool]) -> None:
    number = account_numbers(1)[0]
    spelled = (f"{number[:4]}{row[0][4]}{number[4:6]}{row[0][7]}{number[6:]}", *row[1:])

    snapshot = taken(bank, [("C1", BRREG_COMPANY, "", "")], [spelled])

    accounts = snapshot.accounts_of(["C1"])
    assert accounts is not None
    assert accounts.select("account_no", "relation", "is_blocked", "is_flagged").rows() == [(number, *kept, False)]
