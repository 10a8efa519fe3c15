"""The accepted register: customers, identifiers and accounts, as they stand in a snapshot's Parquet files.

Every column is text, a Boolean or a date: an identifier that was once a number has lost its leading zeros. All three
tables hold personal data and stay in the protected folder. What does not belong here: which rows are flagged
(register/rules), where the files are (storage/register/snapshots.py).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import pandera.polars as pa
import polars as pl

from konkurs_pipeline.domain.identifiers import IdKind
from konkurs_pipeline.schemas.tables import Table, validated


class RegisterCustomers(Table):
    """One row per customer of the bank (customer_ref). Personal data: national_id, name.

    Source: the bank's customers file.
    """

    customer_ref: str = pa.Field(unique=True, description="the bank's reference of the customer")
    national_id: str = pa.Field(
        nullable=True, description="orgnr, fødselsnummer or D-nummer as the bank gave it; null: it gave none"
    )
    id_kind: str = pa.Field(
        isin=[kind.value for kind in IdKind], description="what national_id is; unknown: it fails its check"
    )
    name: str = pa.Field(nullable=True, description="name as the bank gave it; null: it gave none")
    is_flagged: bool = pa.Field(description="national_id fails its check: a match is for REVIEW only")


class RegisterIdentifiers(Table):
    """One row per identifier and customer, sorted by identifier. Personal data: national_id.

    Source: national_id and former_ids of the customers file. That (national_id, customer_ref) is unique follows from how
    the table is built. It is not checked again: that would cost more than all other checks together.
    """

    national_id: str = pa.Field(description="an identifier the customer has or had; never empty")
    customer_ref: str = pa.Field(description="the bank's reference of the customer")
    is_former: bool = pa.Field(description="one the customer had before, such as a D-nummer")
    is_flagged: bool = pa.Field(
        description="this identifier, or the customer's present one, fails its check: for REVIEW only"
    )


class RegisterAccounts(Table):
    """One row per account, customer and relation, sorted by customer and account. Personal data: account_no.

    Source: the bank's accounts file. Accounts of no known customer are left out (the snapshot counts them).
    Where the file gives one account and customer two relations, both are here.
    """

    account_no: str = pa.Field(description="kontonummer, 11 digits, as the bank gave it")
    customer_ref: str = pa.Field(description="the bank's reference of the customer")
    relation: str = pa.Field(description="owner, co_owner or disponent; any other text is flagged")
    is_blocked: bool = pa.Field(
        nullable=True, description="whether the bank had blocked the account already; null: not said"
    )
    opened_at: dt.date = pa.Field(nullable=True, description="the date the account was opened; null: not said")
    is_flagged: bool = pa.Field(
        description="account_no, relation, is_blocked or opened_at fails its check: for REVIEW only"
    )
    owners: str = pa.Field(
        nullable=True,
        description="the customer_refs with an owner row of this account, one a line, known customers or not; "
        "more than 20: an empty line ends the list; null: there are not several",
    )


REGISTER: Final[dict[str, type[Table]]] = {
    "customers": RegisterCustomers,
    "identifiers": RegisterIdentifiers,
    "accounts": RegisterAccounts,
}


@dataclass(frozen=True, slots=True)
class RegisterTables:
    """The three tables of one register; `accounts` is None if the bank gives no accounts file."""

    customers: pl.DataFrame
    identifiers: pl.DataFrame
    accounts: pl.DataFrame | None

    def named(self) -> dict[str, pl.DataFrame]:
        """Return the tables by name, `accounts` only if there is one."""
        tables = {"customers": self.customers, "identifiers": self.identifiers}
        return tables if self.accounts is None else {**tables, "accounts": self.accounts}

    def validate(self) -> None:
        """Check every table against its model; raises `StoreError` that names columns and rules, no value."""
        for name, data in self.named().items():
            validated(REGISTER[name], data)
