"""Poll the list: keep the bytes, read the notices, put unreadable ones in quarantine, write each workday.

The answer holds everything since the start of the lookback. Notices later than the poll's workdays wait for their own
run. A known notice stays as it was first seen; if it has changed since, it goes to quarantine.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from konkurs_pipeline.brreg.client import NoticeList
from konkurs_pipeline.brreg.fetching import Answer
from konkurs_pipeline.domain.identifiers import IdKind
from konkurs_pipeline.domain.instants import SERVICE_CLOCK_DIFFERS
from konkurs_pipeline.domain.notices import NOTICE_COLUMNS, Notice, NoticeType, QuarantineReason, notices_of
from konkurs_pipeline.domain.outcomes import IssueCode
from konkurs_pipeline.schemas.tables import RawNotices, frame
from konkurs_pipeline.steps.list.items import ItemReader, SeenNotice, listed_items, unreadable_items
from konkurs_pipeline.steps.list.late_notices import erase_from_answers, leave_erased
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.lake.tables import Lake
from konkurs_pipeline.storage.ledger import polls, quarantine
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.ledger.quarantine import Entry

# `oppdatert` answers what comes after a time; whether "after" is strict is not documented. One millisecond (the service's
# precision) before the window is right for both.
_PRECISION: Final = dt.timedelta(milliseconds=1)


@dataclass(frozen=True)
class PolledNotices:
    """The result of polling the list. `by_workday`: workday → its rows now, for the days that changed.

    `known`: NOTICE_COLUMNS and the workday of every notice that is stored, in no order.
    """

    known: pl.DataFrame
    seen: int
    new: int
    waiting: int
    quarantined: int
    by_workday: dict[dt.date, int] = field(default_factory=dict)
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _ReadItems:
    """`seen`: notices of this list. `retried`: those that earlier polls could not read and this one can.

    `unreadable`: an entry for each item that still cannot be read. `has_erased`: erased notices were left out.
    """

    seen: list[SeenNotice]
    retried: list[SeenNotice]
    unreadable: list[Entry]
    has_erased: bool


def poll_notices(poll: Poll) -> PolledNotices:
    """Ask for the notices of the window and store what is new. Raises `ServiceError` if the list cannot be had."""
    ledger, last_day = poll.store.ledger, poll.window.to_workday
    listed = _fetch(poll)
    known = stored_notices(poll.store.lake)
    items = _read_items(poll, listed, known)
    seen = items.seen
    taken = [one for one in seen if one.workday in poll.window]
    taken += [one for one in items.retried if one.workday <= last_day]
    new, changed = _compare(taken, known)
    fresh = _store(poll, new)
    if items.has_erased:
        erase_from_answers(poll)
    wrong = [
        *items.unreadable,
        *(entry for one in taken for entry in _flaws_of(one)),
        *changed,
        *_registered_in_future(seen, poll.now()),
    ]
    opened = _settle_quarantine(ledger, wrong, taken, poll.now())
    findings = sorted({*listed.findings, *(finding for one in seen for finding in one.findings)})
    _report(poll, opened, findings)
    unique = {one.notice.uuid for one in taken}
    polls.count_notices(ledger, poll.run_id, seen=len(unique), new=len(new))
    return PolledNotices(
        known=pl.concat([known, fresh.select(known.columns)]),
        seen=len(unique),
        new=len(new),
        waiting=sum(one.workday > last_day for one in seen),
        quarantined=opened,
        by_workday=dict(sorted(Counter(fresh["workday"]).items())),
        findings=tuple(findings),
    )


def _read_items(poll: Poll, listed: NoticeList, known: pl.DataFrame) -> _ReadItems:
    """Read the items of the list, and again those that earlier polls could not read; leave out erased notices."""
    settings = poll.settings
    reader = ItemReader(settings.calendar, settings.api_url, settings.synthetic_allowed)
    seen, unreadable = reader.read(listed_items(listed.items))
    retried, unreadable_again = reader.read(unreadable_items(poll.store.ledger))
    gone = leave_erased(poll, [*seen, *retried], [*unreadable, *unreadable_again], known)
    understood = {one.notice.uuid for one in seen} - gone
    unreadable += [entry for entry in unreadable_again if entry.uuid not in understood]
    return _ReadItems(
        seen=[one for one in seen if one.notice.uuid not in gone],
        retried=[one for one in retried if one.notice.uuid not in gone],
        unreadable=[entry for entry in unreadable if entry.uuid not in gone],
        has_erased=bool(gone),
    )


def _report(poll: Poll, opened: int, findings: Sequence[str]) -> None:
    if opened:
        poll.report(IssueCode.NEW_IN_QUARANTINE, f"{opened} new in quarantine: see `konkurs status`")
    if findings:
        poll.report(IssueCode.LIST_NOT_AS_DOCUMENTED, f"the list is not as documented: {'; '.join(findings)}")


def _fetch(poll: Poll) -> NoticeList:
    def keep(answer: Answer) -> None:
        poll.store.lake.answers.keep(answer.body)
        poll.store.ledger.append("answers", [answer_row(poll, answer)])

    with poll.connect(poll.settings) as service:
        return service.fetch_notices(_after(poll), keep=keep)


def _after(poll: Poll) -> dt.datetime:
    return poll.settings.calendar.start_of(poll.window.read_from) - _PRECISION


def answer_row(poll: Poll, answer: Answer) -> dict[str, Any]:
    """Return the row of `answers` that says when an answer came and which bytes it had."""
    return {
        "run_id": poll.run_id,
        "resource": answer.resource,
        "fetched_at": answer.fetched_at,
        "sha256": answer.sha256,
        "byte_count": len(answer.body),
    }


def stored_notices(lake: Lake) -> pl.DataFrame:
    """Return NOTICE_COLUMNS and the workday of every notice that is stored."""
    return lake.read("raw_notices", columns=[*NOTICE_COLUMNS, "workday"])


def _compare(taken: Sequence[SeenNotice], known: pl.DataFrame) -> tuple[list[SeenNotice], list[Entry]]:
    """Return the notices not known yet, and an entry for each that says something else than its first version."""
    uuids = pl.Series(sorted({one.notice.uuid for one in taken}), dtype=pl.String)
    first = {notice.uuid: notice for notice in notices_of(known.filter(pl.col("uuid").is_in(uuids.implode())))}
    new: list[SeenNotice] = []
    changed: list[Entry] = []
    for one in taken:
        notice = one.notice
        if notice.uuid not in first:
            first[notice.uuid] = notice
            new.append(one)
        elif not _says_the_same(first[notice.uuid], notice):
            detail = "it says something else than when it was first seen"
            changed.append(one.entry(QuarantineReason.CHANGED_NOTICE, detail))
    return new, changed


def _says_the_same(first: Notice, now: Notice) -> bool:
    return (first.type, first.registered_at, first.ruling_date, first.debtor_id) == (
        now.type,
        now.registered_at,
        now.ruling_date,
        now.debtor_id,
    )


def _store(poll: Poll, new: Sequence[SeenNotice]) -> pl.DataFrame:
    """Add notices to their workdays; returns their rows."""
    fresh = frame(RawNotices, [row_of(one, poll.run_id) for one in new])
    days = set(fresh["workday"])
    stored = poll.store.lake.read("raw_notices", days)
    poll.store.lake.replace("raw_notices", days, pl.concat([stored, fresh]).sort("registered_at", "uuid"))
    return fresh


def row_of(one: SeenNotice, run_id: str) -> dict[str, Any]:
    """Return the row of `raw_notices` of a notice that `run_id` saw first."""
    notice = one.notice
    return {
        "uuid": notice.uuid,
        "workday": one.workday,
        "type": notice.type,
        "registered_at": notice.registered_at,
        "registered_at_text": notice.registered_at_text,
        "ruling_date": notice.ruling_date,
        "debtor_id": notice.debtor_id,
        "debtor_kind": one.debtor_kind.value,
        "first_seen_at": one.seen_at,
        "payload": one.payload,
        "answer_sha256": one.answer_sha256,
        "run_id": run_id,
    }


def _flaws_of(one: SeenNotice) -> list[Entry]:
    """Return the faults of a notice that could be read: it is stored, and can lead to REVIEW only."""
    found: list[tuple[QuarantineReason, str]] = []
    if one.notice.type not in set(NoticeType):
        found.append((QuarantineReason.UNKNOWN_TYPE, "the type is not one of the four that are known"))
    if one.debtor_kind is IdKind.UNKNOWN:
        found.append((QuarantineReason.INVALID_DEBTOR, "the debtor's number fails its check"))
    if one.has_invalid_ruling_date:
        found.append((QuarantineReason.INVALID_RULING_DATE, "kjennelsesdato is not a date"))
    return [one.entry(reason, detail) for reason, detail in found]


def _registered_in_future(seen: Sequence[SeenNotice], now: dt.datetime) -> list[Entry]:
    """Return entries for notices that claim to be registered well after now: no run would come to their workday."""
    detail = "it says that it was registered more than a day from now"
    late = (one for one in seen if one.notice.registered_at > now + SERVICE_CLOCK_DIFFERS)
    return [one.entry(QuarantineReason.REGISTERED_IN_FUTURE, detail) for one in late]


def _settle_quarantine(ledger: Ledger, wrong: Sequence[Entry], taken: Sequence[SeenNotice], now: dt.datetime) -> int:
    """Open entries for what is wrong now; close those that this answer shows to be right. Returns how many were opened."""
    still_wrong = {entry.entry_id for entry in wrong}
    right = {one.notice.uuid for one in taken} | {one.payload for one in taken}
    healed = [
        entry.entry_id
        for entry in quarantine.open_entries(ledger)
        if entry.entry_id not in still_wrong
        and right & {entry.uuid, entry.payload}
        and entry.reason is not QuarantineReason.DATASET_CONTRADICTS
    ]
    with ledger.transaction():
        quarantine.resolve(ledger, healed, now)
        return quarantine.record(ledger, wrong)
