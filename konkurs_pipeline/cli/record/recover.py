"""`konkurs recover`."""

from __future__ import annotations

from typing import Annotated

import typer

from konkurs_pipeline.cli.options import By
from konkurs_pipeline.cli.printing.terminal import answer, say
from konkurs_pipeline.cli.record.signature import signed
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.rebuild import rebuild_lost_months
from konkurs_pipeline.storage.handoff.recovery import Recovered, recover
from konkurs_pipeline.storage.store import open_store

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: which copy was restored, and when.")]


def command(by: By, reason: Reason) -> None:
    """Put right what a run stops on: a ledger restored from an old copy, changed files in the outbox."""
    by, reason = signed(by, reason)
    settings = load_settings()
    with open_store(settings, allow_untrusted=True) as store:
        rebuilt = rebuild_lost_months(store, settings)
        for month in rebuilt:
            answer(f"made again from the kept answers: {month}")
        try:
            done = recover(store.layout, store.ledger, store.outbox, by=by, reason=reason, now=utc_now())
        except UsageError:
            if not rebuilt:
                raise
            done = Recovered([], [], 0)
        store.publish()
    for name in done.taken_over:
        answer(f"taken over: {name}")
    for name in done.mended:
        answer(f"written again as it was: {name}")
    if done.reviews:
        answer(f"taken over: {done.reviews} outcomes of reviews")
    say("the ledger and the outbox agree: `konkurs verify`, then `konkurs run`")
