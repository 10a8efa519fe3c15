"""The ledger's record of erasures: what was erased, when and why, and which notices are never taken in again."""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from konkurs_pipeline.domain.foreign_text import UNSHOWN
from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.storage.files import hash_of
from konkurs_pipeline.storage.ledger.connection import EACH, each_record
from konkurs_pipeline.storage.ledger.database import Ledger


def erased_uuids(ledger: Ledger) -> set[str]:
    """Return the uuids of all notices that were erased."""
    return {uid for (uid,) in ledger.rows("SELECT uuid FROM erased_notices")}


def erased_among(ledger: Ledger, uuids: Collection[str]) -> set[str]:
    """Return those of `uuids` that were erased."""
    sql = f"SELECT uuid FROM erased_notices WHERE uuid IN (SELECT {EACH})"  # noqa: S608 -- own constant
    return {uid for (uid,) in ledger.rows(sql, [list(uuids)])}


def erased_debtors_among(ledger: Ledger, debtor_ids: Collection[str]) -> set[str]:
    """Return those of `debtor_ids` that an erased notice named."""
    debtors = {mark: debtor_id for debtor_id, mark in marks_of(ledger, debtor_ids).items()}
    sql = f"SELECT DISTINCT debtor_mark FROM erased_notices WHERE debtor_mark IN (SELECT {EACH})"  # noqa: S608 -- own constant
    return {debtors[mark] for (mark,) in ledger.rows(sql, [list(debtors)])}


def marks_of(ledger: Ledger, debtor_ids: Iterable[str]) -> dict[str, str]:
    """Return debtor → the keyed hash that stands for it once its number is erased. The key never leaves the ledger."""
    rows = ledger.rows("SELECT key FROM erasure_key")
    if not rows:
        ledger.execute("INSERT INTO erasure_key VALUES (?)", [secrets.token_bytes(32)])
        rows = ledger.rows("SELECT key FROM erasure_key")
    key = bytes(rows[0][0])
    return {debtor_id: hmac.digest(key, debtor_id.encode(), "sha256").hex() for debtor_id in debtor_ids}


def begin(
    ledger: Ledger,
    erased: Mapping[str, Sequence[Mapping[str, Any]]],
    counts: Mapping[str, Mapping[str, int]],
    *,
    by: str,
    now: dt.datetime,
) -> str:
    """Record, by rule, what counts as erased from now on; returns the erasure's id. Part of the caller's transaction.

    `erased`: rule → rows of `erased_notices`, without the columns that are the same in all. `counts`: rule → its counts.
    """
    erasure_id = str(uuid.uuid4())
    for rule, rows in erased.items():
        same = {"rule": rule, "erasure_id": erasure_id, "erased_at": now}
        uuids = "\n".join(sorted(row["uuid"] for row in rows))
        summary = {"erasure_id": erasure_id, "rule": rule, "started_at": now, "erased_by": by, **counts[rule]}
        ledger.append("erasures", [{**summary, "notice_count": len(rows), "uuids_sha256": hash_of(uuids.encode())}])
        ledger.append("erased_notices", [{**row, **same} for row in rows])
    return erasure_id


def begin_again(ledger: Ledger, erasure_ids: Collection[str]) -> None:
    """Record that these erasures are not done: an old copy of the ledger holds again what they erased."""
    ledger.execute(
        f"UPDATE erasures SET finished_at = NULL WHERE erasure_id IN (SELECT {EACH})",  # noqa: S608 -- own constant
        [sorted(erasure_ids)],
    )


def are_unfinished(ledger: Ledger) -> bool:
    """Whether an erasure began and did not end, because it was killed."""
    return bool(ledger.rows("SELECT 1 FROM erasures WHERE finished_at IS NULL LIMIT 1"))


def finish(ledger: Ledger, now: dt.datetime) -> None:
    """Record that all unfinished erasures are done."""
    ledger.execute("UPDATE erasures SET finished_at = ? WHERE finished_at IS NULL", [now])


@dataclass(frozen=True)
class KeptAnswer:
    """An answer of which something is kept. `sha256`: the hash of what was received; `digest`: of what is kept.

    `erased_at`: when an erasure searched it; null: never, so it is whole.
    """

    run_id: str
    resource: str
    fetched_at: dt.datetime
    sha256: str
    digest: str
    erased_at: dt.datetime | None


def kept_answers(ledger: Ledger) -> list[KeptAnswer]:
    """Return every answer of which something is kept, oldest first."""
    rows = ledger.rows(
        "SELECT run_id, resource, fetched_at, sha256, coalesce(kept_sha256, sha256), erased_at FROM answers "
        "WHERE erased_at IS NULL OR kept_sha256 IS NOT NULL ORDER BY fetched_at"
    )
    return [KeptAnswer(*row) for row in rows]


def erase_answers(ledger: Ledger, kept: Mapping[str, str | None], now: dt.datetime) -> None:
    """Record what is left of answers: the hash of what was kept → the hash of what is kept now; null: nothing."""
    records = [{"digest": digest, "remains": remains} for digest, remains in kept.items()]
    if records:
        ledger.execute(
            "UPDATE answers SET erased_at = ?, kept_sha256 = remains "  # noqa: S608 -- own constants
            f"FROM (SELECT {each_record(digest='VARCHAR', remains='VARCHAR')}) "
            "WHERE coalesce(kept_sha256, sha256) = digest",
            [now, records],
        )


def first_holders_unswept(ledger: Ledger) -> set[str]:
    """Return the hashes of the answers that first held a notice that an unfinished erasure erases."""
    rows = ledger.rows(
        "SELECT DISTINCT answer_sha256 FROM erased_notices "
        "WHERE erasure_id IN (SELECT erasure_id FROM erasures WHERE finished_at IS NULL)"
    )
    return {digest for (digest,) in rows}


def remove_quarantine(ledger: Ledger, uuids: Collection[str], entry_ids: Iterable[str]) -> None:
    """Remove the entries of these notices, and these entries."""
    ledger.execute(f"DELETE FROM quarantine WHERE uuid IN (SELECT {EACH})", [sorted(uuids)])  # noqa: S608 -- own constant
    ledger.execute(f"DELETE FROM quarantine WHERE entry_id IN (SELECT {EACH})", [sorted(entry_ids)])  # noqa: S608 -- own constant


def erase_texts(ledger: Ledger, uuids: Collection[str], now: dt.datetime) -> None:
    """Erase the texts of people and core banking about actions of these notices: a text may hold a name. The actions stay."""
    of_them = f"notice_uuid IN (SELECT {EACH})"
    actions = f"action_id IN (SELECT action_id FROM actions WHERE {of_them})"  # noqa: S608 -- own names
    erased, known = f"erased on {now:%Y-%m-%d}", ", ".join(f"'{kind}'" for kind in NoticeType)
    given = [sorted(uuids)]
    ledger.execute(
        f"UPDATE reviews SET note = ? WHERE {actions} AND note NOT LIKE 'erased on %'",  # noqa: S608 -- own names
        [erased, *given],
    )
    ledger.execute(f"UPDATE action_history SET status_code = NULL WHERE {actions}", given)  # noqa: S608 -- own names
    ledger.execute(
        "UPDATE actions SET status_code = NULL, release_reason = CASE WHEN release_reason IS NULL THEN NULL ELSE ? END, "  # noqa: S608
        f"notice_type = CASE WHEN notice_type IN ({known}) THEN notice_type ELSE ? END "
        f"WHERE {of_them} AND (status_code IS NOT NULL OR release_reason NOT LIKE 'erased on %' "
        f"OR notice_type NOT IN ({known}))",
        [erased, UNSHOWN, *given],
    )
