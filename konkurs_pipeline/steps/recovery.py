"""Recovers a store: an old ledger, changed files of the outbox, lost or damaged lake months, and erasures of an old copy.

A lake month is made again from the kept answers: notices and documents here, the rest by the next run. The answers do not
say when a match was first found, so a match gets a new time. What does not belong here: what the ledger takes over
(storage/handoff/recovery).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from konkurs_pipeline.brreg.wire import parse_json, parse_list
from konkurs_pipeline.domain.notices import QuarantineReason
from konkurs_pipeline.errors import ServiceError, UsageError
from konkurs_pipeline.schemas.tables import LAKE, ExpandedDatasets, RawNotices, frame
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.steps.erasure.erasure import finish_erasures, terms_of
from konkurs_pipeline.steps.list.items import Item, ItemReader
from konkurs_pipeline.steps.list.notices import row_of
from konkurs_pipeline.storage.handoff.recovery import Recovered, recover
from konkurs_pipeline.storage.ledger import erasures, quarantine
from konkurs_pipeline.storage.store import Store

_WHAT = "a kept answer"


def recover_store(store: Store, settings: Settings, *, by: str, reason: str, now: dt.datetime) -> Recovered:
    """Put right what a run stops on, and erase again what an old copy brought back.

    Raises `StoreError` if something cannot be put right, `UsageError` if there is nothing to put right.
    """
    nothing, done = None, Recovered()
    try:
        done = recover(store.layout, store.ledger, store.outbox, by=by, reason=reason, now=now)
    except UsageError as error:
        nothing = error
    done = replace(done, rebuilt=rebuild_lost_months(store, settings))
    if nothing and not done.rebuilt:
        raise nothing
    finish_erasures(store, terms_of(settings), now)
    store.publish()
    return done


def rebuild_lost_months(store: Store, settings: Settings) -> list[str]:
    """Make again every month that is gone or damaged; returns a line for each. Raises `StoreError` if one cannot be made."""
    made = []
    for table in LAKE:
        for month in store.lake.drop_lost(table):
            rows = _rows(store, settings, table, month)
            store.lake.replace(table, set(rows["workday"]), rows)
            made.append(f"{table} {month:%Y-%m}: {rows.height} rows")
    store.lake.problems.clear()
    return made


def _rows(store: Store, settings: Settings, table: str, month: dt.date) -> pl.DataFrame:
    if table == "raw_notices":
        return frame(RawNotices, list(_notices(store, settings, month)))
    if table == "expanded_datasets":
        return frame(ExpandedDatasets, list(_documents(store, month))).sort("uuid")
    return store.lake.read_months(table, [month])


def _notices(store: Store, settings: Settings, month: dt.date) -> Iterator[dict[str, object]]:
    """Yield the rows of a month, each notice as an answer first held it; a notice keeps its workday in `debtors`."""
    reader = ItemReader(settings.calendar, settings.api_url, settings.synthetic_allowed)
    stored = dict(store.lake.read("debtors", columns=["notice_uuid", "workday"]).iter_rows())
    seen = erasures.erased_uuids(store.ledger)
    for answer in erasures.kept_answers(store.ledger):
        try:
            value = parse_json(store.lake.answers.read(answer.digest), what=_WHAT)
            page = parse_list(value, what=_WHAT, base_url=settings.api_url, path=answer.resource)
        except ServiceError:
            # A document, or a list that the poll refused too.
            continue
        for one in reader.read(Item(item, answer.fetched_at, answer.sha256) for item in page.items)[0]:
            workday = stored.get(one.notice.uuid, one.workday)
            if one.notice.uuid not in seen and workday.replace(day=1) == month:
                seen.add(one.notice.uuid)
                yield {**row_of(one, answer.run_id), "workday": workday}


def _documents(store: Store, month: dt.date) -> Iterator[dict[str, object]]:
    notices = store.lake.read_months("raw_notices", [month], columns=["uuid", "workday"])
    workdays = dict(notices.iter_rows())
    reason = QuarantineReason.DATASET_CONTRADICTS
    done = {entry.uuid for entry in quarantine.open_entries(store.ledger) if entry.reason is reason}
    for answer in erasures.kept_answers(store.ledger):
        uid = answer.resource.rpartition("/")[2]
        if uid in workdays and uid not in done:
            done.add(uid)
            document = json.loads(store.lake.answers.read(answer.digest))
            same = {"uuid": uid, "workday": workdays[uid], "fetched_at": answer.fetched_at, "run_id": answer.run_id}
            yield {**same, "payload": json.dumps(document), "answer_sha256": answer.sha256}
