"""Receipts from core banking: what became of each action. Read at the start of every run; later ones add to earlier ones.

A receipt that is unreadable, for an unknown file, or whose sha256 differs is set aside with the reason and changes
nothing. Each version of a receipt (its bytes) is read once. Source: INTERFACES § 6 (docs/outbox.md).
"""

from __future__ import annotations

import datetime as dt
import os
import stat
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, ValidationError

from konkurs_pipeline.domain.identifiers import is_utf8
from konkurs_pipeline.json_strict import RefusedJsonError, parse_strictly
from konkurs_pipeline.storage import action_history, decisions
from konkurs_pipeline.storage.files import hash_of, make_private_folder
from konkurs_pipeline.storage.ledger import Ledger
from konkurs_pipeline.storage.outbox import RECEIPT_SUFFIX

# Core banking writes here as another user of the same group.
_RECEIPTS_FOLDER_MODE: Final = 0o770
_MAX_BYTES: Final = 64 * 1024 * 1024


class _ActionStatus(StrEnum):
    APPLIED = "APPLIED"
    ALREADY_APPLIED = "ALREADY_APPLIED"
    REJECTED = "REJECTED"
    PENDING = "PENDING"


def _written_as_text(value: object) -> object:
    # pydantic would take 1535986800, and "1535986800", for seconds since 1970.
    if value is None or (isinstance(value, str) and "T" in value):
        return value
    message = "a time is written as ISO text"
    raise ValueError(message)


def _in_utc(instant: dt.datetime) -> dt.datetime:
    try:
        return instant.astimezone(dt.UTC)
    except OverflowError:
        message = "a time that UTC cannot hold"
        raise ValueError(message) from None


def _storable(text: str) -> str:
    if is_utf8(text):
        return text
    message = "text that cannot be written as UTF-8"
    raise ValueError(message)


_Text = Annotated[str, AfterValidator(_storable)]
_Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class _ReceivedAction(BaseModel):
    model_config = ConfigDict(extra="ignore")
    action_id: _Text
    status: _ActionStatus
    code: _Text | None = None
    at: Annotated[_Instant | None, BeforeValidator(_written_as_text)] = None


class _Receipt(BaseModel):
    # `schema` is a method of pydantic's own models.
    model_config = ConfigDict(extra="ignore", alias_generator=lambda name: name.rstrip("_"))
    schema_: Literal["konkurs-receipt/1"]
    file_id: _Text
    sha256: _Text
    status: Literal["RECEIVED", "REJECTED"]
    code: _Text | None = None
    actions: list[_ReceivedAction] = []


class _SetAsideError(ValueError):
    """Why a receipt changes nothing."""


def read_receipts(ledger: Ledger, folder: Path, now: dt.datetime) -> list[str]:
    """Take in the receipts that are new or changed; returns a line for each that was set aside."""
    make_private_folder(folder, mode=_RECEIPTS_FOLDER_MODE)
    set_aside = []
    for path in sorted(folder.glob(f"*{RECEIPT_SUFFIX}")):
        content = _read(path)
        digest = hash_of(content)
        # A name may be bytes that are no UTF-8, and the ledger holds text.
        name = os.fsencode(path.name).decode(errors="backslashreplace")
        if ledger.rows("SELECT 1 FROM receipts WHERE name = ? AND sha256 = ?", [name, digest]):
            continue
        with ledger.transaction():
            try:
                outcome, detail = "taken", _take(ledger, name, content, now)
            except _SetAsideError as error:
                outcome, detail = "set_aside", str(error)
                set_aside.append(f"{name}: {detail}")
            ledger.append(
                "receipts",
                [{"name": name, "sha256": digest, "read_at": now, "outcome": outcome, "detail": detail}],
            )
    return set_aside


def _read(path: Path) -> bytes:
    try:
        found = path.stat()
        # A pipe would be waited for, a device read without end.
        is_readable = stat.S_ISREG(found.st_mode) and found.st_size <= _MAX_BYTES
        return path.read_bytes() if is_readable else b""
    except OSError:
        return b""


def _take(ledger: Ledger, name: str, content: bytes, now: dt.datetime) -> str:
    receipt = _parse(content)
    files = ledger.rows("SELECT seq, base_name, sha256 FROM outbox_files WHERE file_id = ?", [receipt.file_id])
    if not files:
        message = "it is for a file that was never written"
        raise _SetAsideError(message)
    seq, base_name, digest = files[0]
    if name != base_name + RECEIPT_SUFFIX:
        message = "its name is not that of the file it is for"
        raise _SetAsideError(message)
    if receipt.sha256 != digest:
        message = "its sha256 is not that of the file that was written"
        raise _SetAsideError(message)
    if receipt.status == "REJECTED":
        _reject_all(ledger, seq, receipt.code, now)
        action_history.note(ledger, decisions.ids_in_file(ledger, seq), known_at=now, source=name)
    changed = 0
    for action in receipt.actions:
        if _apply(ledger, seq, action, now):
            action_history.note(ledger, [action.action_id], known_at=now, reported_at=action.at, source=name)
            changed += 1
    return f"{receipt.status}: {changed} of {len(receipt.actions)} actions"


def _parse(content: bytes) -> _Receipt:
    try:
        return _Receipt.model_validate(parse_strictly(content))
    except (RefusedJsonError, ValidationError):
        message = "it cannot be read as a receipt (konkurs-receipt/1)"
        raise _SetAsideError(message) from None


def _reject_all(ledger: Ledger, seq: int, code: str | None, now: dt.datetime) -> None:
    """Record that a file was refused as a whole: none of its actions was carried out, unless another receipt said so."""
    ledger.execute(
        "UPDATE actions SET status = 'rejected', status_code = ?, confirmed_at = ? WHERE seq = ? AND status = 'exported'",
        [code, now, seq],
    )


def _apply(ledger: Ledger, seq: int, action: _ReceivedAction, now: dt.datetime) -> bool:
    """Record what became of one action; one that was carried out stays so, whatever a later receipt says."""
    if action.status is _ActionStatus.PENDING:
        return False
    before = ledger.rows("SELECT status FROM actions WHERE action_id = ? AND seq = ?", [action.action_id, seq])
    if not before or before[0][0] not in ("exported", "rejected"):
        return False
    ledger.execute(
        "UPDATE actions SET status = ?, status_code = ?, confirmed_at = ? WHERE action_id = ?",
        [action.status.value.lower(), action.code, action.at or now, action.action_id],
    )
    return True
