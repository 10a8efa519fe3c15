"""`konkurs review`."""

from __future__ import annotations

from typing import Annotated

import typer

from konkurs_pipeline.cli.options import By
from konkurs_pipeline.cli.printing.terminal import answer
from konkurs_pipeline.cli.record.signature import signed
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.actions.reviews import OUTCOME_MEANINGS, ReviewOutcome
from konkurs_pipeline.enquiries.ids import action_ids, whole_id
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.handoff.reviews import record_outcome
from konkurs_pipeline.storage.store import layout_of_store, open_store

ActionId = Annotated[str, typer.Argument(metavar="ACTION_ID", help="The REVIEW, as `konkurs reviews` names it.")]
Outcome = Annotated[ReviewOutcome, typer.Option("--outcome", help="What was done: docs/case-officers.md.")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="What was found, and why it was so decided.")]


def command(action_id: ActionId, outcome: Outcome, by: By, note: Note) -> None:
    """Record what a person did about a REVIEW; a second outcome corrects the first, and both are kept."""
    by, note = signed(by, note, option="--note")
    settings = load_settings()
    named = whole_id(action_id, action_ids(layout_of_store(settings)))
    with open_store(settings) as store:
        number = record_outcome(store.ledger, named, outcome, by=by, note=note, now=utc_now())
        store.publish()
    corrected = "" if number == 1 else f" (it corrects {number - 1} before it, which stay on record)"
    answer(f"recorded: {outcome.value}, {OUTCOME_MEANINGS[outcome]}{corrected}")
