"""The bytes of an outbox file (`konkurs-actions/1`): JSON Lines, the same as CSV, and the manifest. Pure.

Rendering is deterministic: the same header and actions give the same bytes. No national identifier and no name stands
in these files. Source: docs/outbox.md.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from konkurs_pipeline.contracts.outbox import (
    ACCOUNT_HASH_MODULUS,
    CSV_COLUMNS,
    ActionRecord,
    Header,
    Manifest,
    ManifestFile,
    Trailer,
    Written,
)
from konkurs_pipeline.domain.actions.rows import Action, ActionKind
from konkurs_pipeline.domain.foreign_text import shown, without_formula
from konkurs_pipeline.storage.files import hash_of

# JSON allows these unescaped, but many readers would end a line at one of them.
_LINE_BREAKS: Final = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def action_record(number: int, action: Action) -> ActionRecord:
    """Return the record of an action."""
    notice = action.notice
    return ActionRecord(
        n=number,
        action_id=action.action_id,
        action=action.kind,
        customer_ref=action.customer_ref,
        account_no=action.account_no,
        notice_uuid=notice.uuid,
        notice_type=shown(notice.type),
        registered_at=notice.registered_at_text,
        ruling_date=notice.ruling_date,
        matched_via=action.matched_via,
        reason=str(action.reason),
        caused_by=action.caused_by,
    )


def render_jsonl(header: Header, actions: Sequence[Action]) -> bytes:
    """Return the bytes of the JSON Lines file: header, actions in order, trailer."""
    records = [action_record(number, action) for number, action in enumerate(actions, start=1)]
    before = b"".join(_line(record) for record in (header, *records))
    counts = Counter(action.kind for action in actions)
    trailer = Trailer(
        actions=len(actions),
        BLOCK=counts[ActionKind.BLOCK],
        REOPEN=counts[ActionKind.REOPEN],
        REVIEW=counts[ActionKind.REVIEW],
        INFORM=counts[ActionKind.INFORM],
        account_hash=account_hash(action.account_no for action in actions),
        sha256=hash_of(before),
    )
    return before + _line(trailer)


def account_hash(account_numbers: Iterable[str | None]) -> int:
    """Return the sum of the account numbers modulo 10^11; null counts as 0."""
    return sum(int(number) for number in account_numbers if number) % ACCOUNT_HASH_MODULUS


def _line(record: Written) -> bytes:
    return _json(record.as_written()).translate(_LINE_BREAKS).encode() + b"\n"


def _json(content: Mapping[str, object]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def records_of(jsonl: bytes) -> list[dict[str, Any]]:
    """Read the records of a JSON Lines file; raises `ValueError` if a line is no JSON object."""
    try:
        records = [json.loads(line) for line in jsonl.decode().removesuffix("\n").split("\n")]
    except RecursionError:
        # The parser raises RecursionError for JSON that is nested too deep.
        records = [None]
    if not all(isinstance(record, dict) for record in records):
        message = "a line of an outbox file is no JSON object"
        raise ValueError(message)
    return records


def header_of(jsonl: bytes) -> Header:
    """Read the header of a JSON Lines file that was rendered here; raises `ValueError` if it is damaged."""
    return Header.model_validate(records_of(jsonl)[0])


def is_whole(jsonl: bytes) -> bool:
    """Whether a file ends with the trailer that follows from the lines before it."""
    before, _, last = jsonl.removesuffix(b"\n").rpartition(b"\n")
    try:
        trailer = json.loads(last)
    except (ValueError, RecursionError):
        return False
    return isinstance(trailer, dict) and trailer.get("sha256") == hash_of(before + b"\n")


def render_csv(records: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the CSV of a JSON Lines file's records: its action rows, `;`, quoted, CRLF, formulas neutralised."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for record in records:
        if record["record"] == "A":
            cells = ("" if record[column] is None else str(record[column]) for column in CSV_COLUMNS)
            writer.writerow([without_formula(cell) for cell in cells])
    return text.getvalue().encode()


def render_manifest(base_name: str, records: Sequence[Mapping[str, Any]], jsonl: bytes, csv_bytes: bytes) -> bytes:
    """Return the manifest. The receiver reads only files that have one."""
    header, *_, trailer = records
    files = tuple(
        ManifestFile(
            name=f"{base_name}.{ending}", sha256=hash_of(content), bytes_=len(content), rows=trailer["actions"]
        )
        for ending, content in (("jsonl", jsonl), ("csv", csv_bytes))
    )
    manifest = Manifest(seq=header["seq"], file_id=header["file_id"], files=files)
    return _json(manifest.as_written()).encode() + b"\n"


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
