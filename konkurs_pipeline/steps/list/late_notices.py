"""Does not take in what was erased: notices that the service shows again, and late ones of an erased debtor.

If all bankruptcies of a debtor are erased, a late sletting, oppheving or avslutning is recorded and leads to no action.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl

from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.domain.retention import RetentionRule
from konkurs_pipeline.steps.erasure.answers import sweep_answers_of_run
from konkurs_pipeline.steps.list.items import SeenNotice
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.ledger import erasures
from konkurs_pipeline.storage.ledger.quarantine import Entry

_CHANGES: Final = {NoticeType.SLETTING.value, NoticeType.OPPHEVING.value, NoticeType.AVSLUTNING.value}
_BY: Final = "the poll"


def leave_erased(poll: Poll, seen: Sequence[SeenNotice], unreadable: Iterable[Entry], known: pl.DataFrame) -> set[str]:
    """Return the uuids that must not be taken in; record the late ones as erased.

    `known`: uuid and debtor_id of every notice that is stored.
    """
    ledger = poll.store.ledger
    uuids = {one.notice.uuid for one in seen} | {entry.uuid for entry in unreadable if entry.uuid}
    again = erasures.erased_among(ledger, uuids)
    late = _late(poll, [one for one in seen if one.notice.uuid not in again], known)
    if late:
        _record(poll, late)
    return again | {one.notice.uuid for one in late}


def erase_from_answers(poll: Poll) -> None:
    """Erase what must not be taken in from the answers of this run. Call it after the other notices are stored."""
    sweep_answers_of_run(poll.store, poll.run_id, poll.now())
    erasures.finish(poll.store.ledger, poll.now())


def _late(poll: Poll, seen: Sequence[SeenNotice], known: pl.DataFrame) -> list[SeenNotice]:
    """Return the notices that change a bankruptcy of an erased debtor: no stored notice and no opening names it any more."""
    openings = {one.notice.debtor_id for one in seen if one.notice.type == NoticeType.AAPNING}
    changes = [one for one in seen if one.notice.type in _CHANGES and one.notice.debtor_id not in openings]
    named = pl.Series(sorted({one.notice.debtor_id for one in changes}), dtype=pl.String)
    unknown = set(named) - set(known.filter(pl.col("debtor_id").is_in(named.implode()))["debtor_id"])
    erased = erasures.erased_debtors_among(poll.store.ledger, unknown) if unknown else set()
    return list({one.notice.uuid: one for one in changes if one.notice.debtor_id in erased}.values())


def _record(poll: Poll, late: Sequence[SeenNotice]) -> None:
    ledger = poll.store.ledger
    marks = erasures.marks_of(ledger, {one.notice.debtor_id for one in late})
    rows = [
        {
            "uuid": one.notice.uuid,
            "workday": one.workday,
            "type": one.notice.type,
            "registered_at": one.notice.registered_at,
            "first_seen_at": one.seen_at,
            "answer_sha256": one.answer_sha256,
            "debtor_mark": marks[one.notice.debtor_id],
        }
        for one in late
    ]
    none = {"case_count": 0, "document_count": 0, "quarantine_count": 0}
    with ledger.transaction():
        erasures.begin(
            ledger, {RetentionRule.LATE.value: rows}, {RetentionRule.LATE.value: none}, by=_BY, now=poll.now()
        )
