"""The checks of one outbox file before a receiver carries anything out: docs/outbox.md, line by line. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError

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
from konkurs_pipeline.domain.foreign_text import without_formula
from konkurs_pipeline.json_strict import RefusedJsonError, parse_strictly

RecordT = TypeVar("RecordT", bound=Written)


class RefusalCode(StrEnum):
    """Why a file is not carried out: the `code` of a receipt."""

    MANIFEST_INVALID = "MANIFEST_INVALID"
    FILE_MISSING = "FILE_MISSING"
    FILE_DAMAGED = "FILE_DAMAGED"
    RECORD_INVALID = "RECORD_INVALID"
    RECORD_ORDER = "RECORD_ORDER"
    TRAILER_WRONG = "TRAILER_WRONG"
    CSV_DIFFERS = "CSV_DIFFERS"
    WRONG_PLACE = "WRONG_PLACE"
    SEQ_GAP = "SEQ_GAP"
    CHAIN_BROKEN = "CHAIN_BROKEN"
    CHANGED_AFTERWARDS = "CHANGED_AFTERWARDS"


class RefusedFileError(ValueError):
    """A file must not be carried out. The text quotes nothing that could be a customer's."""

    def __init__(self, code: RefusalCode, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code


def _refuse(code: RefusalCode, reason: str) -> NoReturn:
    raise RefusedFileError(code, reason)


@dataclass(frozen=True)
class ReadFile:
    """One file that passed every check, except that of its place in the sequence (receiver.py)."""

    header: Header
    actions: tuple[ActionRecord, ...]
    sha256: str


def read_manifest(content: bytes, base_name: str) -> Manifest:
    """Return the manifest of the files called `base_name`; raises `RefusedFileError`."""
    try:
        value = parse_strictly(content)
    except RefusedJsonError as error:
        _refuse(RefusalCode.MANIFEST_INVALID, f"the manifest {error}")
    manifest = _record(Manifest, value, "the manifest", RefusalCode.MANIFEST_INVALID)
    if [file.name for file in manifest.files] != [f"{base_name}.jsonl", f"{base_name}.csv"]:
        _refuse(RefusalCode.MANIFEST_INVALID, "the manifest does not name exactly the .jsonl and the .csv beside it")
    return manifest


def read_file(manifest: Manifest, contents: Mapping[str, bytes], base_name: str) -> ReadFile:
    """Check the files of a manifest and return their content. `contents`: bytes by name. Raises `RefusedFileError`."""
    for file in manifest.files:
        _check_bytes(file, contents.get(file.name))
    jsonl = contents[f"{base_name}.jsonl"]
    header, actions, trailer = records_in(jsonl)
    if header.base_name != base_name or (header.seq, header.file_id) != (manifest.seq, manifest.file_id):
        _refuse(RefusalCode.RECORD_INVALID, "header, manifest and file name do not name the same file")
    check_trailer(trailer, actions, jsonl)
    if any(file.rows != len(actions) for file in manifest.files):
        _refuse(RefusalCode.MANIFEST_INVALID, "the manifest counts other rows than there are")
    _check_csv(contents[f"{base_name}.csv"], actions)
    return ReadFile(header, actions, sha256(jsonl).hexdigest())


def _check_bytes(file: ManifestFile, content: bytes | None) -> None:
    if content is None:
        _refuse(RefusalCode.FILE_MISSING, f"{file.name} is not there")
    if (len(content), sha256(content).hexdigest()) != (file.bytes_, file.sha256):
        _refuse(RefusalCode.FILE_DAMAGED, f"{file.name} has other bytes than its manifest says")


def records_in(jsonl: bytes) -> tuple[Header, tuple[ActionRecord, ...], Trailer]:
    """Return the lines of a .jsonl as valid records in the right order; raises `RefusedFileError`."""
    if not jsonl.endswith(b"\n"):
        _refuse(RefusalCode.RECORD_ORDER, "the last line does not end: the file was cut short")
    # Only LF ends a line. Python's own splitlines() would also end one at U+2028.
    lines = jsonl.removesuffix(b"\n").split(b"\n")
    values = [_line(line, number) for number, line in enumerate(lines, start=1)]
    kinds = "".join(str(value.get("record")) for value in values)
    if kinds != f"H{'A' * (len(lines) - 2)}T":
        _refuse(RefusalCode.RECORD_ORDER, "expected one H, then A, then one T as the last line")
    header = _record(Header, values[0], "line 1")
    numbered = enumerate(values[1:-1], start=1)
    actions = tuple(_record(ActionRecord, value, f"line {number + 1}") for number, value in numbered)
    if [action.n for action in actions] != list(range(1, len(actions) + 1)):
        _refuse(RefusalCode.RECORD_ORDER, "`n` does not count 1, 2, 3, …")
    return header, actions, _record(Trailer, values[-1], "the trailer")


def _line(line: bytes, number: int) -> dict[str, Any]:
    try:
        value = parse_strictly(line)
    except RefusedJsonError as error:
        _refuse(RefusalCode.RECORD_INVALID, f"line {number} {error}")
    if not isinstance(value, dict):
        _refuse(RefusalCode.RECORD_INVALID, f"line {number} is no JSON object")
    return value


def _record(model: type[RecordT], value: object, what: str, code: RefusalCode = RefusalCode.RECORD_INVALID) -> RecordT:
    """Return a record that has exactly the contract's keys, in its order, with values of its form."""
    try:
        record = model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_input=False, include_url=False)[0]["loc"]))
        _refuse(code, f"{what} is not what the schema says, at {place or 'its top level'}")
    if json.dumps(value) != json.dumps(record.as_written()):
        _refuse(code, f"{what} has its keys in another order, or a value in another form")
    return record


def check_trailer(trailer: Trailer, actions: Sequence[ActionRecord], jsonl: bytes) -> None:
    """Raise `RefusedFileError` unless the trailer adds up."""
    counts = Counter(action.action.value for action in actions)
    message = {"BLOCK": trailer.BLOCK, "REOPEN": trailer.REOPEN, "REVIEW": trailer.REVIEW, "INFORM": trailer.INFORM}
    if trailer.actions != len(actions) or any(counts[kind] != count for kind, count in message.items()):
        _refuse(RefusalCode.TRAILER_WRONG, "the trailer counts other actions than there are")
    total = sum(int(action.account_no) for action in actions if action.account_no) % ACCOUNT_HASH_MODULUS
    if trailer.account_hash != total:
        _refuse(RefusalCode.TRAILER_WRONG, "account_hash is not the sum of the account numbers")
    before = jsonl[: jsonl.removesuffix(b"\n").rfind(b"\n") + 1]
    if trailer.sha256 != sha256(before).hexdigest():
        _refuse(RefusalCode.TRAILER_WRONG, "the trailer's sha256 is not that of the lines before it")


def _check_csv(content: bytes, actions: Iterable[ActionRecord]) -> None:
    """Raise unless the CSV has the same rows: `;`, every cell quoted, CRLF, UTF-8 without a byte order mark."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for action in actions:
        written = action.as_written()
        writer.writerow([without_formula("" if written[name] is None else str(written[name])) for name in CSV_COLUMNS])
    if text.getvalue().encode() != content:
        _refuse(RefusalCode.CSV_DIFFERS, "the .csv does not hold the same rows as the .jsonl")
