"""Reads values of a register in other spellings, if they can mean one thing only; leaves all others as they are.

A number with spaces, no-break spaces, dots or hyphens is read as the number if that passes its check. What does not
belong here: what happens to a value that cannot be read (rules).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from konkurs_pipeline.domain.actions.situation import Relation
from konkurs_pipeline.domain.identifiers import IdKind, id_kind, identify, is_account_no

# All white space, characters without width, and what people write between digits.
_BETWEEN_DIGITS: Final = "[\\s\u200b\u2060\ufeff.\\-\u2010\u2011]"
_BETWEEN_NUMBERS: Final = "[\\s\u200b\u2060\ufeff,;|/]+"
_PLAIN_LIST: Final = r"\A(([0-9]{9}|[0-9]{11})( +|\z))*\z"
# If more cells than this are no plain numbers, the file is damaged: they are not read one by one.
_LOOKED_AT: Final = 10_000
# "910 425 463" is three pieces, "08 08 60 01471" four.
_MOST_PIECES: Final = 5

IsValid = Callable[[pl.Expr], pl.Expr]


@dataclass(frozen=True, slots=True)
class AsSpelled:
    """The rows with their values in the contract's spelling, and how many values had another."""

    frame: pl.DataFrame
    respelled: int


def read_customers(raw: pl.DataFrame, *, synthetic_allowed: bool) -> AsSpelled:
    """Return the rows of a customers file with `national_id` and `former_ids` as numbers, the latter parted by a space."""

    def is_identifier(text: pl.Expr) -> pl.Expr:
        return id_kind(text, synthetic_allowed=synthetic_allowed) != IdKind.UNKNOWN.value

    frame, numbers = _read_numbers(raw, "national_id", is_identifier)
    frame, lists = _read_former_ids(frame, is_identifier, synthetic_allowed=synthetic_allowed)
    return AsSpelled(frame, numbers + lists)


def read_accounts(raw: pl.DataFrame) -> AsSpelled:
    """Return the rows of an accounts file in the contract's spelling; references stay as they are."""
    frame, numbers = _read_numbers(raw, "account_no", is_account_no)
    relation = pl.col("relation").str.strip_chars().str.to_lowercase()
    words = frame.with_columns(
        relation=pl.when(relation.is_in(list(Relation))).then(relation).otherwise("relation"),
        is_blocked=pl.col("is_blocked").str.strip_chars().str.to_lowercase(),
        opened_at=pl.col("opened_at").str.strip_chars(),
    )
    return AsSpelled(words, numbers)


def _read_numbers(raw: pl.DataFrame, column: str, is_valid: IsValid) -> tuple[pl.DataFrame, int]:
    """Return the rows with the column's numbers as digits alone, and how many values that changes."""
    compact = pl.col(column).str.replace_all(_BETWEEN_DIGITS, "")
    # Most values are digits alone: the whole check would cost seconds on ten million rows.
    odd = (
        raw.lazy().filter(pl.col(column).str.contains("[^0-9]")).select(pl.col(column).alias("as_given"), read=compact)
    )
    readable = odd.filter((pl.col("as_given") != pl.col("read")) & is_valid(pl.col("read"))).collect(engine="streaming")
    return _replaced(raw, column, readable)


def _replaced(raw: pl.DataFrame, column: str, readable: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    if readable.is_empty():
        return raw, 0
    meant = readable.unique("as_given")
    return raw.with_columns(pl.col(column).replace(meant["as_given"], meant["read"])), readable.height


def _read_former_ids(raw: pl.DataFrame, is_valid: IsValid, *, synthetic_allowed: bool) -> tuple[pl.DataFrame, int]:
    is_odd = (pl.col("former_ids") != "") & ~pl.col("former_ids").str.contains(_PLAIN_LIST)
    odd = raw.lazy().filter(is_odd).select(as_given="former_ids").collect(engine="streaming")
    compact = pl.col("as_given").str.replace_all(_BETWEEN_DIGITS, "")
    odd = odd.with_columns(read=pl.when(is_valid(compact)).then(compact))
    hard = odd.filter(pl.col("read").is_null())["as_given"].unique()
    looked_at = {
        text: former_ids_in(text, synthetic_allowed=synthetic_allowed) for text in hard.head(_LOOKED_AT).to_list()
    }
    found = pl.col("as_given").replace_strict(looked_at, default=pl.col("as_given"), return_dtype=pl.String)
    readable = odd.with_columns(read=pl.col("read").fill_null(found)).filter(pl.col("read") != pl.col("as_given"))
    return _replaced(raw, "former_ids", readable)


def former_ids_in(text: str, *, synthetic_allowed: bool) -> str:
    """Return the identifiers in a cell of `former_ids`, separated by a space; what cannot be read stays as it is.

    "080860 01471 910425463" is two identifiers: only one way of joining the pieces makes identifiers of all of them.
    """
    pieces = [re.sub(_BETWEEN_DIGITS, "", piece) for piece in re.split(_BETWEEN_NUMBERS, text)]
    pieces = [piece for piece in pieces if piece]
    ways = _ways(tuple(pieces), synthetic_allowed=synthetic_allowed)
    return " ".join(ways[0] if len(ways) == 1 else pieces)


def _ways(pieces: tuple[str, ...], *, synthetic_allowed: bool) -> list[tuple[str, ...]]:
    """Return the first two ways of joining neighbouring pieces so that every piece becomes part of an identifier."""
    if not pieces:
        return [()]
    found: list[tuple[str, ...]] = []
    for count in range(1, min(len(pieces), _MOST_PIECES) + 1):
        number = "".join(pieces[:count])
        if identify(number, synthetic_allowed=synthetic_allowed) is not IdKind.UNKNOWN:
            rest = _ways(pieces[count:], synthetic_allowed=synthetic_allowed)
            found += [(number, *others) for others in rest]
    return found[:2]
