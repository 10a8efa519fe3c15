"""`konkurs receipts`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.rows import print_rows
from konkurs_pipeline.domain.actions.receipts import ReceiptOutcome
from konkurs_pipeline.enquiries.worklists.rows import receipt_rows
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import layout_of_store

Status = Annotated[ReceiptOutcome | None, typer.Option("--status", help="Only those of this outcome.")]
_SHOWN: Final = ("name", "outcome", "detail", "seq", "read_at")


def command(status: Status = None, *, as_json: AsJson = False) -> None:
    """List the receipts of core banking that were read, oldest first, with what each changed or why it was set aside."""
    rows = receipt_rows(layout_of_store(load_settings()), status)
    print_rows("Receipts", rows, _SHOWN, as_json=as_json, none="no such receipt")
