"""Judges both files of a register together: reads other spellings, checks references, flags rows.

What does not belong here: reading the files (files), the rules of one file (rules), keeping what was accepted (intake).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from konkurs_pipeline.domain.identifiers import IdKind, id_kind
from konkurs_pipeline.register.files import RegisterFile
from konkurs_pipeline.register.references import with_stand_ins, withhold_references
from konkurs_pipeline.register.rules import Limits, judge_accounts, judge_customers
from konkurs_pipeline.register.spelling import read_accounts, read_customers
from konkurs_pipeline.schemas.register import RegisterTables

_KEY: Final = ["customer_ref", "national_id"]


@dataclass(frozen=True, slots=True)
class JudgedRegister:
    """The tables of an acceptable register, and what the bank should mend in its export.

    `orphans`: accounts of no known customer, left out. `respelled`: values that were read in another spelling.
    `unread_former_ids`: entries of former_ids that are no identifier. `withheld`: customers whose reference holds their
    own number. `unread_of`: some of the customers with such entries.
    """

    tables: RegisterTables
    orphans: int
    respelled: int
    unread_former_ids: int
    unread_of: tuple[str, ...]
    withheld: int


def judge_register(
    customers_file: RegisterFile, accounts_file: RegisterFile | None, limits: Limits, key: bytes
) -> JudgedRegister:
    """Return the register that the files make; raises `RegisterError` if one must be refused whole.

    `key`: makes the stand-ins for references that hold an identifier.
    """
    spelled = read_customers(customers_file.frame, synthetic_allowed=limits.synthetic_allowed)
    referenced = withhold_references(spelled.frame, customers_file.name, max_share=limits.max_invalid, key=key)
    customers, identifiers = judge_customers(referenced.frame, customers_file.name, limits)
    unread = _unread_former_ids(identifiers, limits)
    accounts, orphans, respelled = None, 0, spelled.respelled
    if accounts_file is not None:
        rows = read_accounts(accounts_file.frame)
        raw = with_stand_ins(rows.frame, referenced.stand_ins)
        judged = judge_accounts(raw, accounts_file.name, customers, limits)
        accounts = _without_former_ids(judged.accounts, identifiers)
        orphans, respelled = judged.n_orphans, respelled + rows.respelled
    return JudgedRegister(
        tables=RegisterTables(customers, identifiers, accounts),
        orphans=orphans,
        respelled=respelled,
        unread_former_ids=unread.height,
        unread_of=tuple(unread["customer_ref"].unique().sort().head(5)),
        withheld=len(referenced.stand_ins),
    )


def _unread_former_ids(identifiers: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    former = identifiers.filter("is_former", "is_flagged")
    kind = id_kind(pl.col("national_id"), synthetic_allowed=limits.synthetic_allowed)
    return former.filter(kind == IdKind.UNKNOWN.value)


def _without_former_ids(accounts: pl.DataFrame, identifiers: pl.DataFrame) -> pl.DataFrame:
    """Flag and empty each account number that is a former id of its customer: it would be written to the outbox."""
    former = identifiers.filter("is_former").select(_KEY).rename({"national_id": "account_no"})
    found = accounts.join(former, on=["customer_ref", "account_no"], how="semi")
    if found.is_empty():
        return accounts
    is_own = pl.struct("customer_ref", "account_no").is_in(
        found.select(pl.struct("customer_ref", "account_no")).to_series().implode()
    )
    account_no = pl.when(~is_own).then("account_no").otherwise(pl.lit(""))
    marked = accounts.with_columns(account_no=account_no, is_flagged=pl.col("is_flagged") | is_own)
    return marked.sort("customer_ref", "account_no", maintain_order=True)
