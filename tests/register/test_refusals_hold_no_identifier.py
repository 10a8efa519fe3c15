"""The refusal of a register holds no identifier from it, for any damage."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from konkurs_pipeline.redaction import redact
from tests.register.bank import (
    BRREG_COMPANY,
    BRREG_PERSON,
    Bank,
    account_rows,
    customer_rows,
    synthetic_people,
)

CELLS = st.sampled_from(
    [
        BRREG_PERSON,
        BRREG_COMPANY,
        BRREG_PERSON[1:],
        "",
        " ",
        '"',
        "\n",
        "C00001",
        "owner",
        f'"{BRREG_PERSON}',
        "Å",
        "1e5",
    ]
)
ROWS = st.lists(st.lists(CELLS, max_size=6), max_size=8)
HEADERS = st.sampled_from(
    [
        "customer_ref,national_id,former_ids,name",
        "customer_ref;national_id;former_ids;name",
        "account_no,customer_ref,relation,is_blocked",
        f"{BRREG_PERSON},{BRREG_COMPANY},,",
        '"customer_ref,national_id,former_ids,name',
        "",
    ]
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16"])


@st.composite
def damaged_csv(draw: st.DrawFn) -> bytes:
    """Return a file of random rows with a header and an encoding."""
    header = draw(HEADERS)
    separator = ";" if ";" in header else ","
    lines = [header, *(separator.join(row) for row in draw(ROWS))]
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode(draw(ENCODINGS))


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """Return a good file with overwritten bytes, or cut."""
    content = bytearray(good)
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))])


def _as_parquet(content: bytes) -> bytes:
    buffer = io.BytesIO()
    pl.read_csv(content, infer_schema=False).write_parquet(buffer)
    return buffer.getvalue()


def _files(count: int) -> tuple[bytes, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        bank = Bank(Path(folder))
        bank.write_customers(customer_rows(count))
        bank.write_accounts(account_rows(count))
        return bank.customers.read_bytes(), bank.accounts.read_bytes()


CUSTOMERS, ACCOUNTS = _files(12)
CUSTOMERS_PARQUET = _as_parquet(CUSTOMERS)
IDENTIFIERS = [BRREG_PERSON, BRREG_COMPANY, BRREG_PERSON[1:], *synthetic_people(12)]


def refused(customers: bytes, accounts: bytes, *, suffix: str = ".csv") -> None:
    """Take these files in, and search their refusal, if any, for every identifier in them."""
    with tempfile.TemporaryDirectory() as folder:
        bank = Bank(Path(folder))
        given_customers = bank.customers.with_suffix(suffix)
        given_customers.write_bytes(customers)
        bank.accounts.write_bytes(accounts)
        taken = bank.take_in(KONKURS_CUSTOMERS=str(given_customers))
    text = taken.refusal or ""
    assert (taken.snapshot is None) == bool(text)
    assert redact(text) == text
    assert not any(identifier in text for identifier in IDENTIFIERS)


@settings(max_examples=150, deadline=None)
@given(damaged_csv(), damaged_csv())
def test_the_refusal_of_random_files_holds_no_identifier(customers: bytes, accounts: bytes) -> None:
    refused(customers, accounts)
    refused(CUSTOMERS, accounts)


@settings(max_examples=150, deadline=None)
@given(damaged(CUSTOMERS), damaged(ACCOUNTS))
def test_the_refusal_of_damaged_files_holds_no_identifier(customers: bytes, accounts: bytes) -> None:
    refused(customers, ACCOUNTS)
    refused(CUSTOMERS, accounts)


@settings(max_examples=150, deadline=None)
@given(damaged(CUSTOMERS_PARQUET))
def test_the_refusal_of_damaged_parquet_holds_no_identifier(customers: bytes) -> None:
    refused(customers, ACCOUNTS, suffix=".parquet")
