"""`konkurs plan`."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from konkurs_pipeline.cli.options import AsJson, FirstDay, LastDay, day
from konkurs_pipeline.cli.poll.run import asked_window, refuse_unusable
from konkurs_pipeline.cli.printing.progress import shown_progress
from konkurs_pipeline.cli.printing.rows import for_a_person
from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.cli.printing.terminal import answer, answer_json, say, say_problem
from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.errors import ExitCode
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.plan import plan_run, would_be

WithRows = Annotated[bool, typer.Option("--rows", help="Each row, and not only how many there are.")]
_COLUMNS: Final = ("action", "customer_ref", "account_no", "notice_uuid", "notice_type", "ruling_date", "matched_via")


def command(
    first: FirstDay = None, last: LastDay = None, *, with_rows: WithRows = False, as_json: AsJson = False
) -> ExitCode:
    """Show what a run would write, by action and reason, and write nothing: the run works on a copy of the store."""
    first_day, last_day = day("--from", first), day("--to", last)
    settings = load_settings()
    window = asked_window(settings, first_day, last_day)
    refuse_unusable(settings)
    with shown_progress() as progress:
        plan = plan_run(settings, window, progress)
    rows = [_named(action) for action in plan.actions] if with_rows else plan.counts()
    if as_json:
        answer_json({"outcome": plan.outcome, "detail": plan.detail, "notices_new": plan.notices_new, "rows": rows})
    elif rows:
        print_table("A run would write", [for_a_person(row) for row in rows])
    else:
        answer("a run would write no action")
    say(f"nothing was written; {plan.notices_new} notices would be new")
    if plan.detail:
        say_problem(f"{plan.outcome}: {plan.detail}")
    return ExitCode.FAILED if plan.outcome is Outcome.PARTIAL else ExitCode.DONE


def _named(action: dict[str, Any]) -> dict[str, Any]:
    return {**{name: action[name] for name in _COLUMNS}, "reason": action["reason"], "would be": would_be(action)}
