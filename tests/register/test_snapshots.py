from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.register import RegisterIdentifiers, RegisterTables
from konkurs_pipeline.schemas.tables import frame
from konkurs_pipeline.storage.register import snapshots as storage
from konkurs_pipeline.storage.register.accepted import Snapshot, snapshot_id
from tests.register.bank import (
    BRREG_COMPANY,
    Bank,
    account_numbers,
    account_rows,
    customer_rows,
    synthetic_people,
)


def accepted(bank: Bank, count: int = 20) -> Snapshot:
    bank.write_customers(customer_rows(count))
    bank.write_accounts(account_rows(count))
    snapshot = bank.take_in(KONKURS_MAX_REGISTER_SHRINK="1").snapshot
    assert snapshot is not None
    return snapshot


def test_the_id_follows_from_the_two_files(bank: Bank) -> None:
    snapshot = accepted(bank)
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (bank.customers, bank.accounts)]
    text = "konkurs-register/1\n" + "".join(f"{digest}\n" for digest in hashes)

    assert snapshot.id == hashlib.sha256(text.encode()).hexdigest() == snapshot.folder.name
    assert snapshot_id(hashes[0], None) == hashlib.sha256(f"konkurs-register/1\n{hashes[0]}\n-\n".encode()).hexdigest()


def test_only_the_owner_may_read_what_is_written(bank: Bank) -> None:
    mask = os.umask(0)
    try:
        accepted(bank)
        bank.replace(bank.customers, bank.customers.read_bytes())
        bank.take_in()
    finally:
        os.umask(mask)

    root = bank.folder / "lake" / "register"
    written = [root, *root.rglob("*")]

    assert {path.stat().st_mode & 0o777 for path in written if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in written if path.is_dir()} == {0o700}


def test_customers_are_found_by_any_number_they_have_or_had(bank: Bank) -> None:
    people = synthetic_people(3)
    bank.write_customers([("C1", people[0], BRREG_COMPANY, ""), ("C2", people[1], "", ""), ("C3", people[2], "", "")])
    snapshot = bank.take_in().snapshot
    assert snapshot is not None

    assert snapshot.customers_with([people[1], BRREG_COMPANY, "1"]).rows() == [
        (people[1], "C2", False, False),
        (BRREG_COMPANY, "C1", True, False),
    ]
    assert snapshot.customers_with([]).columns == ["national_id", "customer_ref", "is_former", "is_flagged"]


def test_accounts_and_references_are_found_by_customer(bank: Bank) -> None:
    snapshot = accepted(bank)
    numbers = account_numbers(3)

    found = snapshot.accounts_of(["C00002", "C00001", "nobody"])

    assert found is not None
    assert found.rows() == [
        (numbers[1], "C00001", "owner", False, None, False, None),
        (numbers[2], "C00002", "owner", False, None, False, None),
    ]


def test_the_last_three_snapshots_are_kept_with_the_one_in_use(bank: Bank) -> None:
    made = [accepted(bank, count) for count in (10, 11, 12, 13)]

    kept = {path.name for path in (bank.folder / "lake" / "register").iterdir()}

    assert kept == {snapshot.id for snapshot in made[1:]} | {"current.json", "reference.key"}


def test_a_register_that_comes_back_is_accepted_again(bank: Bank) -> None:
    first = accepted(bank, 10)
    accepted(bank, 11)

    again = accepted(bank, 10)

    assert again.id == first.id
    assert bank.snapshots.current() == again
    again.verify()


def test_a_crash_before_the_pointer_leaves_the_last_one_in_use(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    first = accepted(bank, 10)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "_counts", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            accepted(bank, 11)

    assert bank.snapshots.current() == first
    second = accepted(bank, 11)
    left = {path.name for path in (bank.folder / "lake" / "register").iterdir()}
    assert left == {first.id, second.id, "current.json", "reference.key"}


@pytest.mark.parametrize("name", ["customers", "identifiers", "accounts"])
@pytest.mark.parametrize("content", [None, b"", b"PAR1 nonsense PAR1"], ids=["missing", "empty", "nonsense"])
def test_a_damaged_table_is_named(bank: Bank, name: str, content: bytes | None) -> None:
    snapshot = accepted(bank)
    path = snapshot.folder / f"{name}.parquet"
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    ask: dict[str, Callable[[], object]] = {
        "identifiers": lambda: snapshot.customers_with(synthetic_people(1)),
        "accounts": lambda: snapshot.accounts_of(["C00001"]),
    }
    if name in ask:
        with pytest.raises(StoreError, match=f"{name}.parquet is damaged or missing"):
            ask[name]()
    with pytest.raises(StoreError, match=f"{name}.parquet is damaged or missing"):
        snapshot.verify()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("current.json", "{"),
        ("current.json", "[]"),
        ("current.json", '{"id": "../.."}'),
        ("snapshot.json", "{}"),
        ("snapshot.json", '{"id": 7}'),
    ],
)
def test_a_damaged_description_is_named_and_a_new_register_replaces_it(bank: Bank, name: str, content: str) -> None:
    snapshot = accepted(bank)
    pointer = bank.folder / "lake" / "register" / "current.json"
    (pointer if name == "current.json" else snapshot.folder / name).write_text(content)

    with pytest.raises(StoreError, match=f"{name} is damaged"):
        bank.snapshots.current()
    pointer.unlink()
    assert bank.take_in().is_new


def test_a_table_that_breaks_its_schema_leaves_the_last_one_in_use(bank: Bank) -> None:
    last = accepted(bank)
    broken = RegisterTables(GOOD.with_columns(customer_ref=pl.lit("C1")), frame(RegisterIdentifiers, []), None)

    with pytest.raises(StoreError, match="customer_ref: field_uniqueness"):
        bank.snapshots.accept(broken, replace(last.facts, accounts_sha256=None))

    assert bank.snapshots.current() == last


def test_the_description_says_what_was_accepted(bank: Bank) -> None:
    snapshot = accepted(bank)
    found = json.loads((snapshot.folder / "snapshot.json").read_text())

    assert found["id"] == snapshot.id
    assert found["counts"] == {
        "customers": 20,
        "identifiers": 20,
        "accounts": 20,
        "flagged_customers": 0,
        "flagged_accounts": 0,
    }
    assert found["facts"]["accepted_at"] == "2026-03-02T09:15:00+00:00"
    assert found["facts"]["customers_file"]["path"] == str(bank.customers)


def test_a_folder_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file where the folder should be")
    bank = Bank(tmp_path)
    bank.write_customers(customer_rows(3))

    with pytest.raises(StoreError, match="lake"):
        bank.take_in()


GOOD = pl.DataFrame(
    {
        "customer_ref": ["C1", "C2"],
        "national_id": [BRREG_COMPANY, None],
        "id_kind": ["orgnr", "unknown"],
        "name": [None, "N"],
        "is_flagged": [False, True],
    }
)


def validate(customers: pl.DataFrame) -> None:
    identifiers = frame(RegisterIdentifiers, [])
    RegisterTables(customers, identifiers, None).validate()


def test_a_valid_table_passes_its_schema() -> None:
    validate(GOOD)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(GOOD.with_columns(customer_ref=pl.lit(BRREG_COMPANY)), id="a reference twice"),
        pytest.param(GOOD.with_columns(customer_ref=pl.lit(None, pl.String)), id="no reference"),
        pytest.param(GOOD.with_columns(id_kind=pl.lit(BRREG_COMPANY)), id="a kind not known"),
        pytest.param(GOOD.with_columns(national_id=pl.lit(int(BRREG_COMPANY))), id="a number"),
        pytest.param(GOOD.with_columns(is_flagged=pl.lit(None, pl.Boolean)), id="no flag"),
        pytest.param(GOOD.with_columns(more=pl.lit(BRREG_COMPANY)), id="a column too many"),
        pytest.param(GOOD.drop("name"), id="a column too few"),
    ],
)
def test_a_table_that_breaks_its_schema_is_not_written_and_no_value_quoted(broken: pl.DataFrame) -> None:
    with pytest.raises(StoreError) as caught:
        validate(broken)

    assert BRREG_COMPANY not in str(caught.value)
