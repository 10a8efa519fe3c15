"""One poll: its window, the parts that its steps use, and its beginning and end in the ledger.

A poll is a run over a window of workdays: today's and the lookback, or those of a backfill. There is one code path. Each
step reads what the steps before it wrote. So after a crash between two steps the next poll continues.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from konkurs_pipeline.brreg.client import Konkursvarsel, connect
from konkurs_pipeline.clock import Clock, utc_now
from konkurs_pipeline.domain.documents.datasets import DatasetMap
from konkurs_pipeline.domain.outcomes import Issue, IssueCode
from konkurs_pipeline.domain.workdays import Window
from konkurs_pipeline.errors import AccessRefusedError, KonkursError, ServiceError, ServiceUnreachableError, StoreError
from konkurs_pipeline.progress import Progress, silent
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.steps.erasure.erasure import finish_erasures, terms_of
from konkurs_pipeline.storage.handoff.receipts import read_receipts
from konkurs_pipeline.storage.ledger import polls
from konkurs_pipeline.storage.store import Store

# The first class that matches counts.
_STOPPED_BY: Final[tuple[tuple[type[BaseException], IssueCode], ...]] = (
    (ServiceUnreachableError, IssueCode.SERVICE_UNREACHABLE),
    (AccessRefusedError, IssueCode.ACCESS_REFUSED),
    (ServiceError, IssueCode.ANSWER_NOT_UNDERSTOOD),
    (StoreError, IssueCode.STORE_FAILED),
    (BaseException, IssueCode.STOPPED),
)


@dataclass(frozen=True)
class Poll:
    """The context of a run. Nothing in it changes during the run.

    `fields`: where the fields of a dataset stand. `progress` is called as work goes on.
    """

    run_id: str
    window: Window
    settings: Settings
    store: Store
    connect: Callable[[Settings], Konkursvarsel] = connect
    now: Clock = utc_now
    fields: DatasetMap = field(default_factory=DatasetMap)
    progress: Progress = silent

    def days(self) -> list[dt.date]:
        """Return the workdays asked for: the partitions that the run makes."""
        return self.settings.calendar.between(self.window.from_workday, self.window.to_workday)

    def report(self, code: IssueCode, message: str, count: int | None = None) -> None:
        """Record an issue of the poll, without identifiers."""
        polls.report(self.store.ledger, self.run_id, Issue(code, redact(message), count))


@contextmanager
def conducted(poll: Poll) -> Iterator[None]:
    """Conduct a poll: record its beginning and, also after an error, its end.

    If it fails before the decision, the poll is `failed` and there is no file. If it fails after it, the decision stands.
    """
    polls.begin(poll.store.ledger, poll.run_id, poll.window, poll.now())
    with prepared(poll):
        yield


@contextmanager
def prepared(poll: Poll) -> Iterator[None]:
    """Verify the store, finish what a crash left and read the receipts; at the end publish the ledger to analysts.

    A run that only makes stored tables again needs no more: it is no poll, and has no row in `polls`.
    """
    store = poll.store
    try:
        store.verify()
        finish_erasures(store, terms_of(poll.settings), poll.now())
        store.outbox.show_pending(store.ledger)
        for message in read_receipts(store.ledger, poll.settings.receipts_dir, poll.now()):
            poll.report(IssueCode.RECEIPT_SET_ASIDE, message)
        yield
    except BaseException as error:
        # Also an interrupt and a bug: the ledger must say that the poll failed.
        fail(poll, error)
        raise
    finally:
        polls.close(store.ledger, poll.run_id, poll.now())
        store.publish()


def fail(poll: Poll, error: BaseException) -> str:
    """Record why the poll stops; returns the text, without identifiers."""
    what = str(error) if isinstance(error, KonkursError) else f"unexpected {type(error).__name__}: {error}"
    code = next(code for kind, code in _STOPPED_BY if isinstance(error, kind))
    issue = Issue(code, redact(what))
    # If the ledger itself fails, the next run finds a poll without an end.
    with suppress(StoreError):
        polls.fail(poll.store.ledger, poll.run_id, issue, poll.now())
    return issue.message
