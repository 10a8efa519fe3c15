"""`konkurs plan`."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from konkurs_pipeline.cli.options import AsJson, FirstDay, LastDay, day
from konkurs_pipeline.cli.poll.run import asked_window, refuse_unusable
from konkurs_pipeline.cli.printing.progress import shown_progress
from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.cli.printing.terminal import answer, answer_json, say, say_problem
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.workdays import Window
from konkurs_pipeline.errors import ExitCode
from konkurs_pipeline.progress import Progress
from konkurs_pipeline.settings import Settings, load_settings
from konkurs_pipeline.steps.poll import Poll, conducted
from konkurs_pipeline.steps.sequence import STEPS
from konkurs_pipeline.storage.dataset_map import load_dataset_map
from konkurs_pipeline.storage.handoff.decisions import actions_of_run
from konkurs_pipeline.storage.rehearsal import rehearsal
from konkurs_pipeline.storage.store import open_store


@dataclass(frozen=True)
class Plan:
    """What a run would do. `rows`: one per action, reason and whether it is written or held, with how many."""

    outcome: str
    detail: str | None
    notices_new: int
    rows: list[dict[str, Any]]


def command(first: FirstDay = None, last: LastDay = None, *, as_json: AsJson = False) -> ExitCode:
    """Show what a run would write, by action and reason, and write nothing: it is rehearsed on a copy of the store."""
    first_day, last_day = day("--from", first), day("--to", last)
    settings = load_settings()
    window = asked_window(settings, first_day, last_day)
    refuse_unusable(settings)
    with rehearsal(settings) as copy, shown_progress() as progress:
        plan = rehearse(copy, window, progress)
    if as_json:
        answer_json(asdict(plan))
    elif plan.rows:
        print_table("A run would write", plan.rows)
    else:
        answer("a run would write no action")
    say(f"nothing was written; {plan.notices_new} notices would be new")
    if plan.detail:
        say_problem(f"{plan.outcome}: {plan.detail}")
    return ExitCode.FAILED if plan.outcome == "partial" else ExitCode.DONE


def rehearse(settings: Settings, window: Window, progress: Progress) -> Plan:
    """Run all steps on the copy of the store that `settings` name; returns what came of it. Raises as a run does."""
    run_id = str(uuid.uuid4())
    fields = load_dataset_map(settings.dataset_map)
    with open_store(settings) as store:
        poll = Poll(run_id, window, settings, store, now=utc_now, fields=fields, progress=progress)
        with conducted(poll):
            for step in STEPS:
                progress(step.__name__.replace("_", " "), 0, None)
                step(poll)
        actions = actions_of_run(store.ledger, run_id)
    counts = Counter(
        (action, reason, "held" if status == "held" else "written")
        for action, reason, status in actions.select("action", "reason", "status").iter_rows()
    )
    rows = [
        {"action": action, "reason": reason, "would be": how, "rows": count}
        for (action, reason, how), count in sorted(counts.items())
    ]
    return Plan(poll.outcome().value, poll.detail(), poll.notices_new, rows)
