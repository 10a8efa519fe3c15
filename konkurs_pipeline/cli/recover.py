"""`konkurs recover`."""

from __future__ import annotations

import typer

from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.poll import utc_now
from konkurs_pipeline.storage.recovery import recover
from konkurs_pipeline.storage.store import open_store


def recover_ledger(*, by: str, reason: str) -> None:
    """Take over what the ledger lacks, and print which files that were."""
    if not by.strip() or not reason.strip():
        message = "--by and --reason must say something: they are kept as evidence"
        raise UsageError(message)
    with open_store(load_settings(), in_doubt=True) as store:
        names = recover(
            layout=store.layout,
            ledger=store.ledger,
            outbox=store.outbox,
            by=by.strip(),
            reason=reason.strip(),
            now=utc_now(),
        )
        store.publish()
    for name in names:
        typer.echo(f"taken over: {name}")
    typer.echo("the ledger knows every file that was handed over: `konkurs verify`, then `konkurs run`", err=True)
