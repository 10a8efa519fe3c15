"""`konkurs held` and `konkurs release`."""

from __future__ import annotations

import json

import typer

from konkurs_pipeline.cli.signature import signed
from konkurs_pipeline.cli.tables import print_table
from konkurs_pipeline.enquiries.held import held_rows
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.poll import utc_now
from konkurs_pipeline.storage.handoff.decisions import release
from konkurs_pipeline.storage.store import layout_of, open_store


def show_held(*, as_json: bool) -> None:
    """Print the held rows."""
    rows = held_rows(layout_of(load_settings()))
    if as_json:
        typer.echo(json.dumps([row.as_dict() for row in rows], indent=2))
    elif not rows:
        typer.echo("nothing is held")
    else:
        print_table("Held BLOCK rows", [row.as_dict() for row in rows])
        waiting = sorted({row.run_id for row in rows if row.released_by is None})
        for run_id in waiting:
            typer.echo(f'to release: konkurs release {run_id} --by NAME --reason "TEXT"', err=True)


def release_rows(run_id: str, *, by: str, reason: str) -> None:
    """Release the rows that a run held back."""
    by, reason = signed(by, reason)
    settings = load_settings()
    with open_store(settings) as store:
        count = release(store.ledger, run_id, by=by, reason=reason, now=utc_now())
        store.publish()
    typer.echo(f"{count} rows released: the next run writes them")
