"""`konkurs release`."""

from __future__ import annotations

from typing import Annotated

import typer

from konkurs_pipeline.cli.options import By
from konkurs_pipeline.cli.printing.terminal import answer
from konkurs_pipeline.cli.record.signature import signed
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.ids import run_ids, whole_id
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.handoff.decisions import release
from konkurs_pipeline.storage.store import layout_of_store, open_store

RunId = Annotated[str, typer.Argument(metavar="RUN_ID", help="The run that held them back.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")]


def command(run_id: RunId, by: By, reason: Reason) -> None:
    """Release the rows that a run held back; the next run writes them."""
    by, reason = signed(by, reason)
    settings = load_settings()
    named = whole_id(run_id, run_ids(layout_of_store(settings)))
    with open_store(settings) as store:
        count = release(store.ledger, named, by=by, reason=reason, now=utc_now())
        store.publish()
    answer(f"{count} rows released: the next run writes them")
