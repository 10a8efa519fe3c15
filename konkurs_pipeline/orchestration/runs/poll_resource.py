"""The resource that all assets share: the poll of the run, over an open store.

The in-process executor initialises it once a run, so the store's lock is held from the first asset to the last.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

import dagster as dg

from konkurs_pipeline.clock import Clock
from konkurs_pipeline.domain.workdays import Window
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.orchestration.bank_names import BankNames, names_of
from konkurs_pipeline.orchestration.runs.dead_runs import named_in
from konkurs_pipeline.orchestration.runs.names import PARTITION_TAG, POLL_JOB, RANGE_END_TAG, RANGE_START_TAG
from konkurs_pipeline.orchestration.runs.tags import tagged_at_end
from konkurs_pipeline.progress import Progress
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.steps.look import keep_look
from konkurs_pipeline.steps.poll import Poll, conducted, prepared
from konkurs_pipeline.storage.dataset_map import load_dataset_map
from konkurs_pipeline.storage.ledger import polls
from konkurs_pipeline.storage.store import Store, open_store

# A scheduled run waits while a command such as `konkurs release` holds the store.
_WAIT_FOR_STORE_S = 60.0


def poll_resource(settings: Settings, *, store: Store | None, now: Clock, progress: Progress) -> dg.ResourceDefinition:
    """Return the resource; with `store`, runs use that open store instead of opening their own."""

    def opened() -> AbstractContextManager[Store]:
        return open_store(settings, wait_s=_WAIT_FOR_STORE_S) if store is None else nullcontext(store)

    @dg.resource(description="The poll of this run, over the open store")
    @contextmanager
    def the_poll(context: dg.InitResourceContext) -> Iterator[Poll]:
        run = context.run
        if run is None:
            message = "a poll needs a run: materialise assets through a job"
            raise dg.DagsterInvariantViolationError(message)
        try:
            with opened() as open_, named_in(open_.layout.lock, run.run_id):
                poll = _poll_of(run, settings, open_, now, progress)
                # `dagster job execute` opens a run's resources once more after its end, to look at its results.
                is_polling = _asks_for_notices(run, names_of(settings)) and not polls.is_known(open_.ledger, run.run_id)
                with (
                    tagged_at_end(context.instance, open_.ledger, run.run_id),
                    conducted(poll) if is_polling else prepared(poll),
                ):
                    keep_look(open_, run.run_id, run.tags)
                    yield poll
        except KonkursError as error:
            raise dg.Failure(description=redact(str(error)), allow_retries=False) from None

    return the_poll


def _poll_of(run: dg.DagsterRun, settings: Settings, store: Store, now: Clock, progress: Progress) -> Poll:
    return Poll(
        run.run_id,
        window_of(run.tags, settings, now()),
        settings,
        store,
        now=now,
        fields=load_dataset_map(settings.dataset_map),
        progress=progress,
    )


def _asks_for_notices(run: dg.DagsterRun, names: BankNames) -> bool:
    """Return whether the run polls: the whole job, or a choice of assets with the notices. Checks alone do not."""
    if run.asset_selection:
        return names.asset("raw_notices") in run.asset_selection
    return run.job_name == names.job(POLL_JOB) and run.asset_check_selection is None


def window_of(tags: Mapping[str, str], settings: Settings, now: dt.datetime) -> Window:
    """Return the window that a run's partition tags ask for; without tags, today's workday."""
    today = settings.calendar.workday_of(now).isoformat()
    single = tags.get(PARTITION_TAG, today)
    first = dt.date.fromisoformat(tags.get(RANGE_START_TAG, single))
    last = dt.date.fromisoformat(tags.get(RANGE_END_TAG, single))
    return settings.calendar.window(first, last, lookback=settings.lookback_workdays)
