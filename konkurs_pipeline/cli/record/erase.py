"""`konkurs erase`."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Annotated, Any

import typer

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.progress import shown_progress
from konkurs_pipeline.cli.printing.terminal import answer, answer_json, say
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.erasure.erasure import Erased, ErasurePlan, erase, plan_erasure, terms_of
from konkurs_pipeline.storage.store import layout_of_store, open_store

Apply = Annotated[bool, typer.Option("--apply", help="Erase it. Without: only say what would be erased.")]


def command(*, apply: Apply = False, as_json: AsJson = False) -> None:
    """Say what the retention rules would erase today, by rule; with --apply, erase it. The nightly job does the same."""
    settings = load_settings()
    layout_of_store(settings)
    now, done = utc_now(), None
    with open_store(settings) as store, shown_progress() as progress:
        progress("finding what has ended", 0, None)
        plan = plan_erasure(store, terms_of(settings), now)
        if apply:
            progress("checking the store", 0, None)
            store.verify()
            progress("recording what is erased", 0, None)
            done = erase(store, plan, by=redact(getpass.getuser()), now=now, progress=progress)
            progress("publishing", 0, None)
            store.publish()
            store.discard_superseded()
    if as_json:
        answer_json(_as_json(plan, done))
    else:
        _print(plan, done)


def _as_json(plan: ErasurePlan, done: Erased | None) -> dict[str, Any]:
    return {
        "due": {rule.value: {**plan.counts[rule], "notice_count": _notices(plan, rule)} for rule in plan.due},
        "quarantine_entries": len(plan.entries),
        "register_snapshots": len(plan.registers),
        "control_requests": len(plan.requests),
        "answers": plan.answers,
        "kept": dict(plan.kept),
        "oldest_kept": {"registered_at": plan.oldest[0], "why": plan.oldest[1]} if plan.oldest else None,
        "open_too_long": plan.open_too_long,
        "erased": asdict(done) if done else None,
    }


def _notices(plan: ErasurePlan, rule: Any) -> int:  # noqa: ANN401 -- a rule of the plan
    return sum(len(case.notices) for case in plan.due[rule])


def _print(plan: ErasurePlan, done: Erased | None) -> None:
    verb = "erased" if done else "would be erased"
    for rule in plan.due:
        counts = plan.counts[rule]
        answer(
            f"rule {rule}: {counts['case_count']} bankruptcies with {_notices(plan, rule)} notices, "
            f"{counts['document_count']} documents, {counts['quarantine_count']} quarantine entries {verb}"
        )
    answer(f"{len(plan.entries)} quarantine entries of no notice, {len(plan.registers)} register snapshots {verb}")
    answer(
        f"{len(plan.requests)} requests of trustees {verb}; {plan.answers} old answers keep only what they first held"
    )
    for reason, count in sorted(plan.kept.items()):
        answer(f"kept, {reason}: {count}")
    if plan.oldest:
        answer(f"the oldest that stays is of {instant_text(plan.oldest[0])}: {plan.oldest[1]}")
    if plan.open_too_long:
        say(f"{plan.open_too_long} bankruptcies or quarantine entries are open for 15 years: was their end missed?")
    if done is None:
        say("nothing was erased: `konkurs erase --apply` does it, and so does the nightly job")
