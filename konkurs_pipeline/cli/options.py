"""Options that several commands take, and how what was typed is read."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from konkurs_pipeline.domain.workdays import OSLO
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


# What is shown ends at the millisecond, and what is kept goes on: a time that is copied from an answer includes its moment.
_REST_OF_MILLISECOND = dt.timedelta(microseconds=999)


def instant(option: str, text: str | None) -> dt.datetime | None:
    """Return the moment that was typed after `option`, in UTC: Oslo time unless it says its offset. Raises `UsageError`."""
    if text is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(text.strip())
        in_utc = (moment if moment.tzinfo else moment.replace(tzinfo=OSLO)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        message = f"{option} takes a time such as 2018-06-08T14:00 (Oslo) or 2018-06-08T12:00:00Z"
        raise UsageError(message) from None
    return in_utc if in_utc.microsecond % 1000 else in_utc + _REST_OF_MILLISECOND
