"""Erase personal data whose time has ended: plan what would be erased today, and erase it everywhere.

An erasure is recorded first. From then on no run takes its notices in again. After a crash the next poll or erasure
finishes it: each part of `_sweep` searches for what is left, and may run twice. What does not belong here: how long data
is kept (domain/retention).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from konkurs_pipeline.domain.foreign_text import UNSHOWN
from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.domain.retention import LONGEST_OPEN, RetentionCase, RetentionRule, Terms
from konkurs_pipeline.progress import Progress, silent
from konkurs_pipeline.schemas.tables import LAKE, dtypes
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.steps.erasure.answers import old_answers, sweep_answers
from konkurs_pipeline.storage.control_requests import forget_requests, recorded_requests
from konkurs_pipeline.storage.files import storage_errors
from konkurs_pipeline.storage.ledger import erasures
from konkurs_pipeline.storage.readers.retained import retained_cases
from konkurs_pipeline.storage.store import Store

# If a killed poll left a look for longer than this, no later poll needs it as evidence.
_LOOK_IS_LEFT: Final = dt.timedelta(hours=1)
# For each lake table, the columns that name the notice of a row.
_OF_NOTICE: Final = ("uuid", "notice_uuid", "opening_uuid")


@dataclass(frozen=True)
class ErasurePlan:
    """What would be erased now. `entries`: quarantine entries of no notice. `registers`: snapshots of no kept decision.

    `requests`: requests of trustees. `answers_before`: lists from before it keep only what they were first to hold;
    `answers`: how many lists hold more. `kept`: reason → how many cases stay. `oldest`: of the cases that stay, when the
    oldest began and why it stays. `open_too_long`: bankruptcies and quarantine entries that need a person.
    """

    due: Mapping[RetentionRule, Sequence[RetentionCase]]
    entries: Sequence[str]
    registers: Sequence[str]
    requests: Sequence[str]
    answers_before: dt.datetime
    answers: int
    counts: Mapping[RetentionRule, Mapping[str, int]]
    kept: Mapping[str, int]
    oldest: tuple[dt.datetime, str] | None
    open_too_long: int

    @property
    def uuids(self) -> set[str]:
        """The notices that would be erased."""
        return {notice.uuid for cases in self.due.values() for case in cases for notice in case.notices}


@dataclass(frozen=True)
class Erased:
    """What an erasure did. `notices`: by rule."""

    notices: Mapping[RetentionRule, int] = field(default_factory=dict)
    entries: int = 0
    registers: int = 0
    requests: int = 0
    answers: int = 0


def terms_of(settings: Settings) -> Terms:
    """Return how long the settings keep what ended."""
    return Terms(dt.timedelta(days=settings.retention_others_days), settings.retention_customers_years)


def plan_erasure(store: Store, terms: Terms, now: dt.datetime) -> ErasurePlan:
    """Return what would be erased at `now`; raises `StoreError`, naming the file, when one is damaged."""
    entries = store.ledger.read("quarantine")
    # The next erasure sweeps what a killed one recorded, so it is not planned again.
    erased = erasures.erased_uuids(store.ledger)
    requests = recorded_requests(store.layout)
    cases = retained_cases(store.read, requests, erased)
    due, staying = _due_and_staying(cases, terms, now)
    is_of_none = pl.col("uuid").is_null() | ~pl.col("uuid").is_in(_known(cases).implode())
    of_none = entries.filter((pl.col("resolved_at") + terms.others <= now) & is_of_none)["entry_id"].to_list()
    going = erased | {notice.uuid for found in due.values() for case in found for notice in case.notices}
    too_long = [
        entry
        for entry in entries.filter(pl.col("resolved_at").is_null())["first_seen_at"]
        if entry + LONGEST_OPEN < now
    ]
    return ErasurePlan(
        due={rule: found for rule, found in due.items() if found},
        entries=of_none,
        registers=_unused_registers(store, going),
        requests=_due_requests(requests, going, _known(cases), terms, now),
        answers_before=now - terms.others,
        answers=old_answers(store, now - terms.others),
        counts={rule: _counts(store, found, entries) for rule, found in due.items() if found},
        kept=Counter(reason for _, reason in staying),
        oldest=min(staying, default=None),
        open_too_long=len(too_long)
        + sum(case.ended_at is None and case.notices[0].registered_at + LONGEST_OPEN < now for case in cases),
    )


def _due_and_staying(
    cases: Iterable[RetentionCase], terms: Terms, now: dt.datetime
) -> tuple[dict[RetentionRule, list[RetentionCase]], list[tuple[dt.datetime, str]]]:
    """Return the cases that may be erased now, by rule; and for each case that stays, when it began and why it stays."""
    due: dict[RetentionRule, list[RetentionCase]] = {RetentionRule.OTHERS: [], RetentionRule.CUSTOMERS: []}
    staying: list[tuple[dt.datetime, str]] = []
    for case in cases:
        ends = case.due_at(terms)
        if ends is not None and ends <= now:
            due[case.rule].append(case)
        else:
            reason = "open, or in quarantine" if ends is None else f"ended, rule {case.rule}"
            staying.append((case.notices[0].registered_at, reason))
    return due, staying


def _known(cases: Sequence[RetentionCase]) -> pl.Series:
    return pl.Series([notice.uuid for case in cases for notice in case.notices], dtype=pl.String)


def _due_requests(
    requests: pl.DataFrame, going: Collection[str], stored: pl.Series, terms: Terms, now: dt.datetime
) -> list[str]:
    """Return the requests whose bankruptcy is or was erased, and those without a bankruptcy that are old enough."""
    of_going = pl.col("opening_uuid").is_in(sorted(going))
    of_none = pl.col("opening_uuid").is_null() | ~pl.col("opening_uuid").is_in(stored.implode())
    rows = requests.with_columns(goes=of_going.fill_null(value=False), is_of_none=of_none)
    return [
        row["request_id"]
        for row in rows.iter_rows(named=True)
        if row["goes"] or (row["is_of_none"] and terms.of(RetentionRule.CUSTOMERS, row["received_at"]) <= now)
    ]


def _counts(store: Store, cases: Sequence[RetentionCase], entries: pl.DataFrame) -> dict[str, int]:
    uuids = pl.Series([notice.uuid for case in cases for notice in case.notices], dtype=pl.String).implode()
    documents = store.lake.read("expanded_datasets", columns=["uuid"])
    return {
        "case_count": len(cases),
        "document_count": documents.filter(pl.col("uuid").is_in(uuids)).height,
        "quarantine_count": entries.filter(pl.col("uuid").is_in(uuids)).height,
    }


def _unused_registers(store: Store, gone: Collection[str]) -> list[str]:
    """Return the ids of snapshots that are not in use and with which no action of a kept notice was decided."""
    current = store.snapshots.current()
    rows = store.ledger.rows("SELECT DISTINCT register_id, notice_uuid FROM actions WHERE register_id IS NOT NULL")
    used = {register for register, notice_uuid in rows if notice_uuid not in gone}
    return [one for one in store.snapshots.ids() if one not in used and (current is None or one != current.id)]


def erase(store: Store, plan: ErasurePlan, *, by: str, now: dt.datetime, progress: Progress = silent) -> Erased:
    """Erase what the plan names, and finish what a killed erasure left. Raises `StoreError`; the next one finishes it."""
    rows = store.lake.read("raw_notices")
    with store.ledger.transaction():
        if plan.due or plan.entries:
            found = {rule.value: _rows(store, rows, cases) for rule, cases in plan.due.items()}
            found.setdefault(RetentionRule.OTHERS.value, [])
            counts = {rule: {"case_count": 0, "document_count": 0, "quarantine_count": 0} for rule in found}
            counts |= {rule.value: dict(of_rule) for rule, of_rule in plan.counts.items()}
            counts[RetentionRule.OTHERS.value]["quarantine_count"] += len(plan.entries)
            erasures.begin(store.ledger, found, counts, by=by, now=now)
        erasures.remove_quarantine(store.ledger, plan.uuids, plan.entries)
    for register in plan.registers:
        store.snapshots.remove(register)
    forget_requests(store.layout, plan.requests)
    _remove_look(store, now)
    if erasures.are_unfinished(store.ledger):
        answers = _sweep(store, plan.answers_before, now, progress)
    else:
        answers = sweep_answers(store, plan.answers_before, now, progress=progress) if plan.answers else 0
    return Erased(
        {rule: sum(len(case.notices) for case in cases) for rule, cases in plan.due.items()},
        len(plan.entries),
        len(plan.registers),
        len(plan.requests),
        answers,
    )


def _rows(store: Store, notices: pl.DataFrame, cases: Sequence[RetentionCase]) -> list[dict[str, Any]]:
    uuids = pl.Series([notice.uuid for case in cases for notice in case.notices], dtype=pl.String)
    columns = ("uuid", "workday", "type", "registered_at", "first_seen_at", "answer_sha256", "debtor_id")
    found = notices.filter(pl.col("uuid").is_in(uuids.implode())).select(columns).to_dicts()
    marks = erasures.marks_of(store.ledger, {row["debtor_id"] for row in found})
    return [
        {
            **row,
            # A type that is not known may be a name.
            "type": row["type"] if row["type"] in set(NoticeType) else UNSHOWN,
            "debtor_mark": marks[row.pop("debtor_id")],
        }
        for row in found
    ]


def _remove_look(store: Store, now: dt.datetime) -> None:
    """Remove the look that was handed to a poll that never came: its list holds notices."""
    with storage_errors(f"removing {store.layout.look}"), suppress(FileNotFoundError):
        if store.layout.look.stat().st_mtime < (now - _LOOK_IS_LEFT).timestamp():
            store.layout.look.unlink()


def finish_erasures(store: Store, terms: Terms, now: dt.datetime) -> None:
    """Finish what a killed erasure left, or an old copy brought back."""
    if erasures.are_unfinished(store.ledger):
        _sweep(store, now - terms.others, now, silent)


def _sweep(store: Store, answers_before: dt.datetime, now: dt.datetime, progress: Progress) -> int:
    """Remove every trace of what is recorded as erased; returns how many answers changed. May run twice.

    `answers_before`: lists from before it are searched too.
    """
    gone = erasures.erased_uuids(store.ledger)
    for done, table in enumerate(LAKE):
        progress(f"erasing from {table}", done, len(LAKE))
        _sweep_table(store, table, gone)
    erasures.remove_quarantine(store.ledger, gone, ())
    erasures.erase_texts(store.ledger, gone, now)
    answers = sweep_answers(store, answers_before, now, progress=progress)
    progress("rewriting the ledger", 0, None)
    store.discard_superseded()
    store.ledger.rewrite()
    erasures.finish(store.ledger, now)
    return answers


def _sweep_table(store: Store, table: str, gone: Collection[str]) -> None:
    (key,) = [column for column in _OF_NOTICE if column in dtypes(LAKE[table])][:1]
    is_gone = pl.col(key).is_in(pl.Series(sorted(gone), dtype=pl.String).implode())
    days = set(store.lake.read(table, columns=[key, "workday"]).filter(is_gone)["workday"])
    if days:
        store.lake.replace(table, days, store.lake.read(table, days).filter(~is_gone))
