"""Read the items of a list: those of today's answer, and those that earlier polls could not read.

What cannot be read becomes a quarantine entry. An item keeps the answer it first came in, also when a later version of the
program reads it. What does not belong here: what is stored of a notice (notices.py).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from konkurs_pipeline.brreg.client import ListItem
from konkurs_pipeline.brreg.wire import ParsedNotice, UnreadableNoticeError, parse_notice
from konkurs_pipeline.domain.identifiers import IdKind, identify_all
from konkurs_pipeline.domain.notices import Notice, QuarantineReason
from konkurs_pipeline.domain.workdays import Calendar
from konkurs_pipeline.json_strict import JsonValue
from konkurs_pipeline.storage.ledger import quarantine
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.ledger.quarantine import Entry


@dataclass(frozen=True)
class Item:
    """One item, not parsed: JSON, when an answer first held it, and that answer's hash."""

    value: JsonValue
    seen_at: dt.datetime
    answer_sha256: str


@dataclass(frozen=True)
class SeenNotice:
    """A notice that could be read, and the item it was read from (`payload`: the item as JSON text)."""

    notice: Notice
    workday: dt.date
    debtor_kind: IdKind
    payload: str
    seen_at: dt.datetime
    answer_sha256: str
    has_invalid_ruling_date: bool
    findings: tuple[str, ...]

    def entry(self, reason: QuarantineReason, detail: str) -> Entry:
        """Return the notice's quarantine entry with this reason."""
        named = self.notice.debtor_id
        return Entry(
            self.notice.uuid, self.workday, reason, detail, self.payload, self.seen_at, self.answer_sha256, named
        )


@dataclass(frozen=True)
class ItemReader:
    """Reads items, with the calendar, the service's address, and whether synthetic identifiers count."""

    calendar: Calendar
    base_url: str
    synthetic_allowed: bool

    def read(self, items: Iterable[Item]) -> tuple[list[SeenNotice], list[Entry]]:
        """Return the notices that can be read, and an entry for each item that cannot."""
        parsed: list[tuple[Item, str, ParsedNotice]] = []
        unreadable: list[Entry] = []
        for item in items:
            payload = json.dumps(item.value)
            try:
                parsed.append((item, payload, parse_notice(item.value, base_url=self.base_url)))
            except UnreadableNoticeError as error:
                reason = QuarantineReason.UNREADABLE_NOTICE
                unreadable.append(
                    Entry(error.uuid, None, reason, error.detail, payload, item.seen_at, item.answer_sha256)
                )
        return self._seen(parsed), unreadable

    def _seen(self, parsed: Sequence[tuple[Item, str, ParsedNotice]]) -> list[SeenNotice]:
        debtor_ids = [one.notice.debtor_id for _, _, one in parsed]
        kinds = identify_all(debtor_ids, synthetic_allowed=self.synthetic_allowed)
        return [
            SeenNotice(
                notice=one.notice,
                workday=self.calendar.workday_of(one.notice.registered_at),
                debtor_kind=kind,
                payload=payload,
                seen_at=item.seen_at,
                answer_sha256=item.answer_sha256,
                has_invalid_ruling_date=one.has_invalid_ruling_date,
                findings=one.findings,
            )
            for (item, payload, one), kind in zip(parsed, kinds, strict=True)
        ]


def listed_items(items: Iterable[ListItem]) -> list[Item]:
    """Return the items of a list, each with the page it came in."""
    return [Item(item.value, item.answer.fetched_at, item.answer.sha256) for item in items]


def unreadable_items(ledger: Ledger) -> list[Item]:
    """Return the items that earlier polls could not read: this version of the program may."""
    entries = quarantine.open_entries(ledger)
    return [
        Item(json.loads(entry.payload), entry.first_seen_at, quarantine.answer_of(ledger, entry))
        for entry in entries
        if entry.reason is QuarantineReason.UNREADABLE_NOTICE
    ]
