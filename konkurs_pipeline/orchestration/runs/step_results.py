"""What the earlier steps of a Dagster run made, for its later steps: a resource beside the poll.

The executor runs the steps in one process and makes the resource once a run. If a run is over chosen assets only, a step may
be missing: then the next step reads what an earlier run stored. Only the list cannot be read so.
"""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg
import polars as pl

from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.steps.list.notices import PolledNotices, stored_notices
from konkurs_pipeline.storage.register.accepted import Snapshot
from konkurs_pipeline.storage.store import Store


@dataclass
class StepResults:
    """The results of the run so far; null: the step did not run. `is_register_taken`: the register step ran."""

    snapshot: Snapshot | None = None
    is_register_taken: bool = False
    polled: PolledNotices | None = None

    def register(self, store: Store) -> Snapshot | None:
        """Return the register that the run took in, else the last accepted one; null if there is none."""
        return self.snapshot if self.is_register_taken else store.snapshots.current()

    def notices(self, store: Store) -> pl.DataFrame:
        """Return NOTICE_COLUMNS and the workday of every notice that is stored."""
        return stored_notices(store.lake) if self.polled is None else self.polled.known

    def list_of_this_run(self) -> PolledNotices:
        """Return the list that this run read; raises `UsageError` in a run that did not poll."""
        if self.polled is None:
            message = "actions are decided only by a run that polls: materialise all assets together (job konkurs_poll)"
            raise UsageError(message)
        return self.polled


@dg.resource(description="What the steps of this run made so far")
def step_results() -> StepResults:
    """Return the resource of a new run: nothing was made yet."""
    return StepResults()
