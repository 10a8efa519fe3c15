"""Receipts of every kind, as core banking may write them, and their effect (docs/outbox.md)."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tests.simulation.core_banking import StrictReceiver
from tests.simulation.oracle import Row

_STATUSES: Final = ("APPLIED", "ALREADY_APPLIED", "PENDING", "REJECTED")
_BROKEN: Final = ("cut", "for an unknown file", "another hash", "equal keys", "unknown status", "another name")


class Receipts:
    """Writes receipts for the files of the strict receiver, and knows which BLOCKs core banking has rejected."""

    def __init__(self, folder: Path, receiver: StrictReceiver, rng: random.Random) -> None:
        self._folder, self._receiver, self._rng = folder, receiver, rng
        self._unread: set[str] = set()
        self._carried_out: set[Row] = set()
        self._rejected: set[Row] = set()
        self.written: Counter[str] = Counter()

    def write_some(self) -> None:
        """Write receipts for some of the files, a file at most once until a poll has read it."""
        bases = [base for base in list(self._receiver.files)[-12:] if base not in self._unread]
        for base in self._rng.sample(bases, min(len(bases), 2)):
            is_broken = self._rng.random() < 0.3
            self._write_broken(base) if is_broken else self._write_good(base)
            self._unread.add(base)

    def were_read(self) -> None:
        """Note that a poll has read all receipts."""
        self._unread.clear()

    def rejected(self) -> set[Row]:
        """Return the BLOCKs that core banking has rejected, for a poll that begins now."""
        return {row for row in self._rejected if row.action == "BLOCK"}

    def _write_good(self, base: str) -> None:
        receipt, rows = self._content_of(base)
        if self._rng.random() < 0.03:
            receipt["status"], receipt["actions"] = "REJECTED", []
            self._rejected |= set(rows.values()) - self._carried_out
            self.written["receipt: file rejected"] += 1
        for action in receipt["actions"]:
            action["status"] = self._rng.choices(_STATUSES, (16, 2, 4, 1))[0]
            self._learn(rows[action["action_id"]], action["status"])
            self.written[f"receipt: {action['status'].lower()}"] += 1
        self._put(base, json.dumps(receipt).encode())

    def _learn(self, row: Row, status: str) -> None:
        """Later receipts add to earlier ones. A carried-out action stays so."""
        if status in ("APPLIED", "ALREADY_APPLIED"):
            if row not in self._carried_out:
                self._carried_out.add(row)
                self._rejected.discard(row)
        elif status == "REJECTED" and row not in self._carried_out:
            self._rejected.add(row)

    def _write_broken(self, base: str) -> None:
        kind = self._rng.choice(_BROKEN)
        receipt, _ = self._content_of(base)
        for action in receipt["actions"]:
            action["status"] = "REJECTED" if kind != "unknown status" else "DONE"
        content = json.dumps(receipt).encode()
        if kind == "cut":
            content = content[: len(content) // 2]
        elif kind == "for an unknown file":
            content = content.replace(receipt["file_id"].encode(), b"00000000-0000-4000-8000-000000000000")
        elif kind == "another hash":
            content = content.replace(receipt["sha256"].encode(), b"0" * 64)
        elif kind == "equal keys":
            content = content[:-1] + b', "status": "REJECTED"}'
        elif kind == "unknown status":
            content = content.replace(b'"RECEIVED"', b'"MAYBE"')
        self._put(f"{base}_copy" if kind == "another name" else base, content)
        self.written[f"broken receipt: {kind}"] += 1

    def _content_of(self, base: str) -> tuple[dict[str, Any], dict[str, Row]]:
        jsonl = self._receiver.files[base][0]
        header, *records, _ = [json.loads(line) for line in jsonl.decode().splitlines()]
        actions = [
            {"action_id": r["action_id"], "status": "", "code": None, "at": header["created_at"]} for r in records
        ]
        digest = hashlib.sha256(jsonl).hexdigest()
        head = {"schema": "konkurs-receipt/1", "file_id": header["file_id"], "sha256": digest, "status": "RECEIVED"}
        rows = {record["action_id"]: self._receiver.row_of[record["action_id"]] for record in records}
        return {**head, "code": None, "actions": actions}, rows

    def _put(self, base: str, content: bytes) -> None:
        path = self._folder / f"{base}.receipt.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_bytes(content)
        path.with_suffix(".new").replace(path)
