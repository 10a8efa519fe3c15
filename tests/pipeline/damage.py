"""The ways in which a bank's register files are damaged: a function for each, and a part of the refusal's message.

They need a bank of more than twenty customers, each a person with an account: a share of a few rows means nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.pipeline.kit import ACCOUNT_COLUMNS, CUSTOMER_COLUMNS, account_no, csv_bytes

Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Register:
    """The two files and their rows."""

    customers: Path
    accounts: Path
    customer_rows: list[Row]
    account_rows: list[Row]


@dataclass(frozen=True)
class Damage:
    """One kind of damage, and a part of the message about it."""

    does: Callable[[Register], object]
    says: str


def put(path: Path, content: bytes) -> None:
    """Replace a file as a bank does: a new one under another name, then renamed."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def _customers(change: Callable[[bytes], bytes]) -> Callable[[Register], None]:
    return lambda register: put(register.customers, change(register.customers.read_bytes()))


def _accounts(change: Callable[[bytes], bytes]) -> Callable[[Register], None]:
    return lambda register: put(register.accounts, change(register.accounts.read_bytes()))


def _customer_rows(change: Callable[[Row], Row]) -> Callable[[Register], None]:
    return lambda register: put(register.customers, csv_bytes(CUSTOMER_COLUMNS, map(change, register.customer_rows)))


def _account_rows(change: Callable[[Row], Row]) -> Callable[[Register], None]:
    return lambda register: put(register.accounts, csv_bytes(ACCOUNT_COLUMNS, map(change, register.account_rows)))


def _header(content: bytes) -> bytes:
    return content[: content.index(b"\n") + 1]


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _half_the_rows(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: len(lines) // 2])


def _half_of_both(register: Register) -> None:
    for path in (register.customers, register.accounts):
        put(path, _half_the_rows(path.read_bytes()))


def _in_latin_1(content: bytes) -> bytes:
    return content.decode().replace("Kunde", "Børge").encode("latin-1")


def _with_nul_bytes(content: bytes) -> bytes:
    return content + bytes(512)


def _swapped_names(content: bytes) -> bytes:
    return content.replace(b"national_id,former_ids,name", b"name,former_ids,national_id", 1)


def _without(column: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(column, b"something_else", 1)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nowhere.csv"))


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _every_account_a_person(register: Register) -> None:
    """Put the customer's national_id in the place of its account number: it passes the check of an account number."""
    id_of = {ref: national_id for ref, national_id, _, _ in register.customer_rows}
    rows = [(id_of[ref], ref, relation, is_blocked) for _, ref, relation, is_blocked in register.account_rows]
    put(register.accounts, csv_bytes(ACCOUNT_COLUMNS, rows))


def _every_account_another_person(register: Register) -> None:
    ids = [national_id for _, national_id, _, _ in register.customer_rows]
    rows = [(ids[n - 1], *row[1:]) for n, row in enumerate(register.account_rows)]
    put(register.accounts, csv_bytes(ACCOUNT_COLUMNS, rows))


DAMAGES: Final[dict[str, Damage]] = {
    "customers empty": Damage(_customers(lambda _: b""), "it is empty"),
    "customers of one byte": Damage(_customers(lambda _: b"c"), "it lacks"),
    "customers with a header only": Damage(_customers(_header), "a header and no rows"),
    "customers cut in half": Damage(_customers(_half), "fewer fields"),
    "half of both files": Damage(_half_of_both, "customers.csv is refused: it shrank"),
    "customers without a column": Damage(_customers(_without(b"national_id")), "it lacks national_id"),
    "customers with the names of columns swapped": Damage(_customers(_swapped_names), "columns are swapped"),
    "national_id and name swapped": Damage(_customer_rows(lambda r: (r[0], r[3], r[2], r[1])), "columns are swapped"),
    "national_id and reference swapped": Damage(_customer_rows(lambda r: (r[1], r[0], r[2], r[3])), "swapped"),
    "national_id in the reference too": Damage(_customer_rows(lambda r: (r[1], *r[1:])), "national identity number"),
    "account numbers in national_id": Damage(
        _customer_rows(lambda r: (r[0], account_no(r[0]), r[2], r[3])), "an account number in national_id"
    ),
    "leading zeros lost": Damage(_customer_rows(lambda r: (r[0], str(int(r[1])), r[2], r[3])), "a leading zero"),
    "references given twice": Damage(_customer_rows(lambda r: (r[0][:-1], *r[1:])), "customer_ref is not unique"),
    "customers in latin-1": Damage(_customers(_in_latin_1), "it is not UTF-8"),
    "customers in UTF-16": Damage(_customers(lambda c: c.decode().encode("utf-16")), "NUL bytes"),
    "customers with NUL bytes": Damage(_customers(_with_nul_bytes), "NUL bytes"),
    "a quotation mark that does not close": Damage(
        _customers(lambda c: c.replace(b"Kunde", b'"Kunde', 1)), "quotation"
    ),
    "customers gone": Damage(lambda register: register.customers.unlink(), "it is not there"),
    "a folder for customers": Damage(lambda register: _folder(register.customers), "it is not a file"),
    "a link to nowhere for customers": Damage(lambda register: _dangling(register.customers), "it is not there"),
    "a link to itself for customers": Damage(lambda register: _loop(register.customers), "cannot be looked at"),
    "a pipe for customers": Damage(lambda register: _pipe(register.customers), "it is not a file"),
    "accounts empty": Damage(_accounts(lambda _: b""), "it is empty"),
    "accounts with a header only": Damage(_accounts(_header), "a header and no rows"),
    "half of the accounts": Damage(_accounts(_half_the_rows), "accounts.csv is refused: it shrank"),
    "accounts without a column": Damage(_accounts(_without(b"relation")), "it lacks relation"),
    "account_no and reference swapped": Damage(_account_rows(lambda r: (r[1], r[0], r[2], r[3])), "swapped"),
    "national_id in account_no": Damage(_every_account_a_person, "national identity number"),
    "another's national_id in account_no": Damage(_every_account_another_person, "national identity number"),
    "accounts gone": Damage(lambda register: register.accounts.unlink(), "it is not there, and was with"),
    "a folder for accounts": Damage(lambda register: _folder(register.accounts), "it is not a file"),
    "a link to nowhere for accounts": Damage(lambda register: _dangling(register.accounts), "it is not there"),
}
