"""Between which two answers of the service a notice became visible: read from the bytes that were kept.

A poll that did not get a notice proves that it could not have been known before; the first answer that held it says when
it could. The answers are read again, so that the proof does not rest on what a run made of them: an answer may hold a
notice that waits for its own run. What does not belong here: when a run took the notice (`raw_notices.first_seen_at`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from konkurs_pipeline.domain.notices import Notice
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.lake import Lake
from konkurs_pipeline.storage.published import Published

_ASKED_AFTER: Final = re.compile(r"/oppdatert/([0-9T:.-]+Z)$")
_DATASET: Final = re.compile(r"/[0-9a-f-]{36}$")


@dataclass(frozen=True)
class Look:
    """One list that the service answered with: when its last page was received (UTC), and the hash of the page meant."""

    at: dt.datetime
    sha256: str
    run_id: str


@dataclass(frozen=True)
class Sighting:
    """`without`: the last list that covered the notice's time and did not hold it; `held`: the first that did.

    Either is null where there was none, or its bytes are no longer whole: `unreadable` counts those.
    """

    without: Look | None = None
    held: Look | None = None
    unreadable: int = 0


class Sightings:
    """Answers for many notices; each kept answer is read once."""

    def __init__(self, published: Published, lake: Lake) -> None:
        self._lake = lake
        self._lists = _lists(published)
        self._complete = _complete_runs(published)
        self._bodies: dict[str, bytes | None] = {}

    def of(self, notice: Notice, taken_at: dt.datetime) -> Sighting:
        """Return between which two lists the notice became visible; `taken_at`: when a run took it, the latest possible."""
        without: Look | None = None
        unreadable = 0
        for pages in self._covering(notice, taken_at):
            last, bodies = pages[-1], [self._body(page["sha256"]) for page in pages]
            holding = [page for page, body in zip(pages, bodies, strict=True) if body and notice.uuid.encode() in body]
            if holding:
                held = Look(holding[0]["fetched_at"], holding[0]["sha256"], holding[0]["run_id"])
                return Sighting(without, held, unreadable)
            if None in bodies:
                unreadable += 1
            elif last["run_id"] in self._complete:
                without = Look(last["fetched_at"], last["sha256"], last["run_id"])
        return Sighting(without, None, unreadable)

    def _covering(self, notice: Notice, taken_at: dt.datetime) -> Iterator[Sequence[Mapping[str, Any]]]:
        for pages in self._lists:
            asked_after = _asked_after(pages[-1]["resource"])
            if pages[0]["fetched_at"] <= taken_at and (asked_after is None or asked_after < notice.registered_at):
                yield pages

    def _body(self, digest: str) -> bytes | None:
        if digest not in self._bodies:
            try:
                self._bodies[digest] = self._lake.answer(digest).lower()
            except StoreError:
                self._bodies[digest] = None
        return self._bodies[digest]


def _lists(published: Published) -> list[list[dict[str, Any]]]:
    """Return the pages of each list that was asked for, in the order in which they came."""
    answers = published.read("answers")
    lists = answers.filter(~pl.col("resource").str.contains(_DATASET.pattern)).sort("fetched_at")
    # Where the service has no `oppdatert`, the full list is read in the same run: another resource, another list.
    return [pages.to_dicts() for pages in lists.partition_by("run_id", "resource", maintain_order=True)]


def _complete_runs(published: Published) -> frozenset[str]:
    """Return the polls that read their list to its end: one that failed may have read a part only."""
    polls = published.read("polls").filter(pl.col("outcome").is_in(["new", "nothing_new", "partial"]))
    return frozenset(polls["run_id"])


def _asked_after(resource: str) -> dt.datetime | None:
    """Return the time that a list was asked for from; null: all notices."""
    found = _ASKED_AFTER.search(resource)
    return dt.datetime.fromisoformat(found[1]) if found else None
