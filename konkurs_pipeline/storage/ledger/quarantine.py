"""The quarantine: what could not be understood or contradicts itself, with its reason, until a later run resolves it.

An open entry of a notice means that the notice can lead to REVIEW only (domain/actions/policy).
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from konkurs_pipeline.domain.notices import QuarantineReason
from konkurs_pipeline.storage.files import hash_of
from konkurs_pipeline.storage.ledger.database import Ledger

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "konkurs-quarantine/1")


@dataclass(frozen=True)
class Entry:
    """One thing set aside. `uuid` and `workday` are null if none could be read; `detail` quotes no value.

    `first_seen_at` and `answer_sha256`: when an answer first held it, and which; an entry of an older version has no
    hash. `debtor_id`: the debtor that the notice or document names; null: it was not read.
    """

    uuid: str | None
    workday: dt.date | None
    reason: QuarantineReason
    detail: str
    payload: str
    first_seen_at: dt.datetime
    answer_sha256: str | None = None
    debtor_id: str | None = None

    @property
    def entry_id(self) -> str:
        """The id, the same for the same problem in every run: from notice and reason, else from what was received."""
        return str(uuid.uuid5(_NAMESPACE, json.dumps([self.reason, self.uuid or self.payload])))


def record(ledger: Ledger, entries: Sequence[Entry]) -> int:
    """Open the entries that are not open yet, also resolved ones again. Returns how many were opened.

    If a notice changed more than once, the newest version counts: its debtor must be matched too.
    """
    opened = 0
    for entry in {entry.entry_id: entry for entry in entries}.values():
        known = ledger.rows("SELECT resolved_at, payload FROM quarantine WHERE entry_id = ?", [entry.entry_id])
        if not known:
            ledger.append("quarantine", [_row(entry)])
        elif known[0][0] is not None or known[0][1] != entry.payload:
            ledger.execute(
                "UPDATE quarantine SET resolved_at = NULL, payload = ?, answer_sha256 = ?, debtor_id = ? WHERE entry_id = ?",
                [entry.payload, entry.answer_sha256, entry.debtor_id, entry.entry_id],
            )
        opened += not known or known[0][0] is not None
    return opened


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "entry_id": entry.entry_id,
        "uuid": entry.uuid,
        "workday": entry.workday,
        "reason": entry.reason.value,
        "detail": entry.detail,
        "payload": entry.payload,
        "first_seen_at": entry.first_seen_at,
        "answer_sha256": entry.answer_sha256,
        "debtor_id": entry.debtor_id,
    }


def resolve(ledger: Ledger, entry_ids: Collection[str], now: dt.datetime) -> None:
    """Close entries that a run could read or found right."""
    for entry_id in entry_ids:
        ledger.execute("UPDATE quarantine SET resolved_at = ? WHERE entry_id = ?", [now, entry_id])


def open_entries(ledger: Ledger) -> list[Entry]:
    """Return the open entries."""
    rows = ledger.rows(
        "SELECT uuid, workday, reason, detail, payload, first_seen_at, answer_sha256, debtor_id FROM quarantine "
        "WHERE resolved_at IS NULL ORDER BY entry_id"
    )
    return [Entry(uid, workday, QuarantineReason(reason), *rest) for uid, workday, reason, *rest in rows]


def answer_of(ledger: Ledger, entry: Entry) -> str:
    """Return the hash of the answer that first held the entry's notice or document.

    An older version did not record it: then return the last answer before the entry.
    """
    if entry.answer_sha256 is not None:
        return entry.answer_sha256
    before = "SELECT sha256 FROM answers WHERE fetched_at <= ? ORDER BY fetched_at DESC LIMIT 1"
    rows = ledger.rows(before, [entry.first_seen_at])
    return str(rows[0][0]) if rows else hash_of(b"")


def flaws(entries: Sequence[Entry]) -> dict[str, str]:
    """Return notice uuid → reason, for the entries that have a uuid; of several reasons, the first in order."""
    ordered = sorted((e for e in entries if e.uuid), key=lambda e: list(QuarantineReason).index(e.reason), reverse=True)
    return {entry.uuid: entry.reason.value for entry in ordered if entry.uuid}
