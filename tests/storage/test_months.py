"""The lake by month is what the lake is, after every run and after every crash."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb
import polars as pl
import pytest

from konkurs_pipeline.schemas.tables import Estates, frame
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import Store, open_store

DAYS: Final = [dt.date(2018, 8, 31), dt.date(2018, 9, 3), dt.date(2018, 9, 4)]
NOW: Final = dt.datetime(2018, 9, 3, 12, tzinfo=dt.UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store with an estate on each of three days of two months, published."""
    environ = {"KONKURS_DATA_DIR": str(tmp_path / "data"), "KONKURS_API_URL": "http://127.0.0.1:1"}
    with open_store(load_settings(environ, dotenv=tmp_path / "none")) as opened:
        for day in DAYS:
            opened.lake.replace("estates", day, estate(day))
        opened.publish()
        yield opened


def estate(day: dt.date, state: str = "open") -> pl.DataFrame:
    times = {"registered_at": NOW, "state_since": NOW}
    row = {
        "debtor_id": "x",
        "opening_uuid": f"11111111-1111-4111-8111-1111111111{day:%d}",
        "workday": day,
        "state": state,
    }
    return frame(Estates, [{**row, **times}])


def shown(store: Store) -> list[tuple[dt.date, str]]:
    with duckdb.connect(str(store.layout.analyst_database), read_only=True) as con:
        return con.execute("SELECT workday, state FROM estates ORDER BY workday").fetchall()


def identity(path: Path) -> tuple[int, int]:
    return path.stat().st_ino, path.stat().st_mtime_ns


def test_a_day_that_changes_or_goes_shows_after_publishing_and_no_other_month_is_written(store: Store) -> None:
    assert shown(store) == [(day, "open") for day in DAYS]
    august = identity(store.layout.month("estates", DAYS[0]))
    store.lake.replace("estates", DAYS[1], estate(DAYS[1], "closed"))
    store.lake.replace("estates", DAYS[2], frame(Estates, []))
    assert shown(store) == [(day, "open") for day in DAYS], "a reader sees the month as it was"
    store.publish()
    assert shown(store) == [(DAYS[0], "open"), (DAYS[1], "closed")]
    assert identity(store.layout.month("estates", DAYS[0])) == august
    september = identity(store.layout.month("estates", DAYS[1]))
    store.publish()
    assert identity(store.layout.month("estates", DAYS[1])) == september
    store.lake.replace("estates", DAYS[0], frame(Estates, []))
    store.publish()
    assert shown(store) == [(DAYS[1], "closed")], "a month without days"


def test_what_a_dead_run_changed_is_published_by_the_next(store: Store, tmp_path: Path) -> None:
    store.lake.replace("estates", DAYS[1], estate(DAYS[1], "closed"))
    copy = shutil.copytree(store.layout.root, tmp_path / "after the crash")
    environ = {"KONKURS_DATA_DIR": str(copy), "KONKURS_API_URL": "http://127.0.0.1:1"}
    with open_store(load_settings(environ, dotenv=tmp_path / "none")) as next_run:
        next_run.publish()
        assert shown(next_run) == [(DAYS[0], "open"), (DAYS[1], "closed"), (DAYS[2], "open")]


def test_a_folder_that_is_gone_is_made_again(store: Store) -> None:
    shutil.rmtree(store.layout.months)
    store.publish()
    assert shown(store) == [(day, "open") for day in DAYS]
