"""`konkurs held`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.rows import print_rows
from konkurs_pipeline.cli.printing.terminal import say
from konkurs_pipeline.enquiries.worklists.held import held_rows
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import layout_of_store

_SHOWN: Final = (
    "customer_ref",
    "account_no",
    "notice_uuid",
    "notice_type",
    "ruling_date",
    "matched_via",
    "decided_at",
    "run_id",
    "released_by",
)


def command(*, as_json: AsJson = False) -> None:
    """List the BLOCK rows that are held back until a person releases them."""
    rows = held_rows(layout_of_store(load_settings()))
    print_rows("Held BLOCK rows", [asdict(row) for row in rows], _SHOWN, as_json=as_json, none="nothing is held")
    if not as_json:
        for run_id in sorted({row.run_id for row in rows if row.released_by is None}):
            say("to release:")
            say(f'  konkurs release {run_id} --by NAME --reason "TEXT"')
