"""Two stand-ins for core banking. They read the outbox by docs/outbox.md and nothing else of the pipeline.

The strict one fails on any duplicate, gap or changed byte. The forgiving one carries out each action_id once and so shows the
result of a tolerant receiver. Both must agree.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tests.simulation.oracle import Row

Record = dict[str, Any]
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "konkurs-actions/1")


class BrokenPromiseError(AssertionError):
    """The outbox breaks a promise of docs/outbox.md."""


class StrictReceiver:
    """Reads every file once, in sequence, and verifies each promise. `files`: base name → bytes of its three files."""

    def __init__(self, outbox: Path) -> None:
        self._outbox = outbox
        self._seq = 0
        self._previous: str | None = None
        self.files: dict[str, tuple[bytes, ...]] = {}
        self.row_of: dict[str, Row] = {}
        self.doubled: list[str] = []

    def read_new(self) -> list[tuple[str, list[Record]]]:
        """Return the run and the action records of each file not read before, in sequence."""
        manifests = sorted(self._outbox.glob("*.manifest.json"))
        return [self._read(path) for path in manifests if _base(path) not in self.files]

    def _read(self, manifest_path: Path) -> tuple[str, list[Record]]:
        base, manifest = _base(manifest_path), json.loads(manifest_path.read_bytes())
        contents = [(self._outbox / file["name"]).read_bytes() for file in manifest["files"]]
        for file, content in zip(manifest["files"], contents, strict=True):
            self._holds(file["sha256"] == _sha256(content) and file["bytes"] == len(content), f"{base}: manifest")
        header, *actions, trailer = [json.loads(line) for line in contents[0].decode().splitlines()]
        self._holds(header["seq"] == manifest["seq"] == self._seq + 1, f"{base}: the sequence goes on")
        self._holds(int(base.split("_")[3]) == header["seq"], f"{base}: the name has the sequence number")
        self._holds(header["prev_sha256"] == self._previous, f"{base}: the chain goes on")
        before = contents[0][: contents[0].rstrip(b"\n").rindex(b"\n") + 1]
        self._holds(trailer["sha256"] == _sha256(before), f"{base}: the trailer's hash")
        self._holds(trailer["actions"] == len(actions) == manifest["files"][0]["rows"], f"{base}: the trailer's count")
        accounts = sum(int(action["account_no"]) for action in actions if action["account_no"])
        self._holds(trailer["account_hash"] == accounts % 10**11, f"{base}: the account hash")
        self._holds([r["n"] for r in actions] == list(range(1, len(actions) + 1)), f"{base}: rows are counted")
        rows = list(csv.DictReader(io.StringIO(contents[1].decode()), delimiter=";"))
        self._holds([r["action_id"] for r in rows] == [r["action_id"] for r in actions], f"{base}: the CSV is the same")
        for action in actions:
            self._take(action, base)
        self._seq, self._previous = header["seq"], _sha256(contents[0])
        self.files[base] = (*contents, manifest_path.read_bytes())
        return header["run_id"], actions

    def _take(self, action: Record, base: str) -> None:
        row = Row(action["action"], action["customer_ref"], action["account_no"], action["notice_uuid"])
        text = f"{row.notice}|{row.customer}|{row.account or '*'}|{row.action}"
        self._holds(action["action_id"] == str(uuid.uuid5(_NAMESPACE, text)), f"{base}: the id is that of the decision")
        if action["action_id"] in self.row_of:
            self.doubled.append(f"{base}: {action['action_id']}")
        if action["action"] == "REOPEN" or action["caused_by"]:
            cause = self.row_of.get(action["caused_by"])
            kinds = {"BLOCK"} if action["action"] == "REOPEN" else {"BLOCK", "REVIEW"}
            is_answer = cause is not None and cause[1:3] == row[1:3] and cause.action in kinds
            self._holds(is_answer, f"{base}: a REOPEN names the BLOCK that it answers, a REVIEW the BLOCK or REVIEW")
        self.row_of[action["action_id"]] = row

    def verify_unchanged(self) -> None:
        """Check that every file still has the bytes that were read."""
        for base, contents in self.files.items():
            names = (f"{base}.jsonl", f"{base}.csv", f"{base}.manifest.json")
            now = tuple((self._outbox / name).read_bytes() for name in names)
            self._holds(now == contents, f"{base}: a file once shown is never changed")

    def digest(self) -> str:
        """Return one hash over all handed-over files."""
        return _sha256(b"".join(content for base in sorted(self.files) for content in self.files[base]))

    @staticmethod
    def _holds(is_kept: bool, promise: str) -> None:  # noqa: FBT001 -- whether the promise is kept
        if not is_kept:
            raise BrokenPromiseError(promise)


class ForgivingReceiver:
    """Carries out actions by their id. A second copy changes nothing, and a missing file is not requested."""

    def __init__(self) -> None:
        self._done: set[str] = set()
        self._blocks: dict[str, str] = {}

    def carry_out(self, actions: Iterable[Record]) -> None:
        """Block and reopen."""
        for action in actions:
            if action["action_id"] not in self._done and action["account_no"]:
                self._done.add(action["action_id"])
                if action["action"] == "BLOCK":
                    self._blocks[action["action_id"]] = action["account_no"]
                elif action["action"] == "REOPEN":
                    self._blocks.pop(action["caused_by"], None)

    @property
    def blocked(self) -> set[str]:
        """The accounts that are blocked now."""
        return set(self._blocks.values())


def _base(manifest: Path) -> str:
    return manifest.name.removesuffix(".manifest.json")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
