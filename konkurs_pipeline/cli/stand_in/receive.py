"""`konkurs receive`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from konkurs_pipeline.cli.printing import terminal
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.errors import ExitCode
from konkurs_pipeline.receiver.receiver import receive

Outbox = Annotated[Path, typer.Argument(metavar="OUTBOX", help="The folder that holds the manifests.")]
Receipts = Annotated[Path, typer.Argument(metavar="RECEIPTS", help="The folder to write receipts to.")]


def command(outbox: Outbox, receipts: Receipts) -> ExitCode:
    """Stand in for core banking: check every new file of the outbox as docs/outbox.md says, and write its receipt.

    It carries nothing out and answers APPLIED. Do not use it on the folders of a bank in production.
    """
    refused = False
    for answer in receive(outbox, receipts, utc_now()):
        if answer.refused:
            refused = True
            terminal.say_problem(f"{answer.base_name} is refused: {answer.refused}")
        else:
            again = f", {answer.known} done before" if answer.known else ""
            terminal.answer(f"{answer.base_name}: {answer.new} actions{again}")
    return ExitCode.FAILED if refused else ExitCode.DONE
