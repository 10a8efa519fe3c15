"""Detects a ledger that is not the newest, and recovers what it lacks from the outbox.

A ledger restored from yesterday's copy does not know what was decided since. A run on it would use sequence numbers and
issue actions a second time. So nothing is decided on it. A person restores a newer copy, or runs `konkurs recover`: the
ledger then takes over what the last run published and the files that core banking was shown. Their hashes form a chain,
so it takes over only what this pipeline wrote. The same command writes changed files of the outbox again. What does not
belong here: whether files and tables are whole (outbox, lake/hashes).
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from konkurs_pipeline.contracts.outbox import Header
from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.errors import StoreError, UsageError
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.schemas.tables import LEDGER
from konkurs_pipeline.storage.files import hash_of
from konkurs_pipeline.storage.handoff import decisions
from konkurs_pipeline.storage.handoff.outbox import Outbox
from konkurs_pipeline.storage.handoff.outbox_format import header_of, records_of
from konkurs_pipeline.storage.handoff.reviews import missing_reviews, take_missing_reviews
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger import action_history, erasures, polls
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.ledger.folders_left import is_as_left
from konkurs_pipeline.storage.os_user import operating_system_user
from konkurs_pipeline.storage.readers.published import Published, knows_published

_CURE: Final = (
    "Nothing was decided. Restore the newest copy of the ledger, or, if there is none, take over from the outbox what it "
    "lacks: `konkurs recover`"
)


def refuse_old_ledger(layout: Layout, ledger: Ledger, outbox: Outbox) -> None:
    """Raise `StoreError` if the outbox or the published tables know files that the ledger does not, or if it was replaced."""
    is_known = is_as_left(ledger, outbox.folder) and knows_published(ledger, layout.published, "outbox_files")
    unknown = [] if is_known else unknown_files(layout, ledger, outbox)
    if unknown:
        message = (
            f"the ledger {layout.ledger} is older than what was handed over: {unknown[0]} is not in it"
            f"{_and_more(unknown)} (or somebody put it in the outbox). {_CURE}"
        )
        raise StoreError(message)
    lacking = lacking_in_ledger(layout, ledger)
    if lacking:
        message = f"{lacking}. {_CURE}"
        raise StoreError(message)
    if ledger.untrusted_reason:
        raise StoreError(ledger.untrusted_reason)


def _and_more(names: Sequence[str]) -> str:
    return f", nor are {len(names) - 1} more" if len(names) > 1 else ""


def unknown_files(layout: Layout, ledger: Ledger, outbox: Outbox) -> list[str]:
    """Return the base names of files that the outbox or the published tables know and the ledger does not, in sequence."""
    known = {name for (name,) in ledger.rows("SELECT base_name FROM outbox_files")}
    return sorted({*outbox.base_names(), *_published_names(layout)} - known)


def lacking_in_ledger(layout: Layout, ledger: Ledger) -> str | None:
    """Return what else was published and the ledger does not know; null: nothing."""
    lacking = {
        "outcomes that people recorded of reviews": missing_reviews(layout, ledger),
        "erasures, and may hold what they erased": missing_erasures(layout, ledger),
    }
    named = [name for name, found in lacking.items() if found]
    return f"the ledger {layout.ledger} is an old copy: it lacks {' and '.join(named)}" if named else None


def missing_erasures(layout: Layout, ledger: Ledger) -> set[str]:
    """Return the ids of published erasures that the ledger does not know: it is a copy from before them."""
    if knows_published(ledger, layout.published, "erasures"):
        return set()
    try:
        published = set(Published(layout).read("erasures", columns=["erasure_id"])["erasure_id"])
    except StoreError:
        # Damage to a published table is no reason to stop: every run makes it again.
        return set()
    return published - {erasure_id for (erasure_id,) in ledger.rows("SELECT erasure_id FROM erasures")}


def _published_names(layout: Layout) -> list[str]:
    try:
        return Published(layout).read("outbox_files", columns=["base_name"])["base_name"].to_list()
    except StoreError:
        # Every run makes them again: damage there is no reason to stop.
        return []


@dataclass(frozen=True)
class Recovered:
    """The base names of the files that the ledger took over, and the names of the files that were mended in the outbox.

    `reviews`: how many outcomes of reviews it took over. `erasures`: how many erasures it lacked; they begin again.
    `rebuilt`: the lake months that were made again.
    """

    taken_over: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    reviews: int = 0
    erasures: int = 0
    rebuilt: list[str] = field(default_factory=list)


def recover(  # noqa: PLR0913 -- the parts of an open store, and the evidence by name
    layout: Layout, ledger: Ledger, outbox: Outbox, *, by: str, reason: str, now: dt.datetime
) -> Recovered:
    """Put right what a run stops on: an old ledger, and changed files in the outbox.

    The ledger takes over all that the last run published, and the files shown since from the outbox. Each must be whole
    and follow the one before it by sequence and hash. If a known file has other bytes, it is written again as it was. Who
    and why is kept in `polls`. Raises `StoreError` if the ledger itself is damaged, or a file is missing or not ours,
    `UsageError` when there is nothing to put right.
    """
    unknown, unerased = unknown_files(layout, ledger, outbox), missing_erasures(layout, ledger)
    _refuse_damaged(ledger, outbox)
    mended = outbox.mend(ledger)
    if not (unknown or unerased or mended or ledger.untrusted_reason or missing_reviews(layout, ledger)):
        message = "there is nothing to recover: the ledger knows every file that was handed over, and none is changed"
        raise UsageError(message)
    with ledger.transaction():
        expected = decisions.next_in_sequence(ledger)
        if unerased or set(unknown) & set(_published_names(layout)):
            _take_published(layout, ledger)
            erasures.begin_again(ledger, unerased)
        for base_name in unknown:
            jsonl = outbox.jsonl_of(base_name)
            expected = _verify_next(base_name, jsonl, expected)
            _take_over(ledger, header_of(jsonl), jsonl, by, reason)
        done = Recovered(unknown, mended, take_missing_reviews(layout, ledger), len(unerased))
        _record_recovery(ledger, done, by=by, reason=reason, now=now)
    ledger.trust()
    return done


def _take_published(layout: Layout, ledger: Ledger) -> None:
    """Replace the ledger's tables by those that the last run published; the bytes of files are not published."""
    published = Published(layout)
    for table in LEDGER:
        rows = published.read(table).to_dicts()
        ledger.execute(f"DELETE FROM {table}")  # noqa: S608 -- own names
        ledger.append(table, rows)
    # Receipts are read again; by their hash the ledger knows which it has already.
    ledger.execute("DELETE FROM receipts_seen")
    ledger.execute("DELETE FROM receipts_settled")
    # A store that was last published by a program without history has none.
    action_history.complete(ledger)


def _verify_next(base_name: str, jsonl: bytes, expected: tuple[int, str | None]) -> tuple[int, str | None]:
    """Verify that a file follows the last known one; returns sequence number and hash for the next."""
    header = header_of(jsonl)
    if (header.base_name, header.seq, header.prev_sha256) != (base_name, *expected):
        message = (
            f"{base_name} does not follow the last file that the ledger knows ({expected[0] - 1}): one between them is "
            "gone, or it is not ours. Put back what core banking was shown, or restore a newer copy of the ledger"
        )
        raise StoreError(message)
    return header.seq + 1, hash_of(jsonl)


def _refuse_damaged(ledger: Ledger, outbox: Outbox) -> None:
    """Raise `StoreError` if the ledger's content is damaged: `recover` mends an old ledger, not a damaged one."""
    for table in LEDGER:
        # Reading every row checks every block's checksum.
        ledger.read(table)
    damaged = outbox.problems(ledger, in_ledger_only=True)
    if damaged:
        message = f"the ledger is damaged: {damaged[0]}. Nothing was taken over. Restore a newer copy of the ledger"
        raise StoreError(message)


def _take_over(ledger: Ledger, header: Header, jsonl: bytes, by: str, reason: str) -> None:
    known = ledger.rows("SELECT sha256 FROM outbox_files WHERE seq = ?", [header.seq])
    if known == [(hash_of(jsonl),)]:
        decisions.store_content(ledger, header, jsonl)
        return
    rows = [_action_row(header, record) for record in records_of(jsonl) if record["record"] == "A"]
    held_before = decisions.known_ids(ledger, [row["action_id"] for row in rows])
    ledger.append("actions", [row for row in rows if row["action_id"] not in held_before])
    for action_id in held_before:
        ledger.execute(
            "UPDATE actions SET status = 'exported', seq = ?, exported_at = ?, void_reason = NULL WHERE action_id = ?",
            [header.seq, header.created_at, action_id],
        )
    ids = [row["action_id"] for row in rows]
    action_history.note(ledger, ids, known_at=header.created_at, run_id=header.run_id)
    decisions.store_file(ledger, header, jsonl, len(rows))
    _record_poll(ledger, header, by, reason)


def _action_row(header: Header, record: Mapping[str, Any]) -> dict[str, Any]:
    ruling_date = record["ruling_date"]
    return {
        **{name: record[name] for name in ("action_id", "action", "customer_ref", "account_no", "notice_uuid")},
        **{name: record[name] for name in ("notice_type", "matched_via", "reason", "caused_by")},
        "registered_at_text": record["registered_at"],
        "registered_at": _instant(record["registered_at"]),
        "ruling_date": dt.date.fromisoformat(ruling_date) if ruling_date else None,
        # A file does not say whether the account was blocked before. We assume it was, so a person decides on reopening.
        "was_blocked": True,
        "decided_at": header.created_at,
        "run_id": header.run_id,
        "register_id": header.register_sha256,
        "status": "exported",
        "seq": header.seq,
        "exported_at": header.created_at,
    }


def _instant(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _record_poll(ledger: Ledger, header: Header, by: str, reason: str) -> None:
    if polls.is_known(ledger, header.run_id):
        return
    detail = f"taken over from the outbox by {by}: {reason}"
    outcome = Outcome.PARTIAL
    polls.record(
        ledger, header.run_id, (header.from_workday, header.to_workday), outcome, redact(detail), header.created_at
    )


def _record_recovery(ledger: Ledger, done: Recovered, *, by: str, reason: str, now: dt.datetime) -> None:
    detail = (
        f"no poll: the store was recovered by {by} ({operating_system_user()}): {reason}; "
        f"{len(done.taken_over)} files were taken over, {len(done.mended)} mended in the outbox, {done.reviews} outcomes of "
        "reviews taken over"
    )
    today = (now.date(), now.date())
    polls.record(ledger, str(uuid.uuid4()), today, Outcome.FAILED, redact(detail), now)
