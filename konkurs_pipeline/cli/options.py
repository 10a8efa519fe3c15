"""Options that several commands take, and how what was typed is read."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.redaction import redact

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, for programs.")]
FirstDay = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First workday, YYYY-MM-DD.")]
LastDay = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last workday; default: today's.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides it.")]

# Other years are typing errors, and arithmetic on them would leave the calendar.
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2199


def day(option: str, text: str | None) -> dt.date | None:
    """Return the day that was typed after `option`. Raises `UsageError`, also for a day outside 1900 to 2199."""
    if text is None:
        return None
    try:
        typed = dt.date.fromisoformat(text)
    except ValueError:
        typed = None
    if typed is None or not _FIRST_YEAR <= typed.year <= _LAST_YEAR:
        message = f"{option}: a day is written YYYY-MM-DD, from 1900 to 2199, such as 2018-06-08; got {redact(text)!r}"
        raise UsageError(message)
    return typed


# Times are shown to the millisecond and kept to the microsecond: a time copied from an answer includes what it names.
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


def refuse_place(out: Path | None) -> None:
    """Raise `UsageError` if no file can be written at `out`: its folder is missing, or it is something else than a file."""
    if out is None:
        return
    if not out.parent.is_dir():
        message = f"--out: there is no folder {out.parent}"
    elif out.is_dir():
        message = f"--out: {out} is a folder; name a file in it"
    elif out.exists() and not out.is_file():
        message = f"--out: {out} is no file, and writing would replace it: name a file, or leave --out away for stdout"
    else:
        return
    raise UsageError(message)


def standard_input(most: int = -1) -> bytes:
    """Return what comes on standard input, at most `most` bytes (-1: all); nothing if it is closed."""
    return sys.stdin.buffer.read(most) if sys.stdin is not None else b""
