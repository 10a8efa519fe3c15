"""The journal of control requests: one line of JSON for each, added under a lock of its own.

A poll may hold the ledger for minutes. A trustee's request must not wait for it, and must not be lost. So the journal is
a file beside the ledger, synced to the disk before the request is answered (docs/decisions/0046).
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl

from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.requests import ControlRequests
from konkurs_pipeline.schemas.table import SQL_TYPES, dtypes, frame, validated
from konkurs_pipeline.storage.files import PRIVATE_FILE, storage_errors, write_bytes_atomically
from konkurs_pipeline.storage.layout import Layout

_DATES: Final = tuple(name for name, kind in dtypes(ControlRequests).items() if kind == pl.Date)
_INSTANTS: Final = tuple(name for name, kind in dtypes(ControlRequests).items() if kind.base_type() is pl.Datetime)


def record_request(layout: Layout, row: dict[str, Any]) -> None:
    """Add a row, synced to the disk. Raises `StoreError` if it cannot be written: then the request is not answered."""
    (checked,) = validated(ControlRequests, frame(ControlRequests, [row])).to_dicts()
    line = (json.dumps({name: _as_text(value) for name, value in checked.items()}) + "\n").encode()
    where = layout.control_requests
    with storage_errors(f"recording a request in {where}"), _locked(where) as descriptor:
        _append(descriptor, line)


def forget_requests(layout: Layout, request_ids: Collection[str]) -> None:
    """Remove rows by replacing the journal whole; a request that comes meanwhile waits for the new journal."""
    if not request_ids:
        return
    with storage_errors(f"writing {layout.control_requests} again"), _locked(layout.control_requests):
        lines = layout.control_requests.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if line.endswith(b"\n") and json.loads(line)["request_id"] not in request_ids]
        write_bytes_atomically(layout.control_requests, b"".join(kept))


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Open and lock the journal. While we wait for the lock, it may be replaced: then open the new one."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def recorded_requests(layout: Layout) -> pl.DataFrame:
    """Return every request on record, oldest first."""
    if not layout.control_requests.is_file():
        return frame(ControlRequests, [])
    whole, _, _ = layout.control_requests.read_bytes().rpartition(b"\n")
    try:
        rows = [_from_text(json.loads(line)) for line in whole.splitlines()]
    except (ValueError, KeyError):
        message = f"{layout.control_requests} cannot be read: restore it from a copy"
        raise StoreError(message) from None
    return frame(ControlRequests, rows)


def requests_query(path_literal: str) -> str:
    """Return the query of the view; a line that is still being written is no row."""
    columns = ", ".join(f'"{name}": {SQL_TYPES[kind]!r}' for name, kind in dtypes(ControlRequests).items())
    read = f"read_json({path_literal}, format='newline_delimited', ignore_errors=true, columns={{{columns}}})"
    return f"SELECT * FROM {read} WHERE request_id IS NOT NULL"  # noqa: S608 -- own names


def _append(descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    # After a crash the last line may be incomplete. Its request was not answered, so the line goes.
    end = _end_of_last_line(descriptor, size)
    if end != size:
        os.ftruncate(descriptor, end)
    try:
        written = os.write(descriptor, line)
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, end)
        raise
    if written != len(line):
        os.ftruncate(descriptor, end)
        message = "the disk is full"
        raise OSError(message)


def _end_of_last_line(descriptor: int, size: int) -> int:
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return size
    return os.pread(descriptor, size, 0).rfind(b"\n") + 1


def _as_text(value: object) -> object:
    if isinstance(value, dt.datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def _from_text(row: dict[str, Any]) -> dict[str, Any]:
    dates = {name: dt.date.fromisoformat(row[name]) if row[name] else None for name in _DATES}
    instants = {name: dt.datetime.fromisoformat(row[name]) if row[name] else None for name in _INSTANTS}
    return {**row, **dates, **instants}
