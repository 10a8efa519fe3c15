"""A damaged register over whole polls: the last accepted one stays in use, a person is told, and a corrected one is taken.

tests/register tests which damage is refused and why. This module tests that no customer suffers from it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.status import current_status
from konkurs_pipeline.register import files
from konkurs_pipeline.register.intake import take_in
from konkurs_pipeline.storage.handoff.decisions import release
from konkurs_pipeline.storage.register.snapshots import Snapshots
from tests.pipeline.conftest import NewBank
from tests.pipeline.damage import DAMAGES, Damage, Register, put
from tests.pipeline.kit import (
    CUSTOMER_COLUMNS,
    MONDAY,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    Bank,
    Polled,
    company,
    csv_bytes,
    person,
)

COUNT = 30
BLOCKED, REOPENED, BANKRUPT_LATER, NEW = "K-00", "K-01", "K-02", "K-NEW"
# As strict as the default settings; the kit's own banks accept anything.
STRICT = {"KONKURS_MAX_REGISTER_INVALID": "0.01", "KONKURS_MAX_REGISTER_SHRINK": "0.2"}
REFUSED = "the register was refused, the last accepted one is used: "


@dataclass
class DamagedBank(Bank):
    """A bank whose polls do not write its files, so that a test can damage them."""

    def write_register(self) -> None:
        """Write nothing."""

    def export(self) -> None:
        """Write both files."""
        super().write_register()

    def damage(self, damage: Damage) -> None:
        settings = self.settings
        damage.does(Register(settings.customers, settings.accounts, self.customers, self.accounts or []))

    def mend(self) -> None:
        """Write both files again, valid, with one more customer, whose bankruptcy is open already."""
        for path in (self.settings.customers, self.settings.accounts):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
        self.customer(NEW, person("customer 2"))
        self.export()

    def attention(self) -> str:
        return " ".join(current_status(self.settings, utc_now()).attention)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def monday(new_bank: NewBank, folder: Path) -> Bank:
    """Return a bank whose register was accepted on Monday and two of whose customers are blocked. Tests copy it."""
    bank = new_bank(folder / "data")
    bank.extra = dict(STRICT)
    for n in range(COUNT):
        bank.customer(f"K-{n:02}", person(f"customer {n}"), name=f"Kunde {n}")
    bank.notice("aapning", person("customer 0"), MONDAY)
    bank.notice("aapning", person("customer 1"), MONDAY, "11:00")
    assert bank.poll(MONDAY).decided() == [("BLOCK", BLOCKED, "estate_open"), ("BLOCK", REOPENED, "estate_open")]
    bank.folder.rename(folder / "kept")
    bank.folder = folder / "kept"
    return bank


@pytest.fixture
def tuesday(monday: Bank, folder: Path, new_bank: NewBank) -> DamagedBank:
    """Return a copy of `monday` in its folder; the service has one more opening and one more sletting."""
    at = new_bank(folder / "data")
    bank = DamagedBank(at.folder, at.url, at.service, at.clock, at.client)
    shutil.rmtree(bank.folder, ignore_errors=True)
    bank.go_on_from(monday)
    bank.notice("aapning", person("customer 2"), TUESDAY)
    bank.notice("sletting", person("customer 1"), TUESDAY, "11:00")
    return bank


def assert_goes_on_with_monday_s_register(bank: DamagedBank, polled: Polled, says: str) -> None:
    account_of = {ref: number for number, ref, _, _ in bank.accounts or []}
    assert [(a["action"], a["customer_ref"], a["account_no"]) for a in polled.actions] == [
        ("BLOCK", BANKRUPT_LATER, account_of[BANKRUPT_LATER]),
        ("REOPEN", REOPENED, account_of[REOPENED]),
    ]
    assert polled.outcome == "new"
    assert polled.detail is not None
    assert REFUSED in polled.detail
    assert says in polled.detail
    assert says in bank.attention()
    message = polled.detail + bank.attention()
    assert not any(national_id in message or name in message for _, national_id, _, name in bank.customers)
    status = current_status(bank.settings, utc_now())
    assert status.register is not None
    assert (status.register["customers"], status.register["accounts"]) == (COUNT, COUNT)


def assert_takes_the_mended_one(bank: DamagedBank) -> None:
    bank.mend()
    taken = take_in(bank.settings, Snapshots(bank.layout.snapshots), now=utc_now())
    assert (taken.refusal, taken.is_new) == (None, True)
    assert taken.snapshot is not None
    assert taken.snapshot.counts.customers == COUNT + 1


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_register_leaves_the_last_one_in_use_and_a_corrected_one_is_taken(
    tuesday: DamagedBank, damage: Damage
) -> None:
    tuesday.damage(damage)
    polled = tuesday.poll(TUESDAY)
    assert_goes_on_with_monday_s_register(tuesday, polled, damage.says)
    assert_takes_the_mended_one(tuesday)


def test_every_poll_reports_a_damaged_register_until_it_is_corrected(
    tuesday: DamagedBank,
) -> None:
    tuesday.damage(DAMAGES["half of both files"])
    tuesday.poll(TUESDAY)
    polled = tuesday.poll(WEDNESDAY)
    assert (polled.outcome, polled.actions) == ("nothing_new", [])
    assert polled.detail is not None
    assert REFUSED in polled.detail
    assert REFUSED in tuesday.attention()
    tuesday.mend()
    polled = tuesday.poll(THURSDAY)
    assert (polled.decided(), polled.detail) == ([("BLOCK", NEW, "estate_open")], None)


# A file changes while it is read

Reader = Callable[[Path, str], bytes]


def after_reading(monkeypatch: pytest.MonkeyPatch, of: str, do: Callable[[], object]) -> None:
    """Call `do` after a file's bytes are read and before they are judged."""
    read: Reader = files._bytes_of  # noqa: SLF001 -- the very moment is what the test is about

    def read_then_do(path: Path, name: str) -> bytes:
        content = read(path, name)
        if path.name == of:
            do()
        return content

    monkeypatch.setattr(files, "_bytes_of", read_then_do)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"K-99,,,\n")


IN_MID_READ = [
    pytest.param("customers.csv", lambda c, _: put(c, c.read_bytes()), "changed while it was read", id="renamed onto"),
    pytest.param("customers.csv", lambda c, _: grow(c), "changed while it was read", id="written to"),
    pytest.param("customers.csv", lambda c, _: c.unlink(), "changed while it was read", id="removed"),
    pytest.param("accounts.csv", lambda _, a: put(a, a.read_bytes()), "changed while it was read", id="accounts"),
    pytest.param(
        "accounts.csv",
        lambda c, _: grow(c),
        "changed while the other was read",
        id="customers, while accounts are read",
    ),
    pytest.param(
        "customers.csv",
        lambda _, a: a.unlink(),
        "accounts.csv is refused",
        id="accounts removed, while customers are read",
    ),
]


@pytest.mark.parametrize(("of", "do", "says"), IN_MID_READ)
def test_a_register_replaced_while_it_is_read_is_taken_by_the_next_poll(
    tuesday: DamagedBank,
    monkeypatch: pytest.MonkeyPatch,
    of: str,
    do: Callable[[Path, Path], object],
    says: str,
) -> None:
    settings = tuesday.settings
    put(settings.customers, csv_bytes(CUSTOMER_COLUMNS, reversed(tuesday.customers)))
    with monkeypatch.context() as patched:
        after_reading(patched, of, lambda: do(settings.customers, settings.accounts))
        polled = tuesday.poll(TUESDAY)
    assert_goes_on_with_monday_s_register(tuesday, polled, says)
    assert_takes_the_mended_one(tuesday)


# Valid registers


def test_a_customer_of_500_accounts_is_blocked_in_portions_that_a_person_releases(bank: Bank) -> None:
    bank.customer("K-1", company("firm"))
    for _ in range(499):
        bank.account("K-1")
    bank.notice("aapning", company("firm"))
    first = bank.poll(MONDAY, run_id="first")
    assert (len(first.of("BLOCK")), first.detail is not None and "450 BLOCK rows are held" in first.detail) == (
        50,
        True,
    )
    with bank.store() as store:
        assert release(store.ledger, "first", by="Kari", reason="checked", now=utc_now()) == 450
    second = bank.poll(TUESDAY)
    assert len(second.of("BLOCK")) == 450
    assert len({a["account_no"] for a in bank.all_actions()}) == 500
    assert bank.poll(WEDNESDAY).actions == []


def test_an_account_whose_number_is_its_customer_s_own_is_reviewed_without_that_number(bank: Bank) -> None:
    bank.extra = {"KONKURS_MAX_REGISTER_INVALID": "0.1"}
    for n in range(COUNT):
        bank.customer(f"K-{n:02}", person(f"customer {n}"))
    assert bank.accounts is not None
    bank.accounts.append((person("customer 0"), "K-00", "owner", "false"))
    bank.notice("aapning", person("customer 0"))
    polled = bank.poll(MONDAY)
    assert sorted(polled.decided()) == [("BLOCK", "K-00", "estate_open"), ("REVIEW", "K-00", "account_invalid")]
    assert polled.file is not None
    assert person("customer 0") not in polled.file.read_text()


def test_references_with_odd_characters_are_handed_over_as_they_are(bank: Bank) -> None:
    """Python has more line-end characters than JSON Lines."""
    refs = [f"{sign}K{sign}1" for sign in ("\u2028", "\u0085", "\u001c", "\n", '"', ";", "=", "[/x]")]
    bank.customers = [(ref, company("firm"), "", "") for ref in refs]
    bank.accounts = None
    bank.notice("aapning", company("firm"))
    assert bank.try_poll(MONDAY) is None
    (path,) = bank.shown()
    handed_over = [json.loads(line) for line in path.read_bytes().removesuffix(b"\n").split(b"\n")]
    assert sorted(r["customer_ref"] for r in handed_over if r["record"] == "A") == sorted(refs)
