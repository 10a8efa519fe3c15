"""Receipts from core banking: what became of each action. Read at the start of every run; later ones add to earlier ones.

A receipt that is unreadable, for an unknown file, or whose sha256 differs is set aside with the reason and changes
nothing. Each version of a receipt (its bytes) is taken once; a file that did not change since is not read again: nobody
need ever empty the folder, and ten years of polls leave 83 000. Source: INTERFACES § 6 (docs/outbox.md).
"""

from __future__ import annotations

import datetime as dt
import os
import stat
import time
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, ValidationError

from konkurs_pipeline.domain.identifiers import is_utf8
from konkurs_pipeline.json_strict import RefusedJsonError, parse_strictly
from konkurs_pipeline.storage.files import hash_of, make_private_folder
from konkurs_pipeline.storage.handoff import decisions
from konkurs_pipeline.storage.handoff.outbox import RECEIPT_SUFFIX
from konkurs_pipeline.storage.ledger import action_history
from konkurs_pipeline.storage.ledger.database import EACH, Ledger, each_record

# Core banking writes here as another user of the same group.
_RECEIPTS_FOLDER_MODE: Final = 0o770
_MAX_BYTES: Final = 64 * 1024 * 1024
# What core banking carried out stays so.
_OPEN_TO_CHANGE: Final = ("exported", "rejected")
_REPORTED: Final = each_record(action_id="VARCHAR", status="VARCHAR", status_code="VARCHAR", confirmed_at="TIMESTAMPTZ")
_APPLY: Final = f"""
UPDATE actions SET status = r.status, status_code = r.status_code, confirmed_at = r.confirmed_at
FROM (SELECT {_REPORTED}) r WHERE actions.action_id = r.action_id
"""  # noqa: S608 -- own constants
# More than the grain of any file system's clock.
_AT_REST_S: Final = 5


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
    """Take in the receipts that are new or changed; returns a line for each that was set aside.

    A folder that cannot be looked at is such a line too: a block must not wait for a receipt.
    """
    make_private_folder(folder, mode=_RECEIPTS_FOLDER_MODE)
    try:
        standing = _versions(folder)
    except OSError as error:
        return [f"receipts cannot be looked at: {error.strerror} {folder}"]
    seen = dict(ledger.rows("SELECT name, version FROM receipts_seen"))
    changed = sorted(name for name, version in standing.items() if version is None or seen.get(_text(name)) != version)
    set_aside = []
    read: dict[str, str] = {}
    known = _known(ledger, [_text(name) for name in changed])
    for name in changed:
        content = _read(folder / name)
        key = (_text(name), hash_of(content))
        if key not in known and (reason := _take_in(ledger, *key, content, now)):
            set_aside.append(f"receipt set aside: {_text(name)}: {reason}")
        known.add(key)
        if content and (version := standing[name]):
            read[_text(name)] = version
    _note_seen(ledger, forgotten=[*map(_text, changed), *(seen.keys() - set(map(_text, standing)))], read=read)
    return set_aside


def _known(ledger: Ledger, names: list[str]) -> set[tuple[str, str]]:
    """Return name and hash of every version of these receipts that was taken in, or set aside."""
    found = ledger.rows(f"SELECT name, sha256 FROM receipts WHERE name IN (SELECT {EACH})", [names])  # noqa: S608 -- own
    return {(name, digest) for name, digest in found}


def _versions(folder: Path) -> dict[str, str | None]:
    """Return what tells each receipt in the folder from another of the same name: looked at and not read.

    Null where nothing tells: it is gone again, or so new that it could be written once more within the clock's grain.
    """
    at_rest_since = time.time() - _AT_REST_S
    with os.scandir(folder) as entries:
        return {entry.name: _version(entry, at_rest_since) for entry in entries if entry.name.endswith(RECEIPT_SUFFIX)}


def _version(entry: os.DirEntry[str], at_rest_since: float) -> str | None:
    try:
        found = entry.stat()
    except OSError:
        return None
    if max(found.st_mtime, found.st_ctime) > at_rest_since:
        return None
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def _text(name: str) -> str:
    # A name may be bytes that are no UTF-8, and the ledger holds text.
    return name if name.isascii() else os.fsencode(name).decode(errors="backslashreplace")


def _take_in(ledger: Ledger, name: str, digest: str, content: bytes, now: dt.datetime) -> str | None:
    """Take in a new version of a receipt; returns why, where it is set aside."""
    with ledger.transaction():
        try:
            outcome, detail = "taken", _take(ledger, name, content, now)
        except _SetAsideError as error:
            outcome, detail = "set_aside", str(error)
        row = {"name": name, "sha256": digest, "read_at": now, "outcome": outcome, "detail": detail}
        ledger.append("receipts", [row])
    return detail if outcome == "set_aside" else None


def _note_seen(ledger: Ledger, *, forgotten: list[str], read: dict[str, str]) -> None:
    """Note the versions that were read, so that they are not read again."""
    if forgotten:
        with ledger.transaction():
            ledger.execute(f"DELETE FROM receipts_seen WHERE name IN (SELECT {EACH})", [forgotten])  # noqa: S608 -- own
            ledger.execute(f"INSERT INTO receipts_seen SELECT {EACH}, {EACH}", [[*read], [*read.values()]])


def _read(path: Path) -> bytes:
    """Return the bytes of a receipt, none where it cannot be read."""
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
    changed = _changed(ledger, seq, receipt.actions)
    _apply(ledger, changed.values(), now)
    reported_at = {action_id: action.at for action_id, action in changed.items()}
    action_history.note(ledger, changed, known_at=now, reported_at=reported_at, source=name)
    return f"{receipt.status}: {len(changed)} of {len(receipt.actions)} actions"


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


def _changed(ledger: Ledger, seq: int, said: Sequence[_ReceivedAction]) -> dict[str, _ReceivedAction]:
    """Return what the receipt changes of the file's actions, by action_id: of several words on one the last that counts.

    One that was carried out stays so, whatever is said later.
    """
    status_of = dict(ledger.rows("SELECT action_id, status FROM actions WHERE seq = ?", [seq]))
    changed: dict[str, _ReceivedAction] = {}
    for action in said:
        if action.status is not _ActionStatus.PENDING and status_of.get(action.action_id) in _OPEN_TO_CHANGE:
            status_of[action.action_id] = action.status.value.lower()
            changed[action.action_id] = action
    return changed


def _apply(ledger: Ledger, changed: Iterable[_ReceivedAction], now: dt.datetime) -> None:
    """Record what became of the actions, all at once: a receipt may speak of tens of thousands."""
    rows = [
        {
            "action_id": action.action_id,
            "status": action.status.value.lower(),
            "status_code": action.code,
            "confirmed_at": action.at or now,
        }
        for action in changed
    ]
    ledger.execute(_APPLY, [rows])
