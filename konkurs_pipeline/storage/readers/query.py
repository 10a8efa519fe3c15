"""One query on `konkurs.duckdb`, as an analyst asks it: read-only, without the lock, instants in Oslo time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger.connection import connect


@dataclass(frozen=True)
class QueryResult:
    """The names of the columns, and the rows in order."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def ask(layout: Layout, sql: str) -> QueryResult:
    """Return the answer to a query. Raises `StoreError` if there is no store, or its files cannot be read."""
    with _reading(layout) as con:
        found = con.execute(sql)
        return QueryResult(tuple(column[0] for column in found.description), found.fetchall())


def write_rows(layout: Layout, sql: str, file: Path) -> None:
    """Write the answer to a query as Parquet. Raises as `ask`."""
    with _reading(layout) as con:
        target = str(file).replace("'", "''")
        con.execute(f"COPY ({sql}) TO '{target}' (FORMAT parquet)")


@contextmanager
def _reading(layout: Layout) -> Iterator[duckdb.DuckDBPyConnection]:
    if not layout.analyst_database.is_file():
        message = (
            f"there is no store in {layout.root}: no {layout.analyst_database.name}. Check KONKURS_DATA_DIR, or poll"
        )
        raise StoreError(message)
    try:
        with connect(layout.analyst_database, read_only=True) as con:
            con.execute(f"SET TimeZone = '{OSLO.key}'")
            yield con
    except duckdb.Error as error:
        message = (
            f"{layout.analyst_database} cannot answer ({type(error).__name__}): `konkurs verify` says what is damaged"
        )
        raise StoreError(message) from None
