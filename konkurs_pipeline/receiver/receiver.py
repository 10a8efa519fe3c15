"""Takes new outbox files in sequence and answers each with a receipt, as core banking must.

`receiver.json` in the receipts folder records what it has taken: the last file of the sequence and every action_id. So it
recognises a file that is sent again and an action_id that comes twice. What does not belong here: the checks of one file
(checks.py).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from konkurs_pipeline.contracts.outbox import Header, Manifest
from konkurs_pipeline.contracts.receipt import RECEIPT_SCHEMA, Receipt, ReceiptAction
from konkurs_pipeline.domain.actions.receipts import ActionAnswer
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.receiver.checks import ReadFile, RefusalCode, RefusedFileError, read_file, read_manifest

_MANIFEST_SUFFIX: Final = ".manifest.json"
_STATE_NAME: Final = "receiver.json"


class ReceiverState(BaseModel):
    """What was taken so far. `files`: file_id → SHA-256; `action_ids`: carried out or handed to a person."""

    model_config = ConfigDict(extra="forbid")

    bank: str | None = None
    environment: str | None = None
    seq: int = 0
    sha256: str | None = None
    files: dict[str, str] = {}
    action_ids: set[str] = set()


@dataclass(frozen=True)
class FileResult:
    """The result of one outbox file. `refused` null: it was taken."""

    base_name: str
    new: int
    known: int
    refused: str | None = None


def receive(outbox: Path, receipts: Path, now: dt.datetime) -> Iterator[FileResult]:
    """Take the files that have no receipt yet, in sequence; yields the result of each, and stops at the first refused.

    Creates the receipts folder if it is missing. Raises `UsageError` if a folder cannot be used.
    """
    _require_folders(outbox, receipts)
    taken = _read_state(receipts / _STATE_NAME)
    for manifest_path in sorted(outbox.glob(f"*{_MANIFEST_SUFFIX}"), key=_place):
        base_name = manifest_path.name.removesuffix(_MANIFEST_SUFFIX)
        receipt_path = receipts / f"{base_name}.receipt.json"
        if receipt_path.exists() and _seq_in(base_name) <= taken.seq:
            continue
        answer = _answer(manifest_path, receipt_path, taken, now)
        yield answer
        if answer.refused:
            return


def _require_folders(outbox: Path, receipts: Path) -> None:
    if not outbox.is_dir():
        message = f"{outbox} is no folder; expected: the outbox, which the first run creates"
        raise UsageError(message)
    try:
        receipts.mkdir(exist_ok=True)
    except OSError as error:
        message = f"the receipts folder {receipts} cannot be made ({error.strerror}): name one that you may write to"
        raise UsageError(message) from None


def _place(manifest: Path) -> tuple[int, str]:
    return _seq_in(manifest.name), manifest.name


def _seq_in(name: str) -> int:
    """Return the sequence number in a file name; 0 if it has none."""
    parts = name.split("_")
    return int(parts[3]) if len(parts) > 3 and parts[3].isdecimal() else 0  # noqa: PLR2004 -- KONKURS, bank, environment, seq


def _answer(manifest_path: Path, receipt_path: Path, taken: ReceiverState, now: dt.datetime) -> FileResult:
    base_name = manifest_path.name.removesuffix(_MANIFEST_SUFFIX)
    manifest: Manifest | None = None
    try:
        manifest = read_manifest(manifest_path.read_bytes(), base_name)
        paths = [manifest_path.with_name(file.name) for file in manifest.files]
        file = read_file(manifest, {path.name: path.read_bytes() for path in paths if path.is_file()}, base_name)
        _check_place(file, taken)
    except RefusedFileError as error:
        # No receipt: at a gap the file itself is in order, and an unreadable manifest does not say which file it is for.
        if manifest and error.code is not RefusalCode.SEQ_GAP:
            _write_receipt(receipt_path, manifest.file_id, manifest.files[0].sha256, [], refused=error.code)
        return FileResult(base_name, 0, 0, str(error))
    answers = _carry_out(file, taken, now)
    _note(file, taken)
    # Record first, then write the receipt: if the receipt is lost, the file is answered again with ALREADY_APPLIED.
    _write(receipt_path.with_name(_STATE_NAME), taken.model_dump_json().encode())
    _write_receipt(receipt_path, file.header.file_id, file.sha256, answers)
    known = sum(answer.status is ActionAnswer.ALREADY_APPLIED for answer in answers)
    return FileResult(base_name, len(answers) - known, known)


def _check_place(file: ReadFile, taken: ReceiverState) -> None:
    """Raise unless the file is the next of its sequence, or the same as one that was taken before."""
    header = file.header
    if (taken.bank or header.bank, taken.environment or header.environment) != (header.bank, header.environment):
        raise RefusedFileError(RefusalCode.WRONG_PLACE, "it is of another bank or environment")
    if header.seq <= taken.seq:
        _refuse_changed(header, file.sha256, taken)
    elif header.seq != taken.seq + 1:
        reason = f"file {taken.seq + 1} is missing before {header.seq}: nothing is carried out until it is there"
        raise RefusedFileError(RefusalCode.SEQ_GAP, reason)
    elif header.prev_sha256 != taken.sha256:
        raise RefusedFileError(RefusalCode.CHAIN_BROKEN, "prev_sha256 is not the hash of the file before it")


def _refuse_changed(header: Header, sha256: str, taken: ReceiverState) -> None:
    if taken.files.get(header.file_id) != sha256:
        reason = "this place of the sequence was taken by other bytes"
        raise RefusedFileError(RefusalCode.CHANGED_AFTERWARDS, reason)


def _carry_out(file: ReadFile, taken: ReceiverState, now: dt.datetime) -> list[ReceiptAction]:
    """Return an answer for each action, in order. Here core banking would block, reopen, or call a person."""
    answers = []
    for action in file.actions:
        is_known = action.action_id in taken.action_ids
        status = ActionAnswer.ALREADY_APPLIED if is_known else ActionAnswer.APPLIED
        answers.append(ReceiptAction(action_id=action.action_id, status=status, code=None, at=now))
        taken.action_ids.add(action.action_id)
    return answers


def _note(file: ReadFile, taken: ReceiverState) -> None:
    header = file.header
    taken.bank, taken.environment = header.bank, header.environment
    taken.files[header.file_id] = file.sha256
    if header.seq > taken.seq:
        taken.seq, taken.sha256 = header.seq, file.sha256


def _write_receipt(
    path: Path, file_id: str, sha256: str, answers: list[ReceiptAction], *, refused: RefusalCode | None = None
) -> None:
    receipt = Receipt(
        schema_=RECEIPT_SCHEMA,
        file_id=file_id,
        sha256=sha256,
        status="REJECTED" if refused else "RECEIVED",
        code=refused.value if refused else None,
        actions=answers,
    )
    _write(path, receipt.model_dump_json(by_alias=True).encode())


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: the pipeline may read the folder at any moment."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror}): name a receipts folder that you may write to"
        raise UsageError(message) from None


def _read_state(path: Path) -> ReceiverState:
    if not path.exists():
        return ReceiverState()
    try:
        return ReceiverState.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        message = f"{path} cannot be read as the receiver's own notes: put back a copy, or remove it to begin again"
        raise UsageError(message) from None
