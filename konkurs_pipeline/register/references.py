"""Finds references that hold the customer's own number. References go to core banking; a national identifier must not.

If many references do, the file is refused. If few do, each is withheld: a stand-in takes its place in all that is kept
and written, and the customer can lead to a REVIEW only. What does not belong here: the key of the stand-ins, which the
store keeps.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from konkurs_pipeline.register.refusal import refuse

WITHHELD: Final = "withheld-"
_STAND_IN_DIGITS: Final = 24
# An identifier without its leading zeros has 8 digits or more.
_FEWEST_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class WithheldReferences:
    """The rows with stand-ins, and reference → stand-in."""

    frame: pl.DataFrame
    stand_ins: Mapping[str, str]


def withhold_references(customers: pl.DataFrame, name: str, *, max_share: float, key: bytes) -> WithheldReferences:
    """Return the rows with a stand-in for each reference that holds a present or former number of its customer.

    The number may stand after a letter, have separators, or lack its leading zero. The same reference has the same
    stand-in as long as the key is the same. Raises `RegisterError` for a larger share than `max_share`.
    """
    refs = _holding_own_number(customers)
    if len(refs) > max_share * customers.height:
        reason = (
            f"customer_ref holds the customer's own national identity number in {len(refs)} of {customers.height} rows"
        )
        refuse(name, reason, "Give the bank's own reference: it goes to core banking, and national_id may not")
    stand_ins = {ref: f"{WITHHELD}{_digest(key, ref)}" for ref in refs}
    return WithheldReferences(with_stand_ins(customers, stand_ins), stand_ins)


def with_stand_ins(rows: pl.DataFrame, stand_ins: Mapping[str, str]) -> pl.DataFrame:
    """Return rows with the stand-in of each `customer_ref` that has one."""
    return rows.with_columns(pl.col("customer_ref").replace(dict(stand_ins))) if stand_ins else rows


def _digest(key: bytes, ref: str) -> str:
    return hmac.digest(key, ref.encode(), "sha256").hex()[:_STAND_IN_DIGITS]


def _holding_own_number(customers: pl.DataFrame) -> list[str]:
    # The length is checked first: most references are too short to hold a number.
    candidates = (
        customers.lazy()
        .filter(pl.col("customer_ref").str.len_bytes() >= _FEWEST_DIGITS)
        .select("customer_ref", "national_id", "former_ids", digits=_digits("customer_ref"))
        .filter(pl.col("digits").str.len_bytes() >= _FEWEST_DIGITS)
        .collect(engine="streaming")
    )
    present = candidates.select("customer_ref", "digits", number="national_id")
    former = candidates.filter(pl.col("former_ids") != "").select(
        "customer_ref", "digits", number=pl.col("former_ids").str.split(" ")
    )
    both = pl.concat([present, former.explode("number", empty_as_null=True)])
    number = _digits("number").str.strip_chars_start("0")
    is_own = (number.str.len_bytes() >= _FEWEST_DIGITS) & pl.col("digits").str.contains(number, literal=True)
    return both.filter(is_own)["customer_ref"].unique().sort().to_list()


def _digits(column: str) -> pl.Expr:
    return pl.col(column).str.replace_all("[^0-9]", "")
