"""A light look: one small request that asks the service whether it has a notice that we do not know.

A look decides nothing and holds no lock; it only lets a poll start early, and the poll reads everything again. The last
look that did not show a notice is handed to the poll, which keeps its bytes as evidence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import polars as pl

from konkurs_pipeline.brreg.client import Konkursvarsel
from konkurs_pipeline.brreg.fetching import Answer
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.files import hash_of, write_bytes_atomically
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import Store

AT_TAG: Final = "konkurs/not_visible_at"
SHA256_TAG: Final = "konkurs/not_visible_sha256"
RESOURCE_TAG: Final = "konkurs/not_visible_resource"


@dataclass(frozen=True)
class Look:
    """What a look saw. `unknown`: the uuids in its answer that no table knows; `is_whole`: it saw the whole list."""

    answer: Answer
    unknown: frozenset[str]
    is_whole: bool


def look(client: Konkursvarsel, settings: Settings, published: Published, now: dt.datetime) -> Look:
    """Ask for what was registered after the newest known notice. Raises any `ServiceError`, or `StoreError`."""
    today = settings.calendar.workday_of(now)
    days = settings.calendar.between(settings.calendar.back(today, settings.lookback_workdays), today)
    known = published.read("raw_notices", days, columns=("uuid", "registered_at"))
    newest = known.filter(pl.col("registered_at") <= now)["registered_at"].max()
    after = newest if isinstance(newest, dt.datetime) else settings.calendar.start_of(today)
    page = client.look(after)
    return Look(page.answer, page.uuids - _known(known, published), page.is_whole)


def _known(notices: pl.DataFrame, published: Published) -> set[str]:
    """Return the uuids that need no poll: stored, in quarantine or erased."""
    aside = published.read("quarantine", columns=["uuid"])["uuid"].drop_nulls()
    erased = published.read("erased_notices", columns=["uuid"])["uuid"]
    return {*notices["uuid"].to_list(), *aside.to_list(), *erased.to_list()}


def hand_over_look(layout: Layout, body: bytes) -> None:
    """Write the bytes of a look where the poll that it starts will find them."""
    write_bytes_atomically(layout.look, body)


def keep_look(store: Store, run_id: str, tags: Mapping[str, str]) -> None:
    """Keep the look that did not show a notice, if the run's tags name one and its bytes were handed over."""
    if not {RESOURCE_TAG, AT_TAG, SHA256_TAG} <= tags.keys():
        return
    with suppress(OSError):
        body = store.layout.look.read_bytes()
        if hash_of(body) == tags[SHA256_TAG]:
            store.lake.answers.keep(body)
            row = {
                "run_id": run_id,
                "resource": tags[RESOURCE_TAG],
                "fetched_at": dt.datetime.fromisoformat(tags[AT_TAG]),
                "sha256": tags[SHA256_TAG],
                "byte_count": len(body),
                "is_look": True,
            }
            store.ledger.append("answers", [row])
        store.layout.look.unlink()


def look_tags(without: Answer) -> dict[str, str]:
    """Return the tags that tell a run which look did not yet show the notices it is started for."""
    return {AT_TAG: without.fetched_at.isoformat(), SHA256_TAG: without.sha256, RESOURCE_TAG: without.resource}
