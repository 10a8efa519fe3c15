"""Fetch the expanded datasets that are wanted and not there yet, also those an earlier poll could not get.

A dataset that cannot be had holds up nothing else: the poll ends as partial and the next one tries again. A document that
contradicts its notice is set aside, and its notice goes to REVIEW.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from konkurs_pipeline.brreg.client import Document, Konkursvarsel
from konkurs_pipeline.brreg.fetching import Answer
from konkurs_pipeline.brreg.links import link_findings
from konkurs_pipeline.domain.datasets import contradiction_of
from konkurs_pipeline.domain.identifiers import IdKind
from konkurs_pipeline.domain.notices import NOTICE_COLUMNS, Notice, QuarantineReason, notices_of
from konkurs_pipeline.domain.outcomes import IssueCode
from konkurs_pipeline.errors import AnswerError, ServiceError
from konkurs_pipeline.schemas.tables import ExpandedDatasets, frame
from konkurs_pipeline.settings import Expand
from konkurs_pipeline.steps.notices import answer_row
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.lake.made_from import Derivation
from konkurs_pipeline.storage.ledger import quarantine
from konkurs_pipeline.storage.ledger.quarantine import Entry
from konkurs_pipeline.storage.snapshots import Snapshot

# Written this many at a time, so that a killed backfill keeps what it has.
_PORTION: Final = 250
_PERSON_KINDS: Final = [kind.value for kind in IdKind if kind.is_person]


@dataclass(frozen=True)
class DatasetCounts:
    """What became of the datasets that were wanted."""

    wanted: int = 0
    fetched: int = 0
    contradicting: int = 0
    missing: int = 0


@dataclass(frozen=True)
class _Received:
    """The documents of one portion: those that fit their notices, what was set aside, and why others are missing.

    `link_findings`: what of their links is not as documented, each text once.
    """

    rows: list[dict[str, Any]]
    set_aside: list[Entry]
    errors: list[ServiceError]
    link_findings: set[str]


def fetch_missing_datasets(poll: Poll, snapshot: Snapshot | None) -> DatasetCounts:
    """Fetch what is wanted and missing, and store it by workday."""
    made = _complete_for(poll, snapshot)
    wanted = _wanted(poll, snapshot, made.stale_months())
    total = DatasetCounts(wanted=wanted.height)
    if not wanted.is_empty():
        total = _fetch(poll, wanted)
    _release_what_agrees_now(poll)
    if total.fetched == total.wanted:
        made.note()
    return total


def _complete_for(poll: Poll, snapshot: Snapshot | None) -> Derivation:
    """Return what the table is complete for: a poll looks through a month until every dataset that is wanted is there."""
    other_inputs = [snapshot.id if snapshot else None, poll.settings.expand]
    return Derivation(poll.store.lake, "expanded_datasets", ["raw_notices"], other_inputs)


def _fetch(poll: Poll, wanted: pl.DataFrame) -> DatasetCounts:
    total = DatasetCounts(wanted=wanted.height)
    errors: list[ServiceError] = []
    findings: set[str] = set()
    with poll.connect(poll.settings) as service:
        for portion in wanted.iter_slices(_PORTION):
            received = _fetch_portion(poll, service, portion)
            _store(poll, received)
            errors += received.errors
            findings |= received.link_findings
            poll.progress("expanded datasets", min(total.fetched + _PORTION, total.wanted), total.wanted)
            total = DatasetCounts(
                total.wanted,
                total.fetched + len(received.rows),
                total.contradicting + len(received.set_aside),
                len(errors),
            )
            if len(received.errors) == portion.height:
                break
    _tell(poll, total, errors)
    if findings:
        message = f"expanded datasets are not as documented: {'; '.join(sorted(findings))}"
        poll.report(IssueCode.DATASETS_NOT_AS_DOCUMENTED, message)
    return total


def _tell(poll: Poll, total: DatasetCounts, errors: Sequence[ServiceError]) -> None:
    if errors:
        left = total.wanted - total.fetched - total.contradicting
        code = IssueCode.DATASETS_UNAVAILABLE if not total.fetched else IssueCode.DATASETS_MISSING
        poll.report(code, f"{left} of {total.wanted} expanded datasets could not be had: {errors[0]}")
    if total.contradicting:
        message = f"{total.contradicting} expanded datasets contradict their notices: set aside"
        poll.report(IssueCode.DATASETS_CONTRADICT, message)


def _wanted(poll: Poll, snapshot: Snapshot | None, months: Collection[dt.date]) -> pl.DataFrame:
    """Return the notices of these months whose dataset is wanted (KONKURS_EXPAND) and not there, as `raw_notices` rows."""
    lake = poll.store.lake
    have = lake.read_months("expanded_datasets", months, columns=["uuid"])
    notices = lake.read_months("raw_notices", months, columns=[*NOTICE_COLUMNS, "workday", "debtor_kind"])
    lacking = notices.join(have, on="uuid", how="anti").sort("registered_at", "uuid")
    if poll.settings.expand is Expand.ALL or lacking.is_empty():
        return lacking
    wanted = pl.col("debtor_id").is_in(_customers_ids(snapshot, lacking).implode())
    if poll.settings.expand is Expand.MATCHED_OR_PERSON:
        wanted = wanted | pl.col("debtor_kind").is_in(_PERSON_KINDS)
    return lacking.filter(wanted)


def _customers_ids(snapshot: Snapshot | None, notices: pl.DataFrame) -> pl.Series:
    """Return the identifiers among the notices' debtors that a customer has or had."""
    if snapshot is None:
        return pl.Series("national_id", [], dtype=pl.String)
    return snapshot.customers_with(notices["debtor_id"].unique().to_list())["national_id"].unique()


def _fetch_portion(poll: Poll, service: Konkursvarsel, portion: pl.DataFrame) -> _Received:
    notices = {notice.uuid: notice for notice in notices_of(portion)}
    workdays = dict(portion.select("uuid", "workday").iter_rows())
    answers: list[Answer] = []

    def keep(answer: Answer) -> None:
        poll.store.lake.keep_answer(answer.body)
        answers.append(answer)

    received = _Received([], [], [], set())
    for uid, document in service.fetch_datasets(list(notices), keep=keep):
        if isinstance(document, ServiceError):
            received.errors.append(document)
        else:
            received.link_findings.update(
                link_findings(document.content, uid, poll.settings.api_url, whose="an expanded dataset")
            )
            _sort_in(poll, received, notices[uid], document, workdays[uid])
    in_order = sorted(answers, key=lambda answer: answer.resource)
    poll.store.ledger.append("answers", [answer_row(poll, answer) for answer in in_order])
    return received


def _sort_in(poll: Poll, received: _Received, notice: Notice, document: Document, workday: dt.date) -> None:
    content, answer = document.content, document.answer
    if poll.fields.text(content, "debtor_id") is None:
        message = f"GET {answer.resource}: the document names no debtor where one is expected: see `konkurs contract`"
        received.errors.append(AnswerError(message))
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


def _store(poll: Poll, received: _Received) -> None:
    lake = poll.store.lake
    fresh = frame(ExpandedDatasets, received.rows)
    days = set(fresh["workday"])
    lake.replace("expanded_datasets", days, pl.concat([lake.read("expanded_datasets", days), fresh]).sort("uuid"))
    with poll.store.ledger.transaction():
        quarantine.record(poll.store.ledger, received.set_aside)


def _release_what_agrees_now(poll: Poll) -> None:
    """Close the entries of contradicting documents whose notice has one that agrees, whichever poll stored it.

    A poll that was killed after it stored the document has not closed them, and nobody fetches it again.
    """
    ledger = poll.store.ledger
    waiting = [e for e in quarantine.open_entries(ledger) if e.reason is QuarantineReason.DATASET_CONTRADICTS]
    if not waiting:
        return
    stored = set(poll.store.lake.read("expanded_datasets", columns=["uuid"])["uuid"])
    with ledger.transaction():
        quarantine.resolve(ledger, [entry.entry_id for entry in waiting if entry.uuid in stored], poll.now())
