"""The actions in the ledger: which were issued, held and released, and how a run's decisions are committed.

One transaction commits a run: its actions, its voids, the released rows, the outbox file with its bytes, and the end of
the poll. Before it nothing is decided. After it the file exists in the ledger, also if the folder does not have it yet.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from konkurs_pipeline.contracts.outbox import Header
from konkurs_pipeline.domain.actions.rows import Action, ActionKind, ActionStatus, Issued
from konkurs_pipeline.domain.actions.settlement import HeldBlock, Settlement
from konkurs_pipeline.domain.matching import MatchedVia
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.storage.files import hash_of
from konkurs_pipeline.storage.handoff.outbox_format import manifest_name, render_all, render_jsonl
from konkurs_pipeline.storage.ledger import action_history
from konkurs_pipeline.storage.ledger.connection import EACH
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.os_user import operating_system_user

_NEVER_WRITTEN = "('held', 'void')"


@dataclass(frozen=True)
class RunDecision:
    """What one run decided, ready to be committed."""

    run_id: str
    decided_at: dt.datetime
    from_workday: dt.date
    to_workday: dt.date
    register_id: str | None
    settlement: Settlement


def issued_actions(ledger: Ledger) -> list[Issued]:
    """Return every BLOCK, REOPEN and REVIEW that the ledger knows, whatever its status."""
    rows = ledger.rows(
        "SELECT action_id, action, notice_uuid, customer_ref, account_no, matched_via, status, was_blocked, caused_by, "
        "coalesce(seq, 0) FROM actions WHERE action IN ('BLOCK', 'REOPEN', 'REVIEW') ORDER BY decided_at, action_id"
    )
    return [
        Issued(action_id, ActionKind(kind), notice_uuid, ref, account_no, MatchedVia(via), ActionStatus(status), *rest)
        for action_id, kind, notice_uuid, ref, account_no, via, status, *rest in rows
    ]


def written_ids(ledger: Ledger, action_ids: Sequence[str]) -> set[str]:
    """Return those of `action_ids` that are in an outbox file."""
    return known_ids(ledger, action_ids, f"status NOT IN {_NEVER_WRITTEN}")


def held_rows(ledger: Ledger) -> list[HeldBlock]:
    """Return the BLOCK rows that are held."""
    rows = ledger.rows("SELECT action_id, notice_uuid, released_at IS NOT NULL FROM actions WHERE status = 'held'")
    return [HeldBlock(*row) for row in rows]


def release(ledger: Ledger, run_id: str, *, by: str, reason: str, now: dt.datetime) -> int:
    """Release the rows that `run_id` held back: the next run writes them. Returns how many.

    It keeps `by` and the operating system's user. Raises `UsageError` if that run holds nothing back.
    """
    with ledger.transaction():
        (count,) = ledger.rows(
            "SELECT count(*) FROM actions WHERE status = 'held' AND released_at IS NULL AND run_id = ?",
            [run_id],
        )[0]
        if not count:
            message = f"run {run_id} holds no rows back that are not released yet: see `konkurs held`"
            raise UsageError(message)
        ledger.execute(
            "UPDATE actions SET released_at = ?, released_by = ?, released_os_user = ?, release_reason = ? "
            "WHERE status = 'held' AND released_at IS NULL AND run_id = ?",
            [now, by, operating_system_user(), reason, run_id],
        )
    return int(count)


def commit(ledger: Ledger, decision: RunDecision, *, bank: str, environment: str) -> Header:
    """Commit what a run decided and its outbox file; must be called within `ledger.transaction()`."""
    header = _next_header(ledger, decision, bank=bank, environment=environment)
    jsonl = render_jsonl(header, decision.settlement.write)
    _store_actions(ledger, decision, header)
    for action_id, reason in decision.settlement.void.items():
        ledger.execute("UPDATE actions SET status = 'void', void_reason = ? WHERE action_id = ?", [reason, action_id])
    settled = [action.action_id for action in (*decision.settlement.write, *decision.settlement.hold)]
    action_history.note(
        ledger, [*settled, *decision.settlement.void], known_at=decision.decided_at, run_id=decision.run_id
    )
    store_file(ledger, header, jsonl, len(decision.settlement.write))
    return header


def store_file(ledger: Ledger, header: Header, jsonl: bytes, action_count: int) -> None:
    """Add an outbox file with its bytes, to be shown; part of the caller's transaction."""
    ledger.append("outbox_files", [_file_row(header, jsonl, action_count)])
    store_content(ledger, header, jsonl)


def store_content(ledger: Ledger, header: Header, jsonl: bytes) -> None:
    """Add the bytes of a file that the ledger knows, to be shown; part of the caller's transaction."""
    manifest = render_all(header.base_name, jsonl)[manifest_name(header.base_name)]
    ledger.execute("INSERT INTO outbox_content VALUES (?, ?, ?)", [header.seq, jsonl, manifest])
    ledger.execute("INSERT INTO outbox_pending VALUES (?, ?)", [header.seq, header.base_name])


def next_in_sequence(ledger: Ledger) -> tuple[int, str | None]:
    """Return the sequence number of the next file, and the hash of the one before it (null: there is none)."""
    last = ledger.rows("SELECT seq, sha256 FROM outbox_files ORDER BY seq DESC LIMIT 1")
    return (last[0][0] + 1, last[0][1]) if last else (1, None)


def _next_header(ledger: Ledger, decision: RunDecision, *, bank: str, environment: str) -> Header:
    seq, previous = next_in_sequence(ledger)
    return Header(
        file_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"konkurs-actions/1/{bank}/{environment}/{decision.run_id}/{seq}")),
        seq=seq,
        prev_sha256=previous,
        bank=bank,
        environment=environment,
        created_at=decision.decided_at,
        run_id=decision.run_id,
        from_workday=decision.from_workday,
        to_workday=decision.to_workday,
        register_sha256=decision.register_id,
    )


def _file_row(header: Header, jsonl: bytes, action_count: int) -> Mapping[str, Any]:
    return {
        "seq": header.seq,
        "file_id": header.file_id,
        "base_name": header.base_name,
        "created_at": header.created_at,
        "run_id": header.run_id,
        "sha256": hash_of(jsonl),
        "prev_sha256": header.prev_sha256,
        "action_count": action_count,
    }


def _store_actions(ledger: Ledger, decision: RunDecision, header: Header) -> None:
    """Add new rows; a row that was held or void before gets its new status and keeps its history.

    A void row loses its release: the release was for what was held then.
    """
    settlement = decision.settlement
    rows = [
        *(_action_row(a, decision, status=ActionStatus.EXPORTED, header=header) for a in settlement.write),
        *(_action_row(a, decision, status=ActionStatus.HELD, header=None) for a in settlement.hold),
    ]
    known = known_ids(ledger, [row["action_id"] for row in rows])
    ledger.append("actions", [row for row in rows if row["action_id"] not in known])
    for row in rows:
        if row["action_id"] in known:
            ledger.execute(
                "UPDATE actions SET status = ?, seq = ?, exported_at = ?, was_blocked = ?, matched_via = ?, "
                "released_at = CASE WHEN status = 'void' THEN NULL ELSE released_at END, "
                "released_by = CASE WHEN status = 'void' THEN NULL ELSE released_by END, "
                "release_reason = CASE WHEN status = 'void' THEN NULL ELSE release_reason END, "
                "void_reason = NULL, run_id = CASE WHEN ? = 'held' THEN ? ELSE run_id END WHERE action_id = ?",
                [
                    row["status"],
                    row["seq"],
                    row["exported_at"],
                    row["was_blocked"],
                    row["matched_via"],
                    row["status"],
                    decision.run_id,
                    row["action_id"],
                ],
            )


def known_ids(ledger: Ledger, action_ids: Sequence[str], where: str = "TRUE") -> set[str]:
    """Return those of `action_ids` that the ledger knows, by default of every status."""
    sql = f"SELECT action_id FROM actions WHERE {where} AND action_id IN (SELECT {EACH})"  # noqa: S608 -- own
    found = ledger.rows(sql, [list(action_ids)])
    return {action_id for (action_id,) in found}


def _action_row(
    action: Action, decision: RunDecision, *, status: ActionStatus, header: Header | None
) -> dict[str, Any]:
    return {
        "action_id": action.action_id,
        "action": action.kind.value,
        "customer_ref": action.customer_ref,
        "account_no": action.account_no,
        "notice_uuid": action.notice.uuid,
        "notice_type": action.notice.type,
        "registered_at_text": action.notice.registered_at_text,
        "registered_at": action.notice.registered_at,
        "ruling_date": action.notice.ruling_date,
        "matched_via": action.matched_via.value,
        "reason": str(action.reason),
        "caused_by": action.caused_by,
        "was_blocked": action.was_blocked,
        "decided_at": decision.decided_at,
        "run_id": decision.run_id,
        "register_id": decision.register_id,
        "status": status.value,
        "seq": header.seq if header else None,
        "exported_at": header.created_at if header else None,
    }


def actions_of_run(ledger: Ledger, run_id: str) -> pl.DataFrame:
    """Return the actions that a run wrote or held."""
    return ledger.read(
        "actions", "run_id = ? OR seq = (SELECT seq FROM outbox_files WHERE run_id = ?)", [run_id, run_id]
    )


def counts(actions: Sequence[Action]) -> dict[str, int]:
    """Return how many actions there are of each kind."""
    return {kind.value: sum(action.kind is kind for action in actions) for kind in ActionKind}
