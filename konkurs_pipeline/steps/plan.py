"""Run on a copy of the store: return what a run would write, and write nothing."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

from konkurs_pipeline.domain.actions.rows import ActionStatus
from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.domain.workdays import Window
from konkurs_pipeline.progress import Progress
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.steps.poll import Poll, conducted
from konkurs_pipeline.steps.sequence import run_steps
from konkurs_pipeline.storage.copies.rehearsal import rehearsal
from konkurs_pipeline.storage.dataset_map import load_dataset_map
from konkurs_pipeline.storage.handoff.decisions import actions_of_run
from konkurs_pipeline.storage.store import open_store


@dataclass(frozen=True)
class Plan:
    """What a run would do. `actions`: the rows of `actions` that it would write or hold."""

    outcome: Outcome
    detail: str | None
    notices_new: int
    actions: list[dict[str, Any]]

    def counts(self) -> list[dict[str, Any]]:
        """Return the number of actions by kind, reason and whether they would be written or held."""
        counts = Counter((row["action"], row["reason"], would_be(row)) for row in self.actions)
        return [
            {"action": action, "reason": reason, "would be": how, "rows": count}
            for (action, reason, how), count in sorted(counts.items())
        ]


def would_be(action: dict[str, Any]) -> str:
    """Return what a run would do with an action of a plan: `written` or `held`."""
    return "held" if action["status"] == ActionStatus.HELD else "written"


def plan_run(settings: Settings, window: Window, progress: Progress) -> Plan:
    """Run all steps on a copy of the store and return the plan. Raises as a run does, and when a run is under way."""
    run_id = str(uuid.uuid4())
    fields = load_dataset_map(settings.dataset_map)
    with rehearsal(settings) as copy, open_store(copy) as store:
        poll = Poll(run_id, window, copy, store, fields=fields, progress=progress)
        with conducted(poll):
            run_steps(poll)
        actions = actions_of_run(store.ledger, run_id)
        ((outcome, detail, new),) = store.ledger.rows(
            "SELECT outcome, detail, notices_new FROM polls WHERE run_id = ?", [run_id]
        )
    return Plan(Outcome(outcome), detail, new, actions.to_dicts())
