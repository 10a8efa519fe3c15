from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import polars as pl
import pytest

from konkurs_pipeline.register import intake
from konkurs_pipeline.register.files import RegisterFile, RegisterKind, read_register_file
from konkurs_pipeline.storage.register import snapshots
from tests.register.bank import NOW, Bank, account_numbers, account_rows, customer_rows, synthetic_people

TOMORROW = NOW + dt.timedelta(days=1)


def fill(bank: Bank, count: int = 20) -> None:
    bank.write_customers(customer_rows(count))
    bank.write_accounts(account_rows(count))


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> None:
        pytest.fail("a register file was read")

    monkeypatch.setattr(intake, "read_register_file", read)


def test_a_first_register_is_accepted(bank: Bank) -> None:
    fill(bank)

    taken = bank.take_in()

    assert (taken.refusal, taken.is_new) == (None, True)
    assert taken.snapshot is not None
    assert taken.snapshot.accepted_at == NOW
    assert (taken.snapshot.counts.customers, taken.snapshot.counts.accounts) == (20, 20)
    assert bank.snapshots.current() == taken.snapshot


def test_unchanged_files_are_not_read_again(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(bank)
    first = bank.take_in()
    forbid_reading(monkeypatch)

    again = bank.take_in()

    assert (again.snapshot, again.refusal, again.is_new) == (first.snapshot, None, False)


def test_the_same_bytes_in_a_new_file_are_the_same_snapshot_accepted_again(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bank)
    first = bank.take_in().snapshot
    assert first is not None
    fill(bank)

    bank.now = TOMORROW
    again = bank.take_in()

    assert again.snapshot is not None
    assert (again.snapshot.id, again.snapshot.accepted_at, again.is_new) == (first.id, TOMORROW, False)
    assert again.snapshot.facts.customers_file != first.facts.customers_file
    forbid_reading(monkeypatch)
    assert bank.take_in().snapshot == again.snapshot


def test_a_snapshot_that_cut_long_lists_of_owners_without_a_mark_is_made_again(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Form 2 named only twenty owners of an account, so a bankruptcy of those twenty would have blocked it."""
    fill(bank)
    with monkeypatch.context() as before:
        for module in (intake, snapshots):
            before.setattr(module, "FORM", 2)
        first = bank.take_in().snapshot
    assert first is not None
    bank.now = TOMORROW

    again = bank.take_in().snapshot

    assert again is not None
    assert (again.form, again.id, again.accepted_at) == (3, first.id, NOW)


def test_a_file_touched_in_place_is_read_again(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Size, inode and modification time are the same. Only the change time differs."""
    fill(bank)
    bank.take_in()
    before = bank.accounts.stat()
    bank.accounts.write_bytes(bank.accounts.read_bytes().replace(b"C00001,owner,false", b"C00001,owner,TRUE "))
    os.utime(bank.accounts, ns=(before.st_atime_ns, before.st_mtime_ns))
    reads = []

    def read(path: Path, kind: RegisterKind) -> RegisterFile:
        reads.append(kind)
        return read_register_file(path, kind)

    monkeypatch.setattr(intake, "read_register_file", read)

    bank.take_in()

    assert len(reads) == 2


def test_a_changed_register_replaces_the_last(bank: Bank) -> None:
    fill(bank)
    first = bank.take_in().snapshot
    fill(bank, 25)

    second = bank.take_in()

    assert second.is_new
    assert second.snapshot is not None
    assert first is not None
    assert second.snapshot.id != first.id
    assert second.snapshot.counts.customers == 25


def test_a_flagged_row_is_taken_in_below_the_limit(bank: Bank) -> None:
    bank.write_customers([*customer_rows(100), ("X1", "123", "", "")])

    snapshot = bank.take_in().snapshot

    assert snapshot is not None
    assert snapshot.counts.flagged_customers == 1
    assert snapshot.customers_with(["123"]).rows() == [("123", "X1", False, True)]


@pytest.mark.parametrize(
    ("count", "is_refused"), [(16, False), (15, True)], ids=["a fifth less", "more than a fifth less"]
)
def test_a_shrunk_register_leaves_the_last_one_in_use(bank: Bank, count: int, is_refused: bool) -> None:  # noqa: FBT001 - a case's value
    fill(bank)
    last = bank.take_in().snapshot
    fill(bank, count)

    taken = bank.take_in()

    assert (taken.snapshot == last, taken.refusal is not None) == (is_refused, is_refused)


def test_accounts_that_lost_their_customers_count_as_shrunk(bank: Bank) -> None:
    fill(bank)
    bank.take_in()
    bank.write_accounts([*account_rows(12), *((n, "GONE", "owner", "") for n in account_numbers(30)[22:])])

    assert "accounts.csv is refused: it shrank from 20 to 12 rows" in str(bank.take_in().refusal)


def test_a_shrunk_register_is_taken_under_a_higher_limit(bank: Bank) -> None:
    fill(bank)
    bank.take_in()
    fill(bank, 3)

    assert bank.take_in(KONKURS_MAX_REGISTER_SHRINK="0.9").is_new


def test_the_next_run_judges_a_refused_register_again(bank: Bank) -> None:
    fill(bank)
    last = bank.take_in().snapshot
    bank.write_customers([])

    refusals = [bank.take_in() for _ in range(2)]

    assert [taken.refusal is not None and "no rows" in taken.refusal for taken in refusals] == [True, True]
    assert [taken.snapshot for taken in refusals] == [last, last]
    fill(bank, 21)
    assert bank.take_in().is_new


def test_without_an_accepted_register_a_refusal_leaves_none(bank: Bank) -> None:
    taken = bank.take_in()

    assert (taken.snapshot, taken.is_new) == (None, False)
    assert "customers.csv is refused: it is not there" in str(taken.refusal)


def test_missing_customers_leave_the_last_register_in_use(bank: Bank) -> None:
    fill(bank)
    last = bank.take_in().snapshot
    bank.customers.unlink()

    taken = bank.take_in()

    assert taken.snapshot == last
    assert "not there" in str(taken.refusal)


def test_a_bank_may_give_no_accounts(bank: Bank) -> None:
    bank.write_customers(customer_rows(3))

    snapshot = bank.take_in().snapshot

    assert snapshot is not None
    assert (snapshot.has_accounts, snapshot.accounts_of(["C00001"])) == (False, None)


def test_a_vanished_accounts_file_counts_as_shrunk_to_zero(bank: Bank) -> None:
    fill(bank)
    last = bank.take_in().snapshot
    bank.accounts.unlink()

    taken = bank.take_in()

    assert taken.snapshot == last
    assert "accounts.csv is refused: it is not there, and was with 20 accounts" in str(taken.refusal)
    assert bank.take_in(KONKURS_MAX_REGISTER_SHRINK="1").is_new


def test_accounts_may_be_given_later(bank: Bank) -> None:
    bank.write_customers(customer_rows(20))
    bank.take_in()
    bank.write_accounts(account_rows(20))

    taken = bank.take_in()

    assert taken.is_new
    assert taken.snapshot is not None
    assert taken.snapshot.counts.accounts == 20


def test_a_refused_accounts_file_refuses_the_customers_beside_it(bank: Bank) -> None:
    fill(bank)
    last = bank.take_in().snapshot
    fill(bank, 25)
    bank.write_accounts([])

    taken = bank.take_in()

    assert taken.snapshot == last
    assert taken.refusal is not None


def test_one_file_may_be_parquet_and_the_other_csv(bank: Bank) -> None:
    fill(bank)
    parquet = Path(bank.customers.with_suffix(".parquet"))
    pl.read_csv(bank.customers, infer_schema=False).write_parquet(parquet)

    snapshot = bank.take_in(KONKURS_CUSTOMERS=str(parquet)).snapshot

    assert snapshot is not None
    assert snapshot.customers_with(synthetic_people(20)).height == 20


def test_production_refuses_synthetic_people(bank: Bank) -> None:
    fill(bank)
    certificate = {"KONKURS_CLIENT_P12": "none", "KONKURS_CLIENT_P12_PASSWORD": "none"}

    assert "synthetic" in str(bank.take_in(KONKURS_ENVIRONMENT="prod", **certificate).refusal)
