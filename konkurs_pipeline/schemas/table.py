"""The base of every stored table: how a table declares its columns, and the check before a write.

A column declares its meaning, its term in Konkursvarsel and what it may tell about a person. The data dictionary and the
pseudonymised copy follow from that. What does not belong here: which tables there are (tables, register).
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
    """What a column may tell about a person, and so what a pseudonymised copy does with it."""

    NONE = "none"
    """Nothing: it is kept."""
    IDENTIFIER = "identifier"
    """A national identifier or an account, or an id that is computed from one: a keyed pseudonym replaces it."""
    REFERENCE = "reference"
    """The bank's own number of a customer: kept, unless it has the form of an identifier."""
    WORD = "word"
    """One of the known words: kept. Any other text in the column is left out."""
    TEXT = "text"
    """Free text, from another system or a person: left out."""
    NAME = "name"
    """Somebody's name: left out."""
    ADDRESS = "address"
    """Where somebody lives: left out."""
    DOCUMENT = "document"
    """What was received, whole, or quoted from it: left out."""
    HASH = "hash"
    """A hash of personal data: left out, as it would confirm a guessed identifier."""


@dataclass(frozen=True)
class ColumnFacts:
    """What a column declares. `source`: its Norwegian term; null: it is our own. `privacy`: null: not declared.

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
    """Return a column that always has a value; `rules` are pandera's. `words`: the known ones of a WORD."""
    declared = {"source": source, "privacy": Privacy.WORD if words else privacy, "words": frozenset(words)}
    return pa.Field(description=description, metadata=declared, **rules)


def optional(description: str, **declared: Any) -> Any:  # noqa: ANN401 -- pandera's Field is typed as Any
    """Return a column that may be null; its description says what null means. `declared`: as in `column`."""
    return column(description, nullable=True, **declared)


class Table(pa.DataFrameModel):
    """Base of all tables: exactly the declared columns, in order."""

    class Config:
        """Nothing is coerced: every value has the right type before it is written."""

        strict = True
        ordered = True
        coerce = False


@cache
def dtypes(table: type[Table]) -> dict[str, pl.DataType]:
    """Return the polars type of each column, in order."""
    return {name: column.dtype.type for name, column in table.to_schema().columns.items()}


@cache
def facts(table: type[Table]) -> dict[str, ColumnFacts]:
    """Return what each column declares, in order.

    A column need not declare its privacy if its type or rules admit no identifier (dates, counts, uuids, fixed words).
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
    """Return the columns of `table` that are not `present`; raises `StoreError` for one that has no value for old rows.

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
    """Return rows of an earlier shape of `table` in today's shape; raises as `added_columns` does."""
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
