"""A bank's two register files for tests: synthetic people (month + 80) and invented account numbers."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import polars as pl

from konkurs_pipeline.domain.identifiers import IdKind, id_kind, is_account_no
from konkurs_pipeline.register.files import COLUMNS, RegisterKind
from konkurs_pipeline.register.intake import Intake, take_in
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.register.snapshots import Snapshots

NOW = dt.datetime(2026, 3, 2, 9, 15, tzinfo=dt.UTC)
# From Brreg's published list of test notices.
BRREG_PERSON = "08086001471"
BRREG_PERSON_TOO = "08086002265"
BRREG_COMPANY = "910425463"
# Skatteetaten's example of a number under the rules from 2032.
PERSON_FROM_2032 = "02013299997"

Row = Sequence[str]


@cache
def _all_people() -> list[str]:
    candidates = pl.select(pl.int_range(1_810_000_000, 1_810_020_000).cast(pl.String).str.zfill(11).alias("text"))
    is_person = id_kind(pl.col("text"), synthetic_allowed=True) == IdKind.FNR.value
    return candidates.filter(is_person)["text"].to_list()


def synthetic_people(count: int) -> list[str]:
    """Return `count` fødselsnumre of Tenor's kind, born on 1 January, with a leading zero."""
    return _all_people()[:count]


@cache
def _all_account_numbers() -> list[str]:
    candidates = pl.select(pl.int_range(9_710_000_000, 9_710_020_000).cast(pl.String).str.zfill(11).alias("text"))
    return candidates.filter(is_account_no(pl.col("text")))["text"].to_list()


def account_numbers(count: int) -> list[str]:
    """Return `count` account numbers with a leading zero."""
    return _all_account_numbers()[:count]


def customer_rows(count: int) -> list[Row]:
    """Return `count` good rows of a customers file."""
    return [(f"C{n:05}", number, "", f"Kunde {n}") for n, number in enumerate(synthetic_people(count))]


def account_rows(count: int) -> list[Row]:
    """Return `count` good rows of an accounts file, one for each customer of `customer_rows`."""
    return [(number, f"C{n:05}", "owner", "false") for n, number in enumerate(account_numbers(count))]


def csv_of(header: Iterable[str], rows: Iterable[Row], *, separator: str = ",", end: str = "\n") -> bytes:
    """Return a CSV file's bytes."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=end)
    writer.writerows([list(header), *rows])
    return text.getvalue().encode()


class Bank:
    """A data folder with register files that tests replace and take in."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.now = NOW
        self.environ = {"KONKURS_DATA_DIR": str(folder), **settings}
        self.customers = folder / "register" / "customers.csv"
        self.accounts = folder / "register" / "accounts.csv"
        self.customers.parent.mkdir(parents=True, exist_ok=True)
        self.snapshots = Snapshots(folder / "lake" / "register")

    def write_customers(self, rows: Iterable[Row]) -> None:
        """Replace the customers file."""
        self.replace(self.customers, csv_of(COLUMNS[RegisterKind.CUSTOMERS], rows))

    def write_accounts(self, rows: Iterable[Row]) -> None:
        """Replace the accounts file."""
        self.replace(self.accounts, csv_of(COLUMNS[RegisterKind.ACCOUNTS], rows))

    @staticmethod
    def replace(path: Path, content: bytes) -> None:
        """Put a new file at `path`, as a bank does, with another inode."""
        new = path.with_suffix(".new")
        new.write_bytes(content)
        new.replace(path)

    def take_in(self, **settings: str) -> Intake:
        """Take the register in, with these settings changed for one run."""
        loaded = load_settings({**self.environ, **settings}, dotenv=self.folder / "none")
        return take_in(loaded, self.snapshots, now=self.now)
