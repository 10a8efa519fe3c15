"""One query on `konkurs.duckdb`, as an analyst would ask it: read-only, without the lock, instants in Oslo time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger.database import connect


@dataclass(frozen=True)
class Answer:
    """The names of the columns, and the rows in order."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def ask(layout: Layout, sql: str) -> Answer:
    """Return the answer to a query. Raises `StoreError` where there is no store, or its files cannot be read."""
    if not layout.analyst_database.is_file():
        message = (
            f"there is no store in {layout.root}: no {layout.analyst_database.name}. Check KONKURS_DATA_DIR, or poll"
        )
        raise StoreError(message)
    try:
        with connect(layout.analyst_database, read_only=True) as con:
            con.execute(f"SET TimeZone = '{OSLO.key}'")
            found = con.execute(sql)
            return Answer(tuple(column[0] for column in found.description), found.fetchall())
    except duckdb.Error as error:
        message = (
            f"{layout.analyst_database} cannot answer ({type(error).__name__}): `konkurs verify` says what is damaged"
        )
        raise StoreError(message) from None
