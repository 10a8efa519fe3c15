"""The ledger's record of erasures: what was erased, when and why, and which notices are never taken in again."""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from konkurs_pipeline.storage.files import hash_of
from konkurs_pipeline.storage.ledger.connection import EACH
from konkurs_pipeline.storage.ledger.database import Ledger


def erased_uuids(ledger: Ledger) -> set[str]:
    """Return the uuids of all notices that were erased."""
    return {uid for (uid,) in ledger.rows("SELECT uuid FROM erased_notices")}


def erased_among(ledger: Ledger, uuids: Collection[str]) -> set[str]:
    """Return those of `uuids` that were erased."""
    sql = f"SELECT uuid FROM erased_notices WHERE uuid IN (SELECT {EACH})"  # noqa: S608 -- own constant
    return {uid for (uid,) in ledger.rows(sql, [list(uuids)])}


def erased_debtors_among(ledger: Ledger, debtor_ids: Collection[str]) -> set[str]:
    """Return those of `debtor_ids` that a notice named which was erased."""
    marks = {mark_of(ledger, debtor_id): debtor_id for debtor_id in debtor_ids}
    sql = f"SELECT DISTINCT debtor_mark FROM erased_notices WHERE debtor_mark IN (SELECT {EACH})"  # noqa: S608 -- own constant
    return {marks[mark] for (mark,) in ledger.rows(sql, [list(marks)])}


def mark_of(ledger: Ledger, debtor_id: str) -> str:
    """Return the keyed hash that stands for a debtor once its number is erased. The key never leaves the ledger."""
    rows = ledger.rows("SELECT key FROM erasure_key")
    if not rows:
        ledger.execute("INSERT INTO erasure_key VALUES (?)", [secrets.token_bytes(32)])
        rows = ledger.rows("SELECT key FROM erasure_key")
    return hmac.digest(bytes(rows[0][0]), debtor_id.encode(), "sha256").hex()


def begin(
    ledger: Ledger,
    erased: Mapping[str, Sequence[Mapping[str, Any]]],
    counts: Mapping[str, Mapping[str, int]],
    *,
    by: str,
    now: dt.datetime,
) -> str:
    """Record what is erased from now on, by rule, and return the erasure's id; part of the caller's transaction.

    `erased`: rule → rows of `erased_notices`, without what is the same in all. `counts`: rule → the other counts of its row.
    """
    erasure_id = str(uuid.uuid4())
    for rule, rows in erased.items():
        same = {"rule": rule, "erasure_id": erasure_id, "erased_at": now}
        uuids = "\n".join(sorted(row["uuid"] for row in rows))
        summary = {"erasure_id": erasure_id, "rule": rule, "started_at": now, "erased_by": by, **counts[rule]}
        ledger.append("erasures", [{**summary, "notice_count": len(rows), "uuids_sha256": hash_of(uuids.encode())}])
        ledger.append("erased_notices", [{**row, **same} for row in rows])
    return erasure_id


def are_unfinished(ledger: Ledger) -> bool:
    """Whether an erasure began and did not end: it was killed."""
    return bool(ledger.rows("SELECT 1 FROM erasures WHERE finished_at IS NULL LIMIT 1"))


def finish(ledger: Ledger, now: dt.datetime) -> None:
    """Record that nothing is left of what was to be erased."""
    ledger.execute("UPDATE erasures SET finished_at = ? WHERE finished_at IS NULL", [now])


def erase_answers(ledger: Ledger, kept: Mapping[str, str | None], now: dt.datetime) -> None:
    """Record what stays of answers: the hash they came with → the hash of what is kept of them, null: nothing."""
    for digest, remains in kept.items():
        ledger.execute(
            "UPDATE answers SET erased_at = ?, kept_sha256 = ? WHERE coalesce(kept_sha256, sha256) = ?",
            [now, remains, digest],
        )


def whole_answers(ledger: Ledger) -> list[tuple[str, str, dt.datetime]]:
    """Return resource, hash of what is kept, and time of every answer of which something is kept."""
    return [
        (resource, digest, fetched_at)
        for resource, digest, fetched_at in ledger.rows(
            "SELECT resource, coalesce(kept_sha256, sha256), fetched_at FROM answers "
            "WHERE erased_at IS NULL OR kept_sha256 IS NOT NULL"
        )
    ]


def remove_quarantine(ledger: Ledger, uuids: Collection[str], entry_ids: Iterable[str]) -> None:
    """Remove the entries of these notices, and these entries."""
    ledger.execute(f"DELETE FROM quarantine WHERE uuid IN (SELECT {EACH})", [sorted(uuids)])  # noqa: S608 -- own constant
    ledger.execute(f"DELETE FROM quarantine WHERE entry_id IN (SELECT {EACH})", [sorted(entry_ids)])  # noqa: S608 -- own constant
