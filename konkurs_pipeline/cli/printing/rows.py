"""Rows of the store for a person or for a program."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.cli.printing.terminal import answer, answer_json
from konkurs_pipeline.enquiries.times import oslo_text

_SHORT_ID = 8


def print_rows(
    title: str, rows: Sequence[Mapping[str, object]], columns: Collection[str], *, as_json: bool, none: str
) -> None:
    """Print rows as JSON with every column, or as a table of `columns`; without rows, print `none`."""
    if as_json:
        answer_json(list(rows))
    elif not rows:
        answer(none)
    else:
        print_table(title, [for_a_person({name: row[name] for name in columns}) for row in rows])


def for_a_person(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row with times in Oslo, and with the short ids that every command takes. A column `uuid` stays whole."""
    return {name.removesuffix("_uuid"): _shortened(name, value) for name, value in row.items()}


def _shortened(name: str, value: object) -> object:
    if name.endswith(("_uuid", "_id")) or name == "caused_by":
        return str(value)[:_SHORT_ID] if value else value
    if name.endswith(("_at", "_since")) and value:
        moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
        return oslo_text(moment)
    return value
