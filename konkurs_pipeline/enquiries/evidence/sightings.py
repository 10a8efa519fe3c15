"""Between which two answers of the service a notice became visible, from the bytes that were kept.

The last list without the notice shows that the bank could not know of it yet. The first list with it shows when the bank
could. The bytes are read again, so the proof does not depend on what a run made of them: an answer may hold a notice that
waits for its own run. What does not belong here: when a run took the notice (`raw_notices.first_seen_at`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from konkurs_pipeline.domain.instants import SERVICE_CLOCK_DIFFERS
from konkurs_pipeline.domain.notices import Notice
from konkurs_pipeline.domain.outcomes import GOOD
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.lake.tables import Lake
from konkurs_pipeline.storage.readers.published import Published

# Resources, as brreg/client asks for them.
_ASKED_AFTER: Final = r"/oppdatert/([0-9T:.-]+)Z$"
_DATASET: Final = r"/[0-9a-f-]{36}$"


@dataclass(frozen=True)
class ListAnswer:
    """One list of the service: when its last page was received (UTC), and the hash of the page that matters."""

    at: dt.datetime
    sha256: str
    run_id: str


@dataclass(frozen=True)
class Sighting:
    """`without`: the last list that covered the notice's time and did not hold it; `held`: the first that did.

    Either is null if there was none, or if its bytes are no longer whole: `unreadable` counts those.
    """

    without: ListAnswer | None = None
    held: ListAnswer | None = None
    unreadable: int = 0


class Sightings:
    """Answers for many notices; each kept answer is read once."""

    def __init__(self, published: Published, lake: Lake) -> None:
        self._lake = lake
        self._lists = _lists(published)
        self._bodies: dict[str, bytes | None] = {}

    def of(self, notice: Notice, taken_at: dt.datetime) -> Sighting:
        """Return between which two lists the notice became visible. `taken_at`: when a run took it; it was visible then."""
        without: ListAnswer | None = None
        unreadable = 0
        for run_id, is_complete, times, received, kept in self._covering(notice, taken_at):
            bodies = [self._body(digest) for digest in kept]
            for at, digest, body in zip(times, received, bodies, strict=True):
                if body is not None and notice.uuid.encode() in body:
                    return Sighting(without, ListAnswer(at, digest, run_id), unreadable)
            if None in bodies:
                unreadable += 1
            elif is_complete:
                without = ListAnswer(times[-1], received[-1], run_id)
        return Sighting(without, None, unreadable)

    def _covering(
        self, notice: Notice, taken_at: dt.datetime
    ) -> Iterator[tuple[str, bool, list[dt.datetime], list[str], list[str | None]]]:
        """Yield the lists that had to hold the notice if it was visible, from the last one before its registration on."""
        asked_for_it = pl.col("asked_after").is_null() | (pl.col("asked_after") < notice.registered_at)
        lists = self._lists.filter(asked_for_it & (pl.col("began") <= taken_at))
        is_early = pl.col("began") < notice.registered_at - SERVICE_CLOCK_DIFFERS
        before = lists.filter(is_early & pl.col("is_complete")).tail(1)
        since = lists.filter(~is_early)
        yield from pl.concat([before, since]).select("run_id", "is_complete", "times", "received", "kept").iter_rows()

    def _body(self, digest: str | None) -> bytes | None:
        if digest is None:
            return None
        if digest not in self._bodies:
            try:
                self._bodies[digest] = self._lake.answers.read(digest).lower()
            except StoreError:
                self._bodies[digest] = None
        return self._bodies[digest]


def _lists(published: Published) -> pl.DataFrame:
    """Return one row per list that was asked for, in the order in which they came, with its pages' times and hashes.

    `is_complete`: the list was read to its end. A poll that failed may have read only a part; a look hands over whole lists.
    `asked_after` null: all notices.
    """
    polls = published.read("polls").filter(pl.col("outcome").is_in(sorted(GOOD)))
    answers = published.read("answers").filter(~pl.col("resource").str.contains(_DATASET)).sort("fetched_at")
    # If others' notices were erased from a list, their uuids stay: it still shows what was visible.
    is_kept = pl.col("erased_at").is_null() | pl.col("kept_sha256").is_not_null()
    # If the service has no `oppdatert`, the run reads the full list too: another resource, another list.
    pages = answers.group_by("run_id", "resource", pl.col("is_look").fill_null(value=False), maintain_order=True)
    return pages.agg(
        times=pl.col("fetched_at"),
        received=pl.col("sha256"),
        kept=pl.when(is_kept).then(pl.coalesce("kept_sha256", "sha256")),
        began=pl.col("fetched_at").min(),
    ).with_columns(
        is_complete=pl.col("is_look") | pl.col("run_id").is_in(polls["run_id"].implode()),
        asked_after=pl.col("resource").str.extract(_ASKED_AFTER).str.to_datetime(time_unit="us", time_zone="UTC"),
    )
