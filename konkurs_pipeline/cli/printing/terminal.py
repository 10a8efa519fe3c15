"""Prints answers to standard output and problems to standard error. Everything that a command prints goes through here.

Text may come from outside: a receipt's file name, a customer's reference. So each line is made harmless first. If an
answer cannot be written whole, the command ends with 1. If a problem cannot be written, the command goes on.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import get_terminal_size
from textwrap import TextWrapper
from typing import TextIO

from konkurs_pipeline.domain.foreign_text import without_controls
from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.errors import OutputError

# While a progress bar is shown, it prints the lines above itself. `shown_progress` sets and clears this.
_print_above: Callable[[str], None] | None = None


def print_lines_by(printer: Callable[[str], None] | None) -> None:
    """Let `printer` print every line from now on; null: the streams themselves."""
    global _print_above  # noqa: PLW0603 -- a terminal is one for the whole process
    _print_above = printer


def make_streams_safe() -> None:
    """Open the standard streams that the caller closed; escape the letters that a stream's encoding lacks.

    If descriptor 0, 1 or 2 stayed closed, the next opened file would get its number, and messages would go into that
    file.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR if descriptor != 1 else os.O_RDONLY)
    if sys.stderr is None:
        # Libraries write to it without checking.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 -- open as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def answer(text: str) -> None:
    """Print one line on standard output. Raises `OutputError` if it cannot be written."""
    _write(_fit(without_controls(text), sys.stdout) + "\n")


def answer_json(value: object) -> None:
    """Print a value as JSON, in ASCII alone: instants in UTC, dates in ISO form."""
    _write(json.dumps(value, indent=2, default=plain) + "\n")


def answer_json_line(value: object) -> None:
    """Print a value as one line of JSON, of several that answer one command."""
    _write(json.dumps(value, default=plain) + "\n")


def answer_document(text: str) -> None:
    """Print a document of several lines as UTF-8, also on a terminal of another encoding: the document names its own."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        _write(text)
        return
    try:
        sys.stdout.flush()
        buffer.write(text.encode())
        buffer.flush()
    except (OSError, ValueError) as error:
        raise _unwritten(error) from None


def plain(value: object) -> object:
    """Return a value as JSON's own types."""
    if isinstance(value, dt.datetime):
        return instant_text(value)
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def say(text: str) -> None:
    """Print one line on standard error; if that fails, do nothing."""
    _say(_fit(without_controls(text), sys.stderr))


def say_problem(text: str) -> None:
    """Print what went wrong as one line on standard error, after the program's name."""
    say(f"konkurs: {text}")


def is_for_a_person(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal."""
    return stream is not None and not stream.closed and stream.isatty()


def _fit(line: str, stream: TextIO | None) -> str:
    """Break a line between words, if a terminal would break it inside an id, a date or an account number."""
    columns = get_terminal_size().columns
    if not is_for_a_person(stream) or len(line) <= columns:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    wrapper = TextWrapper(columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return wrapper.fill(line)


def _write(text: str) -> None:
    if sys.stdout is None:
        message = "the answer could not be written: standard output is closed"
        raise OutputError(message)
    if _print_above is not None and is_for_a_person(sys.stdout):
        _print_above(text.removesuffix("\n"))
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        raise _unwritten(error) from None


def _unwritten(error: Exception) -> OutputError:
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    # The rest of the buffer cannot be written either: without this, the interpreter would report it at its end.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OutputError(f"the answer could not be written whole: {why}. What the command did, it did: ask again")


def _say(line: str) -> None:
    if _print_above is not None:
        _print_above(line)
    elif sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
