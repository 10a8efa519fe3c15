"""Reads receipts from core banking at the start of every run: what became of each action.

A receipt is set aside with the reason, and changes nothing, if it is unreadable, is for an unknown file, or has another
sha256. Each version of a receipt (its bytes) is taken once. An unchanged file is not read again. Source: docs/outbox.md.
What does not belong here: which receipts a run checks (settled_receipts).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from konkurs_pipeline.contracts.receipt import Receipt, UnreadableReceiptError, parse_receipt
from konkurs_pipeline.domain.actions.receipts import ReceiptOutcome
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.files import hash_of, make_private_folder
from konkurs_pipeline.storage.handoff.answers import TakenAnswers, take_answers
from konkurs_pipeline.storage.handoff.outbox import RECEIPT_SUFFIX
from konkurs_pipeline.storage.handoff.receipts_folder import (
    MOST_BYTES,
    NoReceiptError,
    read_bytes,
    receipts_in,
    shown_name,
    versions_of,
)
from konkurs_pipeline.storage.handoff.settled_receipts import choose, note_settled
from konkurs_pipeline.storage.ledger.connection import EACH
from konkurs_pipeline.storage.ledger.database import Ledger

# Core banking writes here as another user of the same group.
_RECEIPTS_FOLDER_MODE: Final = 0o770
# How many bytes a receipt may have for each action of its file: several answers, with codes.
_LEAST_LIMIT: Final = 1024 * 1024
_BYTES_AN_ACTION: Final = 1024
# A receipt of this size cannot fill the memory. A larger one is noted before it is parsed: if the run dies of it, the
# next run sets it aside.
_HARMLESS_BYTES: Final = 1024 * 1024
_INTERRUPTED: Final = "a run ended while it read this receipt: it is read again when it is put there again"
_NEEDS_A_PERSON: Final = "(outcome = 'set_aside' OR unknown_action_count > 0 OR future_time_count > 0)"


class _SetAsideError(ValueError):
    """Why a receipt changes nothing."""


@dataclass(frozen=True)
class _Version:
    """One version of a receipt. `digest` null: its bytes could not be read."""

    name: str
    digest: str | None

    @property
    def file(self) -> str:
        """The base name of the outbox file that it names."""
        return self.name.removesuffix(RECEIPT_SUFFIX)


# What the ledger says of the versions of a receipt: (name, hash) → outcome and detail.
_Known = dict[_Version, tuple[str, str]]


def prepare_folder(folder: Path) -> None:
    """Create the folder if it is missing; core banking writes to it. Raises `StoreError`."""
    make_private_folder(folder, mode=_RECEIPTS_FOLDER_MODE)


def read_receipts(ledger: Ledger, folder: Path, now: dt.datetime) -> list[str]:
    """Read the receipts that are new or changed; returns a line for each that a person must look at.

    If the folder cannot be read, that is such a line too: a block must not wait for a receipt.
    """
    try:
        prepare_folder(folder)
        present = receipts_in(folder)
        choice = choose(ledger, present, now)
        standing = versions_of(folder, choice.names)
    except StoreError as error:
        return [f"receipts cannot be read: {error}"]
    except OSError as error:
        return [f"receipts cannot be read: {error.strerror} {folder}"]
    seen = choice.seen
    shown = {name: shown_name(name) for name in standing}
    changed = {
        name: shown[name]
        for name, version in sorted(standing.items())
        if version is None or seen.get(shown[name]) != version
    }
    lines, done = _read_changed(ledger, folder, changed, now)
    read = {changed[name]: version for name in done if (version := standing[name])}
    forgotten = {*changed.values(), *(seen.keys() - set(shown.values()))}
    gone = _gone(ledger, shown.values(), choice.settled)
    _note_standing(ledger, sorted(gone), sorted(forgotten), read, now)
    if not choice.settled:
        note_settled(ledger, present, (seen.keys() - forgotten) | read.keys(), now)
    return lines


def _read_changed(
    ledger: Ledger, folder: Path, changed: Mapping[str, str], now: dt.datetime
) -> tuple[list[str], list[str]]:
    """Read receipts (file name → shown name); returns the lines for a person, and the names that are done with."""
    known, limits = _known(ledger, [*changed.values()]), _limits(ledger, [*changed.values()])
    lines, done = list[str](), list[str]()
    for name, shown in changed.items():
        line, is_done = _read_one(ledger, folder / name, limits.get(shown, _LEAST_LIMIT), known, now)
        lines += [line] if line else []
        done += [name] if is_done else []
    return lines, done


def _gone(ledger: Ledger, standing: Iterable[str], settled: Collection[str]) -> set[str]:
    """Return the receipts that need a person and are no longer in the folder."""
    flagged = ledger.rows(f"SELECT DISTINCT name FROM receipts WHERE gone_at IS NULL AND {_NEEDS_A_PERSON}")  # noqa: S608 -- own
    gone = {name for (name,) in flagged}.difference(standing)
    # Searching the many settled names is done only if there is something to find.
    return gone.difference(settled) if gone else gone


def _known(ledger: Ledger, names: list[str]) -> _Known:
    sql = f"SELECT name, sha256, outcome, detail FROM receipts WHERE name IN (SELECT {EACH}) ORDER BY read_at"  # noqa: S608 -- own
    return {_Version(name, digest): (outcome, detail) for name, digest, outcome, detail in ledger.rows(sql, [names])}


def _limits(ledger: Ledger, names: list[str]) -> dict[str, int]:
    """Return name → how many bytes the receipt may have, by the actions of the file that it names."""
    files = [name.removesuffix(RECEIPT_SUFFIX) for name in names]
    sql = f"SELECT base_name, action_count FROM outbox_files WHERE base_name IN (SELECT {EACH})"  # noqa: S608 -- own
    return {
        base_name + RECEIPT_SUFFIX: min(MOST_BYTES, max(_LEAST_LIMIT, count * _BYTES_AN_ACTION))
        for base_name, count in ledger.rows(sql, [files])
    }


def _read_one(ledger: Ledger, path: Path, limit: int, known: _Known, now: dt.datetime) -> tuple[str | None, bool]:
    """Read one receipt; returns the line for a person, if any, and whether this version is done with."""
    name = shown_name(path.name)
    try:
        content = _read(path, limit)
    except (NoReceiptError, OSError) as error:
        reason = str(error) if isinstance(error, NoReceiptError) else f"it cannot be read: {error.strerror}"
        return _set_aside_unread(ledger, _Version(name, None), reason, known, now), isinstance(error, NoReceiptError)
    version = _Version(name, hash_of(content))
    outcome, detail = known.get(version, (None, None))
    if outcome == ReceiptOutcome.READING:
        return _settle(ledger, version, _row(version, now, ReceiptOutcome.SET_ASIDE, _INTERRUPTED), known), True
    if outcome is not None and detail != _INTERRUPTED:
        ledger.execute("UPDATE receipts SET gone_at = NULL WHERE name = ? AND gone_at IS NOT NULL", [name])
        return None, True
    if len(content) > _HARMLESS_BYTES:
        _settle(ledger, version, _row(version, now, ReceiptOutcome.READING, "a run is reading it"), known)
    with ledger.transaction():
        row = _take(ledger, version, content, now)
        return _settle(ledger, version, row, known), True


# A function of its own, so that a test can count what is read.
_read = read_bytes


def _set_aside_unread(ledger: Ledger, version: _Version, reason: str, known: _Known, now: dt.datetime) -> str | None:
    if known.get(version) == (ReceiptOutcome.SET_ASIDE, reason):
        return None
    return _settle(ledger, version, _row(version, now, ReceiptOutcome.SET_ASIDE, reason), known)


def _settle(ledger: Ledger, version: _Version, row: dict[str, Any], known: _Known) -> str | None:
    """Replace the note that a run reads the version by the result; returns the line for a person, if any."""
    if version in known:
        ledger.execute(
            "DELETE FROM receipts WHERE name = ? AND sha256 = ? AND (outcome = 'reading' OR detail = ?)",
            [version.name, version.digest, _INTERRUPTED],
        )
    ledger.append("receipts", [row])
    known[version] = (row["outcome"], row["detail"])
    if row["outcome"] == ReceiptOutcome.SET_ASIDE:
        return f"receipt set aside: {version.name}: {row['detail']}"
    is_flagged = row["unknown_action_count"] or row["future_time_count"]
    return f"receipt understood in part: {version.name}: {row['detail']}" if is_flagged else None


def _row(version: _Version, now: dt.datetime, outcome: ReceiptOutcome, detail: str) -> dict[str, Any]:
    unread = dict.fromkeys(("seq", "file_id", "unknown_action_count", "future_time_count", "gone_at"))
    return {
        "name": version.name,
        "sha256": version.digest,
        "read_at": now,
        "outcome": outcome.value,
        "detail": detail,
        **unread,
    }


def _take(ledger: Ledger, version: _Version, content: bytes, now: dt.datetime) -> dict[str, Any]:
    """Record the answers in a receipt's bytes; returns its row."""
    try:
        receipt = parse_receipt(content)
        seq = _seq_of(ledger, version, receipt)
        taken = take_answers(ledger, seq, receipt, source=version.name, now=now)
        _refuse_strangers(receipt, taken)
    except UnreadableReceiptError as error:
        reason = f"it cannot be read as a receipt (konkurs-receipt/1): {error}"
        return _row(version, now, ReceiptOutcome.SET_ASIDE, reason)
    except _SetAsideError as error:
        return _row(version, now, ReceiptOutcome.SET_ASIDE, str(error))
    return {
        **_row(version, now, ReceiptOutcome.TAKEN, f"{receipt.status}: {taken}"),
        "seq": seq,
        "file_id": receipt.file_id,
        "unknown_action_count": taken.unknown,
        "future_time_count": taken.in_future,
    }


def _seq_of(ledger: Ledger, version: _Version, receipt: Receipt) -> int:
    """Return the sequence number of the file that the receipt is for."""
    files = ledger.rows("SELECT seq, base_name, sha256 FROM outbox_files WHERE file_id = ?", [receipt.file_id])
    if not files:
        message = "it is for a file that was never written"
        raise _SetAsideError(message)
    seq, base_name, digest = files[0]
    if version.file != base_name:
        message = "its name is not that of the file it is for"
        raise _SetAsideError(message)
    if receipt.sha256 != digest:
        message = "its sha256 is not that of the file that was written"
        raise _SetAsideError(message)
    return int(seq)


def _refuse_strangers(receipt: Receipt, taken: TakenAnswers) -> None:
    """Raise if a receipt says nothing about the file and names only actions that are not in it."""
    if receipt.status == "RECEIVED" and receipt.actions and taken.unknown == taken.named:
        message = f"none of the {taken.named} actions that it names stands in the file"
        raise _SetAsideError(message)


def _note_standing(
    ledger: Ledger, gone: list[str], forgotten: list[str], read: Mapping[str, str], now: dt.datetime
) -> None:
    """Note which versions need not be read again, and which receipts for a person are gone from the folder."""
    if not (gone or forgotten):
        return
    with ledger.transaction():
        ledger.execute(
            f"UPDATE receipts SET gone_at = ? WHERE gone_at IS NULL AND name IN (SELECT {EACH})",  # noqa: S608 -- own
            [now, gone],
        )
        ledger.execute(f"DELETE FROM receipts_seen WHERE name IN (SELECT {EACH})", [forgotten])  # noqa: S608 -- own
        ledger.execute(f"INSERT INTO receipts_seen SELECT {EACH}, {EACH}", [[*read], [*read.values()]])
