"""Every write that the disk refuses gives an error that names the cure. The simulation found these (seeds 23 and 201)."""

from __future__ import annotations

import datetime as dt
import errno
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.exceptions import ComputeError

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of, open_store
from tests.storage.test_store import settings_of

NOON = dt.datetime(2018, 9, 3, 12, tzinfo=dt.UTC)
ANSWER = {
    "run_id": "r",
    "resource": "/konkursvarsler",
    "fetched_at": None,
    "sha256": "0" * 64,
    "byte_count": 1,
}


def refuse(*_: Any, **__: Any) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("operation", ["touch", "unlink"])
def test_rows_that_cannot_be_written_to_the_ledger_name_the_cure(
    tmp_path: Path, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(settings_of(tmp_path)) as store, monkeypatch.context() as patched:
        patched.setattr("konkurs_pipeline.storage.ledger.database.validated", lambda _, rows: rows)
        patched.setattr(Path, operation, refuse)
        with pytest.raises(StoreError, match="Make room"):
            store.ledger.append("answers", [ANSWER])


@pytest.mark.parametrize("where", ["answers", "raw_notices"], ids=["an answer", "a table's file"])
def test_leftovers_of_a_killed_run_that_cannot_be_removed_name_the_cure(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(tmp_path)
    with open_store(settings):
        pass
    leftover = settings.data_dir / "lake" / where / ".half.1.tmp"
    leftover.parent.mkdir(parents=True, exist_ok=True)
    leftover.write_bytes(b"half")
    unlink = Path.unlink

    def refuse_the_leftover(path: Path, *, missing_ok: bool = False) -> None:
        if path == leftover:
            refuse()
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse_the_leftover)
    with pytest.raises(StoreError, match="tidying"), open_store(settings):
        pass


def test_a_seal_that_cannot_be_written_names_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tmp_path)
    with open_store(settings):
        pass
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StoreError, match=r"ledger\.duckdb\.sha256"), open_store(settings):
        pass


@pytest.mark.parametrize("failure", [StoreError("the disk"), KeyboardInterrupt()], ids=["the disk", "Ctrl-C"])
def test_a_failed_commit_leaves_no_open_transaction_that_could_be_published(
    tmp_path: Path, failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulation found this (seed 201): published tables had more rows than the ledger, and every later run stopped."""
    settings = settings_of(tmp_path)
    with open_store(settings) as store:
        execute = store.ledger.execute

        def fail_at_commit(sql: str, *parameters: Any) -> None:
            if sql == "COMMIT":
                raise failure
            execute(sql, *parameters)

        with monkeypatch.context() as patched:
            patched.setattr(store.ledger, "execute", fail_at_commit)
            with pytest.raises(type(failure)), store.ledger.transaction():
                store.ledger.append("answers", [ANSWER | {"fetched_at": NOON}])
        store.publish()
        assert store.ledger.read("answers").is_empty()
    assert Published(layout_of(settings)).read("answers").is_empty()


def test_a_full_disk_reported_by_polars_names_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_as_polars(*_: Any, **__: Any) -> None:
        message = "parquet: File out of specification: underlying IO error: No space left on device (os error 28)"
        raise ComputeError(message)

    with open_store(settings_of(tmp_path)) as store, monkeypatch.context() as patched:
        patched.setattr(pl.DataFrame, "write_parquet", refuse_as_polars)
        with pytest.raises(StoreError, match="Make room"):
            store.ledger.append("answers", [ANSWER | {"fetched_at": NOON}])
