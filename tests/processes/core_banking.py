"""Core banking as a test has it: reads what has a manifest, and fails on a gap, a duplicate or a wrong byte."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

Row = tuple[str, ...]
_TOLD = ("action_id", "action", "customer_ref", "account_no", "notice_uuid", "reason", "caused_by")


def received(outbox: Path) -> list[Row]:
    """Return the action rows that were handed over, in order."""
    rows: list[Row] = []
    previous: str | None = None
    for seq, manifest in enumerate(sorted(outbox.glob("*.manifest.json")), start=1):
        said = json.loads(manifest.read_bytes())
        for file in said["files"]:
            content = (outbox / file["name"]).read_bytes()
            assert (sha256(content).hexdigest(), len(content)) == (file["sha256"], file["bytes"]), file["name"]
        jsonl = (outbox / said["files"][0]["name"]).read_bytes()
        header, *actions, trailer = (json.loads(line) for line in jsonl.splitlines())
        assert (said["seq"], header["seq"], header["prev_sha256"]) == (seq, seq, previous), "a gap, or another chain"
        assert trailer["actions"] == len(actions) == said["files"][0]["rows"]
        rows += [_row(action) for action in actions]
        previous = sha256(jsonl).hexdigest()
    assert len({row[0] for row in rows}) == len(rows), "an action was handed over twice"
    return rows


def _row(action: dict[str, Any]) -> Row:
    return tuple(str(action[name]) for name in _TOLD)
