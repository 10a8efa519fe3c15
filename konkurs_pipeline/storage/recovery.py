"""A ledger that is not the newest: how it is noticed, and how it takes over from the outbox what it lacks.

A ledger restored from yesterday's copy does not know what was decided since. Going on would use the same sequence numbers,
and issue the same actions, a second time. So nothing is decided on it: a person restores a newer copy, or lets it take
over the files that core banking was shown. They are in the outbox, chained by their hashes, so nothing is believed that
this pipeline did not write. What belongs here: noticing and taking over. What does not: whether files and tables are
whole (outbox, sealed).
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from konkurs_pipeline.errors import StoreError, UsageError
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.schemas.tables import LEDGER
from konkurs_pipeline.storage import decisions, polls
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger import Ledger
from konkurs_pipeline.storage.outbox import Outbox
from konkurs_pipeline.storage.outbox_format import Header, header_of, records_of
from konkurs_pipeline.storage.published import Published

_CURE: Final = (
    "Nothing was decided. Restore the newest copy of the ledger, or, if there is none, take over from the outbox what it "
    "lacks: `konkurs recover`"
)


def refuse_old_ledger(layout: Layout, ledger: Ledger, outbox: Outbox) -> None:
    """Raise `StoreError` when others know files that the ledger does not, or it is not what the last run left."""
    unknown = unknown_files(layout, ledger, outbox)
    if unknown:
        message = (
            f"the ledger {layout.ledger} is older than what was handed over: {unknown[0]} is not in it"
            f"{_and_more(unknown)} (or somebody put it in the outbox). {_CURE}"
        )
        raise StoreError(message)
    if ledger.doubt:
        raise StoreError(ledger.doubt)


def _and_more(names: Sequence[str]) -> str:
    return f", nor are {len(names) - 1} more" if len(names) > 1 else ""


def unknown_files(layout: Layout, ledger: Ledger, outbox: Outbox) -> list[str]:
    """Return the base names of files that the outbox or the published tables know and the ledger does not, in sequence."""
    known = {name for (name,) in ledger.rows("SELECT base_name FROM outbox_files")}
    return sorted({*outbox.base_names(), *_published_names(layout)} - known)


def _published_names(layout: Layout) -> list[str]:
    try:
        return Published(layout).read("outbox_files")["base_name"].to_list()
    except StoreError:
        # They are made anew by every run: damage there is no reason to stop.
        return []


def recover(  # noqa: PLR0913 -- the parts of an open store, and the evidence, all by name
    *, layout: Layout, ledger: Ledger, outbox: Outbox, by: str, reason: str, now: dt.datetime
) -> list[str]:
    """Let the ledger take over the files it does not know; returns their base names, in sequence.

    Each must follow the one before it by sequence and hash, and be whole. Who and why is kept in `polls`. Raises
    `StoreError` when one is missing or is not ours, `UsageError` when there is nothing to recover.
    """
    unknown = unknown_files(layout, ledger, outbox)
    if not unknown and ledger.doubt is None:
        message = "there is nothing to recover: the ledger knows every file that was handed over"
        raise UsageError(message)
    for table in LEDGER:
        # Reading every row holds every block against its checksum.
        ledger.read(table)
    with ledger.transaction():
        was_blocked = _was_blocked(layout)
        for base_name in unknown:
            _take_over(ledger, outbox, base_name, was_blocked)
            _record_poll(ledger, header_of(outbox.jsonl_of(base_name)), by, reason)
        _record_recovery(ledger, unknown, by=by, reason=reason, now=now)
    ledger.trust()
    return unknown


def _take_over(ledger: Ledger, outbox: Outbox, base_name: str, was_blocked: Mapping[str, bool | None]) -> None:
    jsonl = outbox.jsonl_of(base_name)
    header = header_of(jsonl)
    expected_seq, previous = decisions.next_in_sequence(ledger)
    if (header.base_name, header.seq, header.prev_sha256) != (base_name, expected_seq, previous):
        message = (
            f"{base_name} does not follow the last file that the ledger knows ({expected_seq - 1}): one between them is "
            "gone, or it is not ours. Put back what core banking was shown, or restore a newer copy of the ledger"
        )
        raise StoreError(message)
    rows = [_action_row(header, record, was_blocked) for record in records_of(jsonl) if record["record"] == "A"]
    known = decisions.known_ids(ledger, [row["action_id"] for row in rows])
    ledger.append("actions", [row for row in rows if row["action_id"] not in known])
    for action_id in known:
        # It was held when the copy was made, and was released since.
        ledger.execute(
            "UPDATE actions SET status = 'exported', seq = ?, exported_at = ?, void_reason = NULL WHERE action_id = ?",
            [header.seq, header.created_at, action_id],
        )
    decisions.store_file(ledger, header, jsonl, len(rows))


def _action_row(header: Header, record: Mapping[str, Any], was_blocked: Mapping[str, bool | None]) -> dict[str, Any]:
    ruling_date = record["ruling_date"]
    return {
        **{name: record[name] for name in ("action_id", "action", "customer_ref", "account_no", "notice_uuid")},
        **{name: record[name] for name in ("notice_type", "matched_via", "reason", "caused_by")},
        "registered_at_text": record["registered_at"],
        "ruling_date": dt.date.fromisoformat(ruling_date) if ruling_date else None,
        # Not in the file. Where nobody knows it any more, a person decides on reopening: as if blocked before.
        "was_blocked": was_blocked.get(record["action_id"], True),
        "decided_at": header.created_at,
        "run_id": header.run_id,
        "register_id": header.register_sha256,
        "status": "exported",
        "seq": header.seq,
        "exported_at": header.created_at,
    }


def _was_blocked(layout: Layout) -> dict[str, bool | None]:
    """Return action id → whether its account was blocked before, from what the last run published."""
    try:
        published = Published(layout).read("actions")
    except StoreError:
        return {}
    return dict(published.select("action_id", pl.col("was_blocked")).iter_rows())


def _record_poll(ledger: Ledger, header: Header, by: str, reason: str) -> None:
    if ledger.rows("SELECT 1 FROM polls WHERE run_id = ?", [header.run_id]):
        return
    detail = f"taken over from the outbox by {by}: {reason}"
    outcome = polls.Outcome.PARTIAL
    polls.record(
        ledger, header.run_id, (header.from_workday, header.to_workday), outcome, redact(detail), header.created_at
    )


def _record_recovery(ledger: Ledger, names: Sequence[str], *, by: str, reason: str, now: dt.datetime) -> None:
    detail = f"no poll: the ledger was recovered by {by}: {reason}; {len(names)} files were taken over from the outbox"
    today = (now.date(), now.date())
    polls.record(ledger, str(uuid.uuid4()), today, polls.Outcome.FAILED, redact(detail), now)
