"""What years of polls leave behind: for each poll an outbox file, its receipt and their rows in the ledger.

Most polls find nothing new, and nobody has removed a file. The product's own code renders the files, in seconds.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from konkurs_pipeline.contracts.outbox import Header
from konkurs_pipeline.storage.files import hash_of
from konkurs_pipeline.storage.handoff import decisions
from konkurs_pipeline.storage.handoff.outbox_format import manifest_name, render_all, render_jsonl
from konkurs_pipeline.storage.ledger.connection import each_record
from konkurs_pipeline.storage.ledger.database import Ledger

_TABLES: Final = ("polls", "answers", "outbox_files", "receipts")
_AT_ONCE: Final = 5000
_FIRST: Final = dt.datetime(2024, 1, 2, 7, tzinfo=dt.UTC)
# The product reads a receipt again that was written within the last seconds.
_UNTIL_AT_REST_S: Final = 6


@dataclass(frozen=True)
class _Bank:
    """What all files of the bank have in common."""

    name: str
    environment: str
    register_id: str


def add(store: Path, receipts: Path, count: int) -> None:
    """Add `count` polls to the store, after those that it has, and their receipts to a folder."""
    shutil.rmtree(receipts, ignore_errors=True)
    receipts.mkdir(parents=True)
    ledger = Ledger(store / "ledger" / "ledger.duckdb")
    bank = _Bank("DEMO", "demo", ledger.rows("SELECT max(register_id) FROM registers")[0][0])
    (answer,) = ledger.read("answers", "resource <> '' ORDER BY byte_count DESC LIMIT 1").to_dicts()
    for first in range(0, count, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, count))
        rows: dict[str, list[dict[str, Any]]] = {table: [] for table in _TABLES}
        contents = []
        for header, jsonl, files in _files(ledger, bank, numbers):
            for name, content in files.items():
                (store / "outbox" / name).write_bytes(content)
            receipt = _receipt(header, jsonl)
            name = f"{header.base_name}.receipt.json"
            (receipts / name).write_bytes(receipt)
            for table, row in _rows(header, jsonl, name, receipt, answer).items():
                rows[table].append(row)
            manifest = files[manifest_name(header.base_name)].decode()
            contents.append({"seq": header.seq, "jsonl": jsonl.decode(), "manifest": manifest})
        with ledger.transaction():
            for table in _TABLES:
                ledger.append(table, rows[table])
            _add_contents(ledger, contents)
    ledger.close()
    time.sleep(_UNTIL_AT_REST_S)


def _files(ledger: Ledger, bank: _Bank, numbers: Sequence[int]) -> Iterator[tuple[Header, bytes, Mapping[str, bytes]]]:
    seq, previous = decisions.next_in_sequence(ledger)
    for number in numbers:
        at = _FIRST + dt.timedelta(seconds=number)
        file_id, run_id = (str(uuid.uuid5(uuid.NAMESPACE_OID, f"{what} {number}")) for what in ("file", "run"))
        header = Header(
            file_id=file_id,
            seq=seq,
            prev_sha256=previous,
            bank=bank.name,
            environment=bank.environment,
            created_at=at,
            run_id=run_id,
            from_workday=at.date(),
            to_workday=at.date(),
            register_sha256=bank.register_id,
        )
        jsonl = render_jsonl(header, [])
        yield header, jsonl, render_all(header.base_name, jsonl)
        seq, previous = seq + 1, hash_of(jsonl)


def _receipt(header: Header, jsonl: bytes) -> bytes:
    said = {"schema": "konkurs-receipt/1", "file_id": header.file_id, "sha256": hash_of(jsonl)}
    return json.dumps({**said, "status": "RECEIVED", "code": None, "actions": []}).encode()


def _rows(
    header: Header, jsonl: bytes, receipt_name: str, receipt: bytes, answer: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    at, day = header.created_at, header.from_workday
    poll = {"run_id": header.run_id, "started_at": at, "ended_at": at, "from_workday": day, "to_workday": day}
    return {
        "polls": {**poll, "outcome": "nothing_new", "notices_seen": 50, "notices_new": 0},
        # All these answers have the same bytes, so the lake keeps them once.
        "answers": {**answer, "run_id": header.run_id, "fetched_at": at},
        "outbox_files": {
            "seq": header.seq,
            "file_id": header.file_id,
            "base_name": header.base_name,
            "created_at": at,
            "run_id": header.run_id,
            "sha256": hash_of(jsonl),
            "prev_sha256": header.prev_sha256,
            "action_count": 0,
        },
        "receipts": {
            "name": receipt_name,
            "sha256": hash_of(receipt),
            "read_at": at,
            "outcome": "taken",
            "detail": "RECEIVED: 0 of 0 actions",
        },
    }


def _add_contents(ledger: Ledger, contents: list[dict[str, Any]]) -> None:
    records = each_record(seq="BIGINT", jsonl="VARCHAR", manifest="VARCHAR")
    sql = f"INSERT INTO outbox_content SELECT seq, encode(jsonl), encode(manifest) FROM (SELECT {records})"  # noqa: S608
    ledger.execute(sql, [contents])
