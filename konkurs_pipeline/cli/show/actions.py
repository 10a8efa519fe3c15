"""`konkurs actions`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.rows import print_rows
from konkurs_pipeline.domain.actions.rows import ActionStatus
from konkurs_pipeline.enquiries.worklists.rows import action_rows
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import layout_of_store

Status = Annotated[ActionStatus | None, typer.Option("--status", help="Only those of this status.")]
_SHOWN: Final = ("action_id", "action", "customer_ref", "account_no", "notice_uuid", "reason", "status", "decided_at")


def command(status: Status = None, *, as_json: AsJson = False) -> None:
    """List the actions, oldest first. An action's whole id, its file and its times are in the answer with --json."""
    rows = action_rows(layout_of_store(load_settings()), status)
    print_rows("Actions", rows, _SHOWN, as_json=as_json, none="no such action")
