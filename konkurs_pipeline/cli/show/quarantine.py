"""`konkurs quarantine`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.rows import print_rows
from konkurs_pipeline.enquiries.worklists.rows import QuarantineStatus, quarantine_rows
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import layout_of_store

Status = Annotated[QuarantineStatus | None, typer.Option("--status", help="Only those of this status.")]
_SHOWN: Final = ("uuid", "workday", "reason", "detail", "first_seen_at", "resolved_at")


def command(status: Status = None, *, as_json: AsJson = False) -> None:
    """List what could not be understood or contradicts itself, oldest first. What was received is in the view."""
    rows = quarantine_rows(layout_of_store(load_settings()), status)
    print_rows("Quarantine", rows, _SHOWN, as_json=as_json, none="no such entry")
