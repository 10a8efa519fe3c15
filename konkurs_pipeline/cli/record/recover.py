"""`konkurs recover`."""

from __future__ import annotations

from typing import Annotated

import typer

from konkurs_pipeline.cli.options import By
from konkurs_pipeline.cli.printing.terminal import answer, say
from konkurs_pipeline.cli.record.signature import signed
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.recovery import recover_store
from konkurs_pipeline.storage.store import open_store

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: which copy was restored, and when.")]


def command(by: By, reason: Reason) -> None:
    """Put right what a run stops on: a ledger restored from an old copy, changed files in the outbox."""
    by, reason = signed(by, reason)
    settings = load_settings()
    with open_store(settings, allow_untrusted=True) as store:
        done = recover_store(store, settings, by=by, reason=reason, now=utc_now())
    for month in done.rebuilt:
        answer(f"made again from the kept answers: {month}")
    for name in done.taken_over:
        answer(f"taken over: {name}")
    for name in done.mended:
        answer(f"written again as it was: {name}")
    if done.reviews:
        answer(f"taken over: {done.reviews} outcomes of reviews")
    if done.erasures:
        answer(f"erased again: {done.erasures} erasures that the ledger did not know")
    say("the ledger and the outbox agree: `konkurs verify`, then `konkurs run`")
