"""What every stored table is made of: its base, its columns with what is declared of them, and the gate before a write.

A column says its meaning, its term in Konkursvarsel and what it may tell of a person: from that come the data dictionary
and what a pseudonymised copy keeps. What does not belong here: which tables there are (tables, register).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaError, SchemaErrors

from konkurs_pipeline.errors import StoreError

Instant = Annotated[pl.Datetime, "us", "UTC"]
UUID: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
SHA256: Final = r"^[0-9a-f]{64}$"
SQL_TYPES: Final[Mapping[type[pl.DataType] | pl.DataType, str]] = {
    pl.String: "VARCHAR",
    pl.Date: "DATE",
    pl.Int64: "BIGINT",
    pl.Boolean: "BOOLEAN",
    pl.Datetime("us", "UTC"): "TIMESTAMPTZ",
}


class Privacy(StrEnum):
    """What a column may tell of a person, and so what becomes of it in a pseudonymised copy."""

    NONE = "none"
    """Nothing: it is kept."""
    IDENTIFIER = "identifier"
    """A national identifier or an account, or an id that is reckoned from one: a keyed pseudonym stands for it."""
    REFERENCE = "reference"
    """The bank's own number of a customer: kept, unless it has the form of an identifier."""
    WORD = "word"
    """One of known words: kept. Any other text there is left out."""
    TEXT = "text"
    """Free text, from elsewhere or of a person: left out."""
    NAME = "name"
    """Somebody's name: left out."""
    ADDRESS = "address"
    """Where somebody lives: left out."""
    DOCUMENT = "document"
    """What was received, whole, or quoted from it: left out."""
    HASH = "hash"
    """A hash of personal data: left out: it would confirm a guessed identifier."""


@dataclass(frozen=True)
class ColumnFacts:
    """What is declared of a column. `source`: its Norwegian term; null: it is our own. `privacy`: null: not declared.

    `allowed`: the values it may have; empty: any.
    """

    description: str
    sql_type: str
    is_nullable: bool
    allowed: tuple[str, ...]
    source: str | None
    privacy: Privacy | None
    words: frozenset[str] = frozenset()


def column(
    description: str,
    *,
    source: str | None = None,
    privacy: Privacy | None = None,
    words: Collection[str] = (),
    **rules: Any,
) -> Any:  # noqa: ANN401 -- pandera's Field is typed as Any
    """Return a column that always has a value; `rules` are pandera's. `words`: those that are known, of a WORD."""
    declared = {"source": source, "privacy": Privacy.WORD if words else privacy, "words": frozenset(words)}
    return pa.Field(description=description, metadata=declared, **rules)


def optional(description: str, **declared: Any) -> Any:  # noqa: ANN401 -- pandera's Field is typed as Any
    """Return a column that may be null; its description says what null means. `declared`: as in `column`."""
    return column(description, nullable=True, **declared)


class Table(pa.DataFrameModel):
    """Base of all tables: exactly the declared columns, in order."""

    class Config:
        """Nothing is coerced: what is written has the right type already."""

        strict = True
        ordered = True
        coerce = False


@cache
def dtypes(table: type[Table]) -> dict[str, pl.DataType]:
    """Return the polars type of each column, in order."""
    return {name: column.dtype.type for name, column in table.to_schema().columns.items()}


@cache
def facts(table: type[Table]) -> dict[str, ColumnFacts]:
    """Return what is declared of each column, in order.

    What can hold no identifier by its type or its rules (dates, counts, uuids, fixed words) need not declare its privacy.
    """
    found = {}
    for name, made in table.to_schema().columns.items():
        declared = made.metadata or {}
        is_free_text = made.dtype.type == pl.String and not made.checks
        privacy = declared.get("privacy") or (None if is_free_text else Privacy.NONE)
        found[name] = ColumnFacts(
            made.description or "",
            SQL_TYPES[made.dtype.type],
            bool(made.nullable),
            tuple(str(value) for check in made.checks for value in check.statistics.get("allowed_values", ())),
            declared.get("source"),
            privacy,
            declared.get("words") or frozenset(),
        )
    return found


def frame(table: type[Table], rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Build a frame of the table's types; no rows give a typed empty frame."""
    return pl.DataFrame(rows, schema=dtypes(table), orient="row")


def added_columns(table: type[Table], present: Collection[str], given: Collection[str]) -> list[str]:
    """Return the columns of `table` that are not `present`; raises `StoreError` for one that old rows cannot get.

    Old rows get null, or what a migration gives for the columns in `given`.
    """
    added = [name for name in dtypes(table) if name not in present]
    lacking = [name for name in added if name not in given and not facts(table)[name].is_nullable]
    if lacking:
        message = (
            f"the stored table {table.__name__} lacks {', '.join(lacking)}, and no migration says what its rows have there: "
            "the store is too old for this program. Run a version in between first, or start an empty store and backfill it"
        )
        raise StoreError(message)
    return added


def reshaped(table: type[Table], rows: pl.DataFrame, given: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Return rows of an earlier shape of `table` in today's; errors as `added_columns`."""
    types = dtypes(table)
    added = added_columns(table, rows.columns, given)
    empty = [pl.lit(None, dtype=types[name]).alias(name) for name in added if name not in given]
    return rows.with_columns(*empty, **given).select(pl.col(name).cast(kind) for name, kind in types.items())


def validated(table: type[Table], data: pl.DataFrame) -> pl.DataFrame:
    """Return `data` if it is a valid `table`; raises `StoreError` that names columns and rules, never a value."""
    if data.is_empty() and data.schema == pl.Schema(dtypes(table)):
        return data
    try:
        return table.validate(data, lazy=True)
    except SchemaErrors as error:
        broken = sorted({f"{e.schema.name}: {e.check or e.reason_code}" for e in error.schema_errors})
    except SchemaError as error:
        broken = [f"{error.schema.name}: {error.check or error.reason_code}"]
    message = f"table {table.__name__} breaks its schema and was not written ({'; '.join(broken)})"
    raise StoreError(message)
