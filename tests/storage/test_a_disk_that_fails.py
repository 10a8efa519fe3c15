"""Wherever the disk refuses, the error is one that names the cure; found by the simulation (seed 23)."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.store import open_store
from tests.storage.test_store import settings_of

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
def test_rows_on_their_way_to_the_ledger(tmp_path: Path, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(settings_of(tmp_path)) as store, monkeypatch.context() as patched:
        patched.setattr("konkurs_pipeline.storage.ledger.validated", lambda _, rows: rows)
        patched.setattr(Path, operation, refuse)
        with pytest.raises(StoreError, match="Make room"):
            store.ledger.append("answers", [ANSWER])


@pytest.mark.parametrize("where", ["answers", "raw_notices"], ids=["an answer", "a table's file"])
def test_what_a_killed_run_left(tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tmp_path)
    with open_store(settings):
        pass
    leftover = settings.data_dir / "lake" / where / ".half.1.tmp"
    leftover.parent.mkdir(parents=True, exist_ok=True)
    leftover.write_bytes(b"half")
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StoreError, match="tidying"), open_store(settings):
        pass


def test_a_ledger_s_seal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tmp_path)
    with open_store(settings):
        pass
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StoreError, match=r"ledger\.duckdb\.sha256"), open_store(settings):
        pass
