"""`konkurs ask`."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from typing import Annotated

import typer

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.domain.foreign_text import without_controls, without_formula
from konkurs_pipeline.enquiries.questions import question
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.readers.query import Answer, ask
from konkurs_pipeline.storage.store import check_marker, layout_of

Number = Annotated[int, typer.Argument(metavar="N", help="The question's number: docs/questions.md lists them.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Answer as CSV (UTF-8, comma), for a spreadsheet.")]


def command(number: Number, *, as_csv: AsCsv = False, as_json: AsJson = False) -> None:
    """Run one of the ready questions of docs/questions, and print its answer."""
    if as_csv and as_json:
        message = "--csv and --json: choose one"
        raise UsageError(message)
    asked = question(number)
    settings = load_settings()
    layout = layout_of(settings)
    check_marker(settings, layout)
    answer = ask(layout, asked.sql)
    if as_csv:
        typer.echo(_csv(answer), nl=False)
    elif as_json:
        rows = [dict(zip(answer.columns, map(_plain, row), strict=True)) for row in answer.rows]
        typer.echo(json.dumps({"number": asked.number, "question": asked.title, "rows": rows}, indent=2))
    else:
        rows = [dict(zip(answer.columns, map(_shown, row), strict=True)) for row in answer.rows]
        print_table(asked.title, rows)
        typer.echo(asked.note if rows else "No rows: the store holds nothing that this question counts.", err=True)


def _csv(answer: Answer) -> str:
    text = io.StringIO()
    rows = ((_cell(value) for value in row) for row in answer.rows)
    csv.writer(text, lineterminator="\n").writerows([answer.columns, *rows])
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
