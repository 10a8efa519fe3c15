"""A store of generated data, opened as an analyst does. What does not belong here: the data (made_years)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final

import duckdb

from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.store import open_store
from tests.questions.made_years import MadeYears

YEAR: Final = 2024
_SEED: Final = 1


def made_store(folder: Path, first: dt.date, last: dt.date) -> Layout:
    """Fill a new store in `folder` with generated data of these days."""
    environ = {"KONKURS_DATA_DIR": str(folder), "KONKURS_API_URL": "http://127.0.0.1:1"}
    with open_store(load_settings(environ, dotenv=folder / "none")) as store:
        MadeYears(_SEED, first, last).write(store)
        return store.layout


def analyst_of(layout: Layout) -> duckdb.DuckDBPyConnection:
    """Open the views as an analyst does."""
    con = duckdb.connect(str(layout.analyst_database), read_only=True)
    con.execute("SET TimeZone = 'Europe/Oslo'")
    return con


def answer(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the names of the columns and the rows."""
    found = con.execute(sql)
    return [column[0] for column in found.description], found.fetchall()
