"""`konkurs held`."""

from __future__ import annotations

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.cli.printing.terminal import answer, answer_json, say
from konkurs_pipeline.enquiries.held import held_rows
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import layout_of


def command(*, as_json: AsJson = False) -> None:
    """List the BLOCK rows that are held back until a person releases them."""
    rows = held_rows(layout_of(load_settings()))
    if as_json:
        answer_json([row.as_dict() for row in rows])
    elif not rows:
        answer("nothing is held")
    else:
        print_table("Held BLOCK rows", [row.as_dict() for row in rows])
        waiting = sorted({row.run_id for row in rows if row.released_by is None})
        for run_id in waiting:
            say(f'to release: konkurs release {run_id} --by NAME --reason "TEXT"')
