"""Fetch the wanted expanded datasets that are missing, also those that an earlier poll could not get.

If a dataset cannot be fetched, nothing else waits for it: the poll ends as partial and the next one tries again. A
document that contradicts its notice goes to quarantine, and its notice to REVIEW.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from konkurs_pipeline.brreg.client import Document, Konkursvarsel
from konkurs_pipeline.brreg.fetching import Answer
from konkurs_pipeline.brreg.links import link_findings
from konkurs_pipeline.domain.documents.datasets import contradiction_of
from konkurs_pipeline.domain.notices import Notice, QuarantineReason, notices_of
from konkurs_pipeline.domain.outcomes import IssueCode
from konkurs_pipeline.errors import AnswerError, NotTriedError, ServiceError
from konkurs_pipeline.schemas.tables import ExpandedDatasets, frame
from konkurs_pipeline.steps.documents.queue import DatasetQueue, lacking_datasets, queue_of
from konkurs_pipeline.steps.list.notices import answer_row
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.lake.made_from import Derivation
from konkurs_pipeline.storage.ledger import quarantine
from konkurs_pipeline.storage.ledger.dataset_failures import dataset_failures
from konkurs_pipeline.storage.ledger.dataset_failures import record as record_failures
from konkurs_pipeline.storage.ledger.quarantine import Entry
from konkurs_pipeline.storage.register.accepted import Snapshot

# So many are written at a time: a killed backfill keeps what it has written.
_PORTION: Final = 250


@dataclass(frozen=True)
class DatasetCounts:
    """How many datasets were wanted, and what happened to them.

    `missing`: could not be fetched, now or several times before. `postponed`: the time was used up before they were asked
    for.
    """

    wanted: int = 0
    fetched: int = 0
    contradicting: int = 0
    missing: int = 0
    postponed: int = 0


@dataclass(frozen=True)
class _FetchedDocuments:
    """The documents of one portion: rows of those that agree with their notices, quarantine entries, and failures.

    `failed`: uuid → error, of documents that could not be fetched. `link_findings`: how their links differ from the
    documentation, each text once.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    set_aside: list[Entry] = field(default_factory=list)
    failed: dict[str, ServiceError] = field(default_factory=dict)
    link_findings: set[str] = field(default_factory=set)

    def take(self, other: _FetchedDocuments) -> None:
        """Add another portion."""
        self.rows.extend(other.rows)
        self.set_aside.extend(other.set_aside)
        self.failed.update(other.failed)
        self.link_findings.update(other.link_findings)


def fetch_missing_datasets(poll: Poll, snapshot: Snapshot | None) -> DatasetCounts:
    """Fetch what is wanted and missing, and store it by workday.

    A poll of one workday stops after KONKURS_DATASETS_BUDGET_S seconds, and does not ask for documents that failed
    several times lately. A poll of a range has no limit, and asks for every document.
    """
    lake, expand = poll.store.lake, poll.settings.expand
    made = Derivation(lake, "expanded_datasets", ["raw_notices"], [snapshot.id if snapshot else None, expand])
    lacking = lacking_datasets(lake, made.stale_months(), snapshot, expand)
    is_range = poll.window.from_workday != poll.window.to_workday
    queue = queue_of(lacking, dataset_failures(poll.store.ledger), None if is_range else poll.now())
    until = None if is_range else time.monotonic() + poll.settings.datasets_budget_s
    received = _fetch(poll, queue, until) if queue.due.height else _FetchedDocuments()
    _close_what_agrees_now(poll)
    counts = _counts(queue, received)
    _report(poll, counts, received)
    if counts.fetched == counts.wanted:
        made.note()
    return counts


def _counts(queue: DatasetQueue, received: _FetchedDocuments) -> DatasetCounts:
    answered = len(received.rows) + len(received.set_aside) + len(received.failed)
    return DatasetCounts(
        wanted=queue.wanted,
        fetched=len(received.rows),
        contradicting=len(received.set_aside),
        missing=len(received.failed) + queue.resting,
        postponed=queue.due.height - answered,
    )


def _report(poll: Poll, counts: DatasetCounts, received: _FetchedDocuments) -> None:
    wanted = f"{counts.wanted} expanded datasets"
    if counts.missing:
        why = next(map(str, received.failed.values()), "they failed several times, and rest for a while")
        message = f"{counts.missing} of {wanted} could not be had: {why}"
        poll.report(IssueCode.DATASETS_MISSING, message, counts.missing)
    if counts.postponed:
        message = f"{counts.postponed} of {wanted} are left for the next poll: KONKURS_DATASETS_BUDGET_S is used up"
        poll.report(IssueCode.DATASETS_POSTPONED, message, counts.postponed)
    if counts.contradicting:
        message = f"{counts.contradicting} expanded datasets contradict their notices: set aside"
        poll.report(IssueCode.DATASETS_CONTRADICT, message)
    if received.link_findings:
        message = f"expanded datasets are not as documented: {'; '.join(sorted(received.link_findings))}"
        poll.report(IssueCode.DATASETS_NOT_AS_DOCUMENTED, message)


def _fetch(poll: Poll, queue: DatasetQueue, until: float | None) -> _FetchedDocuments:
    """Fetch what is due, portion by portion, until `until` (monotonic seconds; null: no limit) or until all fail."""
    total = _FetchedDocuments()
    with poll.connect(poll.settings) as service:
        for portion in queue.due.iter_slices(_PORTION):
            received = _fetch_portion(poll, service, portion, until)
            _store(poll, received)
            total.take(received)
            poll.progress("expanded datasets", len(total.rows), queue.wanted)
            if not received.rows and not received.set_aside:
                break
    return total


def _fetch_portion(poll: Poll, service: Konkursvarsel, portion: pl.DataFrame, until: float | None) -> _FetchedDocuments:
    notices = {notice.uuid: notice for notice in notices_of(portion)}
    workdays = dict(portion.select("uuid", "workday").iter_rows())
    answers: list[Answer] = []

    def keep(answer: Answer) -> None:
        poll.store.lake.answers.keep(answer.body)
        answers.append(answer)

    received = _FetchedDocuments()
    for uid, found in service.fetch_datasets(list(notices), keep=keep, until=until):
        if isinstance(found, NotTriedError):
            continue
        if isinstance(found, ServiceError):
            received.failed[uid] = found
        else:
            findings = link_findings(found.content, uid, poll.settings.api_url, whose="an expanded dataset")
            received.link_findings.update(findings)
            _classify(poll, received, notices[uid], found, workdays[uid])
    in_order = sorted(answers, key=lambda answer: answer.resource)
    poll.store.ledger.append("answers", [answer_row(poll, answer) for answer in in_order])
    return received


def _classify(poll: Poll, received: _FetchedDocuments, notice: Notice, document: Document, workday: dt.date) -> None:
    """Add a document to those that agree, those for quarantine, or those that failed."""
    content, answer = document.content, document.answer
    if poll.fields.text(content, "debtor_id") is None:
        message = f"GET {answer.resource}: the document names no debtor where one is expected: see `konkurs contract`"
        received.failed[notice.uuid] = AnswerError(message)
        return
    payload = json.dumps(content)
    contradiction = contradiction_of(notice, content, poll.fields)
    if contradiction is not None:
        reason = QuarantineReason.DATASET_CONTRADICTS
        received.set_aside.append(
            Entry(notice.uuid, workday, reason, contradiction, payload, answer.fetched_at, answer.sha256)
        )
        return
    received.rows.append(
        {
            "uuid": notice.uuid,
            "workday": workday,
            "fetched_at": answer.fetched_at,
            "payload": payload,
            "answer_sha256": answer.sha256,
            "run_id": poll.run_id,
        }
    )


def _store(poll: Poll, received: _FetchedDocuments) -> None:
    lake = poll.store.lake
    fresh = frame(ExpandedDatasets, received.rows)
    days = set(fresh["workday"])
    lake.replace("expanded_datasets", days, pl.concat([lake.read("expanded_datasets", days), fresh]).sort("uuid"))
    with poll.store.ledger.transaction():
        quarantine.record(poll.store.ledger, received.set_aside)
        record_failures(
            poll.store.ledger,
            failed=received.failed,
            contradicting={entry.uuid for entry in received.set_aside if entry.uuid},
            fetched=set(fresh["uuid"]),
            now=poll.now(),
        )


def _close_what_agrees_now(poll: Poll) -> None:
    """Close the entries of contradicting documents whose notice now has a document that agrees, from any poll.

    If a poll was killed after it stored the document, it has not closed the entry, and no poll fetches the document
    again.
    """
    ledger = poll.store.ledger
    waiting = [e for e in quarantine.open_entries(ledger) if e.reason is QuarantineReason.DATASET_CONTRADICTS]
    if not waiting:
        return
    stored = set(poll.store.lake.read("expanded_datasets", columns=["uuid"])["uuid"])
    with ledger.transaction():
        quarantine.resolve(ledger, [entry.entry_id for entry in waiting if entry.uuid in stored], poll.now())
