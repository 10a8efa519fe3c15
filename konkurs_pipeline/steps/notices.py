"""Poll the list: keep the bytes, read the notices, set aside what cannot be read, write each workday.

The answer holds everything since the start of the lookback, also what is later than the poll's workdays: that waits for
its own run. A notice seen before is kept as it was first seen; one that has changed since goes to quarantine.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from konkurs_pipeline.brreg.client import Answer, ListItem
from konkurs_pipeline.brreg.wire import ParsedNotice, UnreadableNoticeError, parse_notice
from konkurs_pipeline.domain.identifiers import IdKind, identify_all
from konkurs_pipeline.domain.notices import NOTICE_COLUMNS, Notice, NoticeType, QuarantineReason, notices_of
from konkurs_pipeline.schemas.tables import RawNotices, frame
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.ledger import polls, quarantine
from konkurs_pipeline.storage.ledger.quarantine import Entry

# `oppdatert` is asked for what comes after a time, and whether that is strict is not documented: one millisecond, the
# service's precision, before the first instant of the window serves both.
_PRECISION: Final = dt.timedelta(milliseconds=1)
# Clocks differ; a registration further ahead of ours than this is no clock's fault.
_CLOCK_TOLERANCE: Final = dt.timedelta(days=1)


@dataclass(frozen=True)
class NoticeCounts:
    """What a poll of the list found. `by_workday`: workday → rows stored for it now, for the days that changed."""

    seen: int
    new: int
    waiting: int
    quarantined: int
    by_workday: dict[dt.date, int] = field(default_factory=dict)
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Seen:
    """A notice in an answer, with what it was read from."""

    parsed: ParsedNotice
    payload: str
    workday: dt.date
    debtor_kind: IdKind
    answer: Answer


def poll_notices(poll: Poll) -> NoticeCounts:
    """Ask for the notices of the window and store what is new. Raises `ServiceError` when the list cannot be had."""

    def keep(answer: Answer) -> None:
        poll.store.lake.keep_answer(answer.body)
        poll.store.ledger.append("answers", [answer_row(poll, answer)])

    with poll.connect(poll.settings) as service:
        listed = service.fetch_notices(_after(poll), keep=keep)
    seen, unreadable = _read_items(poll, listed.items)
    understood = {one.parsed.notice.uuid for one in seen}
    retried, unreadable_again = _read_items(poll, _unreadable_before(poll, listed.answers[-1]))
    still_unreadable = [entry for entry in unreadable_again if entry.uuid not in understood]
    taken = [one for one in seen if one.workday in poll.window]
    taken += [one for one in retried if one.workday <= poll.window.to_workday]
    new, changed = _sort_out(poll, taken)
    by_workday = _store(poll, new)
    flaws = [entry for one in taken for entry in _own_flaws(one)]
    wrong = [*unreadable, *still_unreadable, *flaws, *changed, *_registered_in_future(poll, seen)]
    opened = _settle_quarantine(poll, wrong, taken)
    findings = sorted({*listed.findings, *(finding for one in seen for finding in one.parsed.findings)})
    if findings:
        poll.attention.append(f"the list is not as documented: {'; '.join(findings)}")
    unique = {one.parsed.notice.uuid for one in taken}
    poll.notices_new, poll.has_list = len(new), True
    polls.count_notices(poll.store.ledger, poll.run_id, seen=len(unique), new=poll.notices_new)
    return NoticeCounts(
        seen=len(unique),
        new=poll.notices_new,
        waiting=sum(one.workday > poll.window.to_workday for one in seen),
        quarantined=opened,
        by_workday=by_workday,
        findings=tuple(findings),
    )


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


def _unreadable_before(poll: Poll, answer: Answer) -> list[ListItem]:
    """Return what earlier polls could not read: a later version of this program may."""
    entries = quarantine.open_entries(poll.store.ledger)
    wanted = [entry for entry in entries if entry.reason is QuarantineReason.UNREADABLE_NOTICE]
    return [ListItem(json.loads(entry.payload), answer) for entry in wanted]


def _read_items(poll: Poll, items: Iterable[ListItem]) -> tuple[list[_Seen], list[Entry]]:
    parsed: list[tuple[ParsedNotice, str, Answer]] = []
    entries: list[Entry] = []
    for item in items:
        payload = json.dumps(item.value)
        try:
            parsed.append((parse_notice(item.value, base_url=poll.settings.api_url), payload, item.answer))
        except UnreadableNoticeError as error:
            reason = QuarantineReason.UNREADABLE_NOTICE
            entries.append(Entry(error.uuid, None, reason, error.detail, payload))
    kinds = identify_all(
        [one.notice.debtor_id for one, *_ in parsed], synthetic_allowed=poll.settings.synthetic_allowed
    )
    workday_of = poll.settings.calendar.workday_of
    seen = [
        _Seen(one, payload, workday_of(one.notice.registered_at), kind, answer)
        for (one, payload, answer), kind in zip(parsed, kinds, strict=True)
    ]
    return seen, entries


def _sort_out(poll: Poll, taken: Sequence[_Seen]) -> tuple[list[_Seen], list[Entry]]:
    """Return the notices not known yet, and an entry for each that says something else than its first version."""
    uuids = pl.Series(sorted({one.parsed.notice.uuid for one in taken}), dtype=pl.String)
    stored = all_notices(poll)
    first = {notice.uuid: notice for notice in notices_of(stored.filter(pl.col("uuid").is_in(uuids.implode())))}
    new: list[_Seen] = []
    changed: list[Entry] = []
    for one in taken:
        notice = one.parsed.notice
        if notice.uuid not in first:
            first[notice.uuid] = notice
            new.append(one)
        elif not _says_the_same(first[notice.uuid], notice):
            detail = "it says something else than when it was first seen"
            changed.append(Entry(notice.uuid, one.workday, QuarantineReason.CHANGED_NOTICE, detail, one.payload))
    return new, changed


def _says_the_same(first: Notice, now: Notice) -> bool:
    return (first.type, first.registered_at, first.ruling_date, first.debtor_id) == (
        now.type,
        now.registered_at,
        now.ruling_date,
        now.debtor_id,
    )


def _store(poll: Poll, new: Sequence[_Seen]) -> dict[dt.date, int]:
    """Add notices to their workdays; returns workday → how many."""
    fresh = frame(RawNotices, [_row(poll, one) for one in new])
    days = set(fresh["workday"])
    known, stored = all_notices(poll), poll.store.lake.read("raw_notices", days)
    poll.store.lake.replace("raw_notices", days, pl.concat([stored, fresh]).sort("registered_at", "uuid"))
    poll.notices = pl.concat([known, fresh.select(known.columns)])
    return dict(sorted(Counter(fresh["workday"]).items()))


def _row(poll: Poll, one: _Seen) -> dict[str, Any]:
    notice = one.parsed.notice
    return {
        "uuid": notice.uuid,
        "workday": one.workday,
        "type": notice.type,
        "registered_at": notice.registered_at,
        "registered_at_text": notice.registered_at_text,
        "ruling_date": notice.ruling_date,
        "debtor_id": notice.debtor_id,
        "debtor_kind": one.debtor_kind.value,
        "first_seen_at": one.answer.fetched_at,
        "payload": one.payload,
        "answer_sha256": one.answer.sha256,
        "run_id": poll.run_id,
    }


def _own_flaws(one: _Seen) -> list[Entry]:
    """Return what is wrong with a notice that could be read: it is stored, and can lead to REVIEW only."""
    notice = one.parsed.notice
    found: list[tuple[QuarantineReason, str]] = []
    if notice.type not in set(NoticeType):
        found.append((QuarantineReason.UNKNOWN_TYPE, "the type is not one of the four that are known"))
    if one.debtor_kind is IdKind.UNKNOWN:
        found.append((QuarantineReason.INVALID_DEBTOR, "the debtor's number fails its check"))
    if one.parsed.has_invalid_ruling_date:
        found.append((QuarantineReason.INVALID_RULING_DATE, "kjennelsesdato is not a date"))
    return [Entry(notice.uuid, one.workday, reason, detail, one.payload) for reason, detail in found]


def _registered_in_future(poll: Poll, seen: Sequence[_Seen]) -> list[Entry]:
    """Set aside what claims to be registered well after now: no run would ever come to its workday."""
    latest = poll.now() + _CLOCK_TOLERANCE
    reason = QuarantineReason.REGISTERED_IN_FUTURE
    detail = "it says that it was registered more than a day from now"
    late = (one for one in seen if one.parsed.notice.registered_at > latest)
    return [Entry(one.parsed.notice.uuid, one.workday, reason, detail, one.payload) for one in late]


def _settle_quarantine(poll: Poll, entries: Sequence[Entry], taken: Sequence[_Seen]) -> int:
    """Open what is wrong now, and close what this answer shows to be right. Returns how many were opened."""
    ledger = poll.store.ledger
    wrong = {entry.entry_id for entry in entries}
    right = {one.parsed.notice.uuid for one in taken} | {one.payload for one in taken}
    healed = [
        entry.entry_id
        for entry in quarantine.open_entries(ledger)
        if entry.entry_id not in wrong
        and right & {entry.uuid, entry.payload}
        and entry.reason is not QuarantineReason.DATASET_CONTRADICTS
    ]
    with ledger.transaction():
        quarantine.resolve(ledger, healed, poll.now())
        opened = quarantine.record(ledger, entries, poll.now())
    if opened:
        poll.attention.append(f"{opened} new in quarantine: see `konkurs status`")
    return opened


def all_notices(poll: Poll) -> pl.DataFrame:
    """Return NOTICE_COLUMNS and the workday of all notices there are, in no order; read once, and added to when stored."""
    if poll.notices is None:
        poll.notices = poll.store.lake.read("raw_notices", columns=[*NOTICE_COLUMNS, "workday"])
    return poll.notices
