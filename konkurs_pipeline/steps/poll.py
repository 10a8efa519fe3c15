"""One poll, from its beginning to its end, and what its steps share.

A poll is a run over a window of workdays: today's and the lookback, or those of a backfill. There is one code path. Each
step reads what the steps before it wrote, so a crash between two is healed by the next poll.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import polars as pl

from konkurs_pipeline.brreg.client import Konkursvarsel, connect
from konkurs_pipeline.clock import Clock, utc_now
from konkurs_pipeline.domain.datasets import DatasetMap
from konkurs_pipeline.domain.workdays import Window
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.progress import Progress, silent
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.handoff.receipts import read_receipts
from konkurs_pipeline.storage.ledger import polls
from konkurs_pipeline.storage.ledger.polls import Outcome
from konkurs_pipeline.storage.snapshots import Snapshot
from konkurs_pipeline.storage.store import Store


@dataclass
class Poll:
    """A poll under way. `missing` is what it could not get (it then ends as partial), `attention` what a person must see.

    `is_polling` is false for a run that only makes stored tables anew: it leaves no row in `polls` and decides nothing.
    `has_list`: the service's list was had, so that something may be decided. `progress` is told what is under way.
    """

    run_id: str
    window: Window
    settings: Settings
    store: Store
    connect: Callable[[Settings], Konkursvarsel] = connect
    now: Clock = utc_now
    fields: DatasetMap = field(default_factory=DatasetMap)
    is_polling: bool = True
    snapshot: Snapshot | None = None
    is_register_taken: bool = False
    notices_new: int = 0
    has_list: bool = False
    missing: list[str] = field(default_factory=list)
    attention: list[str] = field(default_factory=list)
    is_decided: bool = False
    failure: str | None = None
    # For all_notices alone.
    notices: pl.DataFrame | None = None
    progress: Progress = silent

    def days(self) -> list[dt.date]:
        """Return the workdays asked for: the partitions that the run makes."""
        return self.settings.calendar.between(self.window.from_workday, self.window.to_workday)

    def outcome(self) -> Outcome:
        """Return how the poll ends, as far as it got."""
        if self.missing:
            return Outcome.PARTIAL
        return Outcome.NEW if self.notices_new else Outcome.NOTHING_NEW

    def detail(self) -> str | None:
        """Return what was missing and what is left for a person, in one line without identifiers."""
        return redact("; ".join([*self.missing, *self.attention])) or None

    def fail(self, error: BaseException) -> str:
        """Record why the poll fails; returns the text, without identifiers. The first failure counts."""
        said = str(error) if isinstance(error, KonkursError) else f"unexpected {type(error).__name__}: {error}"
        self.failure = self.failure or redact(said)
        return self.failure


@contextmanager
def conducted(poll: Poll) -> Iterator[Poll]:
    """Conduct a poll: record its beginning, heal what a crash left, and record how it ended, whatever happens.

    A failure before the decision leaves a `failed` poll and no file; one after it leaves the decision standing.
    """
    store = poll.store
    if poll.is_polling:
        polls.begin(store.ledger, poll.run_id, poll.window, poll.now())
    try:
        store.prove()
        store.outbox.show_pending(store.ledger)
        poll.attention += read_receipts(store.ledger, poll.settings.receipts_dir, poll.now())
        yield poll
    except BaseException as error:
        poll.fail(error)
        raise
    finally:
        close(poll)
        store.publish()


def close(poll: Poll) -> None:
    """Record the end of a poll that did not come to its decision, or failed after it. It may be called twice."""
    if not poll.is_polling or (poll.is_decided and poll.failure is None):
        return
    outcome = Outcome.PARTIAL if poll.is_decided else Outcome.FAILED
    detail = poll.failure or "it was stopped before anything was decided"
    polls.end(poll.store.ledger, poll.run_id, outcome, detail, poll.now())
