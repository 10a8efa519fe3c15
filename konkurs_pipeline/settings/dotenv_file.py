"""The `.env` file in the working directory: `NAME=value` lines, read strictly."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from konkurs_pipeline.errors import SettingsError


def read_dotenv(path: Path) -> dict[str, str]:
    """Return what the file sets; nothing if there is no file, or if its folder cannot be read.

    Raises `SettingsError` if the file cannot be read or one of its lines sets nothing.
    """
    try:
        text = path.read_text(encoding="utf-8") if _is_there(path) else ""
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read ({type(error).__name__}): make it a readable UTF-8 text file"
        raise SettingsError(message) from None
    _refuse_broken_lines(path, text)
    return {name: value or "" for name, value in dotenv_values(stream=StringIO(text)).items()}


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        return False


def _refuse_broken_lines(path: Path, text: str) -> None:
    """Refuse lines that are no `NAME=value`: python-dotenv skips them, and the default would apply unnoticed."""
    lines = [
        str(found.original.line)
        for found in parse_stream(StringIO(text))
        if found.error or (found.key is not None and found.value is None)
    ]
    if lines:
        message = f"{path} cannot be read from line {', '.join(lines)} on; expected: NAME=value. Correct it"
        raise SettingsError(message)
