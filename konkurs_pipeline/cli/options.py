"""Options that several commands take, and how what was typed is read."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.redaction import redact

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, for programs.")]
FirstDay = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First workday, YYYY-MM-DD.")]
LastDay = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last workday; default: today's.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides it.")]


def day(option: str, text: str | None) -> dt.date | None:
    """Return the day that was typed after `option`. Raises `UsageError`."""
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        message = f"{option}: a day is written YYYY-MM-DD, such as 2018-06-08; got {redact(text)!r}"
        raise UsageError(message) from None
