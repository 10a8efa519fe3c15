"""`konkurs ask`."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Annotated

import typer

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.cli.printing.terminal import answer_document, answer_json, say
from konkurs_pipeline.domain.foreign_text import without_controls, without_formula
from konkurs_pipeline.enquiries.questions import question
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.readers.query import QueryResult, ask
from konkurs_pipeline.storage.store import layout_of_store

Number = Annotated[int, typer.Argument(metavar="N", help="The question's number: docs/analysts.md lists them.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Answer as CSV (UTF-8, comma), for a spreadsheet.")]


def command(number: Number, *, as_csv: AsCsv = False, as_json: AsJson = False) -> None:
    """Run one of the ready questions of docs/questions, and print its answer."""
    if as_csv and as_json:
        message = "--csv and --json: choose one"
        raise UsageError(message)
    asked = question(number)
    settings = load_settings()
    layout = layout_of_store(settings)
    found = ask(layout, asked.sql)
    if as_csv:
        answer_document(_csv(found))
    elif as_json:
        rows = [dict(zip(found.columns, map(_plain, row), strict=True)) for row in found.rows]
        answer_json({"number": asked.number, "question": asked.title, "rows": rows})
    else:
        rows = [dict(zip(found.columns, map(_shown, row), strict=True)) for row in found.rows]
        print_table(asked.title, rows)
        say(asked.note if rows else "No rows: the store holds nothing that this question counts.")


def _csv(found: QueryResult) -> str:
    text = io.StringIO()
    rows = ((_cell(value) for value in row) for row in found.rows)
    csv.writer(text, lineterminator="\n").writerows([found.columns, *rows])
    return text.getvalue()


def _cell(value: object) -> str:
    return without_formula(_shown(value)) if isinstance(value, str) else _shown(value)


def _shown(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return "" if value is None else without_controls(str(value))


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return value.isoformat() if isinstance(value, dt.date) else without_controls(str(value))
