"""`konkurs schemas`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from konkurs_pipeline.cli.printing.terminal import answer
from konkurs_pipeline.contracts.json_schemas import write_schemas
from konkurs_pipeline.errors import UsageError

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write them to; it is created.")]


def command(out: Out) -> None:
    """Write the JSON Schemas of the outbox, receipts, alerts, control requests and the register's columns."""
    try:
        written = write_schemas(out)
    except OSError as error:
        message = f"the schemas cannot be written to {out} ({error.strerror}): name a folder that you may write to"
        raise UsageError(message) from None
    for path in written:
        answer(str(path))
