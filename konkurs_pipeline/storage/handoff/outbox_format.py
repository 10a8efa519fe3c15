"""The bytes of an outbox file (`konkurs-actions/1`): JSON Lines, the same as CSV, and the manifest. Pure.

Rendering is deterministic: the same header and actions give the same bytes. No national identifier and no name stands
in these files. Source: INTERFACES § 5 (docs/outbox.md).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from konkurs_pipeline.domain.actions import POLICY_VERSION, Action, ActionKind
from konkurs_pipeline.domain.foreign_text import shown, without_formula
from konkurs_pipeline.domain.instants import instant_text

SCHEMA: Final = "konkurs-actions/1"
MANIFEST_SCHEMA: Final = "konkurs-actions-manifest/1"
_CSV_COLUMNS: Final = (
    "n",
    "action_id",
    "action",
    "customer_ref",
    "account_no",
    "notice_uuid",
    "notice_type",
    "registered_at",
    "ruling_date",
    "matched_via",
    "reason",
    "caused_by",
)
# JSON lets these stand as they are, and many a reader of lines would end one there.
_LINE_BREAKS: Final = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_ACCOUNT_HASH_MODULUS: Final = 10**11


@dataclass(frozen=True)
class Header:
    """What stands in the first line of a file, and gives it its name."""

    file_id: str
    seq: int
    prev_sha256: str | None
    bank: str
    environment: str
    created_at: dt.datetime
    run_id: str
    from_workday: dt.date
    to_workday: dt.date
    register_sha256: str | None

    @property
    def base_name(self) -> str:
        """The file's name without ending: KONKURS_<BANK>_<ENV>_<seq>_<UTC time>."""
        return f"KONKURS_{self.bank}_{self.environment}_{self.seq:08d}_{self.created_at:%Y%m%dT%H%M%SZ}"

    def record(self) -> dict[str, Any]:
        """Return the header record, keys in the contract's order."""
        return {
            "record": "H",
            "schema": SCHEMA,
            "file_id": self.file_id,
            "seq": self.seq,
            "prev_sha256": self.prev_sha256,
            "bank": self.bank,
            "environment": self.environment,
            "created_at": instant_text(self.created_at),
            "run_id": self.run_id,
            "from_workday": self.from_workday.isoformat(),
            "to_workday": self.to_workday.isoformat(),
            "register_sha256": self.register_sha256,
            "policy": POLICY_VERSION,
        }


def action_record(number: int, action: Action) -> dict[str, Any]:
    """Return an action record, keys in the contract's order."""
    notice = action.notice
    return {
        "record": "A",
        "n": number,
        "action_id": action.action_id,
        "action": action.kind.value,
        "customer_ref": action.customer_ref,
        "account_no": action.account_no,
        "notice_uuid": notice.uuid,
        "notice_type": shown(notice.type),
        "registered_at": notice.registered_at_text,
        "ruling_date": notice.ruling_date.isoformat() if notice.ruling_date else None,
        "matched_via": action.matched_via.value,
        "reason": str(action.reason),
        "caused_by": action.caused_by,
    }


def render_jsonl(header: Header, actions: Sequence[Action]) -> bytes:
    """Return the bytes of the JSON Lines file: header, actions in order, trailer."""
    records = [action_record(number, action) for number, action in enumerate(actions, start=1)]
    before = b"".join(_line(record) for record in (header.record(), *records))
    counts = {kind: sum(action.kind is kind for action in actions) for kind in ActionKind}
    numbers = sum(int(action.account_no) for action in actions if action.account_no)
    trailer = {
        "record": "T",
        "actions": len(actions),
        "BLOCK": counts[ActionKind.BLOCK],
        "REOPEN": counts[ActionKind.REOPEN],
        "REVIEW": counts[ActionKind.REVIEW],
        "INFORM": counts[ActionKind.INFORM],
        "account_hash": numbers % _ACCOUNT_HASH_MODULUS,
        "sha256": sha256(before).hexdigest(),
    }
    return before + _line(trailer)


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).translate(_LINE_BREAKS).encode() + b"\n"


def records_of(jsonl: bytes) -> list[dict[str, Any]]:
    """Read the records of a JSON Lines file that was rendered here; raises ValueError when it is damaged."""
    try:
        records = [json.loads(line) for line in jsonl.decode().removesuffix("\n").split("\n")]
    except RecursionError:
        # The parser's own way to say that something is nested too deep.
        records = [None]
    if not all(isinstance(record, dict) for record in records):
        message = "a line of an outbox file is no JSON object"
        raise ValueError(message)
    return records


def header_of(jsonl: bytes) -> Header:
    """Read the header of a JSON Lines file that was rendered here; raises ValueError or KeyError when it is damaged."""
    record = records_of(jsonl)[0]
    same = {name: record[name] for name in ("file_id", "seq", "prev_sha256", "bank", "environment", "run_id")}
    return Header(
        **same,
        created_at=dt.datetime.fromisoformat(record["created_at"]),
        from_workday=dt.date.fromisoformat(record["from_workday"]),
        to_workday=dt.date.fromisoformat(record["to_workday"]),
        register_sha256=record["register_sha256"],
    )


def is_whole(jsonl: bytes) -> bool:
    """Whether a file ends with the trailer that its lines before give."""
    before, _, trailer = jsonl.removesuffix(b"\n").rpartition(b"\n")
    try:
        said = json.loads(trailer)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("sha256") == sha256(before + b"\n").hexdigest()


def render_csv(records: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the CSV of a JSON Lines file's records: its action rows, `;`, quoted, CRLF, formulas neutralised."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(_CSV_COLUMNS)
    for record in records:
        if record["record"] == "A":
            cells = ("" if record[column] is None else str(record[column]) for column in _CSV_COLUMNS)
            writer.writerow([without_formula(cell) for cell in cells])
    return text.getvalue().encode()


def render_manifest(base_name: str, records: Sequence[Mapping[str, Any]], jsonl: bytes, csv_bytes: bytes) -> bytes:
    """Return the manifest: the receiver reads only what has one. `rows` counts the action rows."""
    header, *_, trailer = records
    files = [
        {
            "name": f"{base_name}.{ending}",
            "sha256": sha256(content).hexdigest(),
            "bytes": len(content),
            "rows": trailer["actions"],
        }
        for ending, content in (("jsonl", jsonl), ("csv", csv_bytes))
    ]
    manifest = {"schema": MANIFEST_SCHEMA, "seq": header["seq"], "file_id": header["file_id"], "files": files}
    return json.dumps(manifest, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def manifest_name(base_name: str) -> str:
    """Return the name of the file that a receiver looks for."""
    return f"{base_name}.manifest.json"


def render_all(base_name: str, jsonl: bytes) -> dict[str, bytes]:
    """Return file name → bytes for one outbox file, in the order to show them: the manifest last."""
    records = records_of(jsonl)
    csv_bytes = render_csv(records)
    return {
        f"{base_name}.jsonl": jsonl,
        f"{base_name}.csv": csv_bytes,
        manifest_name(base_name): render_manifest(base_name, records, jsonl, csv_bytes),
    }
