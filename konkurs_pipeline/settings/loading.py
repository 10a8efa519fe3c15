"""Reads the settings and says what is wrong: the variable, what it held, what was expected, what to do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from konkurs_pipeline.domain.identifiers import is_utf8
from konkurs_pipeline.errors import SettingsError
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings.dotenv_file import read_dotenv
from konkurs_pipeline.settings.model import RuleError, Settings
from konkurs_pipeline.settings.urls import without_credentials

PREFIX: Final = "KONKURS_"
_SECRETS: Final = frozenset({"client_p12_password", "alert_webhook_url"})


def variable(field: str) -> str:
    """Return the environment variable of a settings field."""
    return PREFIX + field.upper()


def load_settings(environ: Mapping[str, str] | None = None, *, dotenv: Path = Path(".env")) -> Settings:
    """Read the settings from `environ` (default: the process's) over the `.env` file in the working directory.

    An empty value counts as not set. Raises `SettingsError`, one line for each thing that is wrong.
    """
    given = {**read_dotenv(dotenv), **(os.environ if environ is None else environ)}
    known = {variable(field): field for field in Settings.model_fields}
    _refuse_unknown({name for name in given if name.startswith(PREFIX)} - set(known), list(known))
    ours = {name: value for name, value in given.items() if name in known and value}
    _refuse_odd_bytes(ours)
    values = {known[name]: value for name, value in ours.items()}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        lines = [_explain(detail, values) for detail in error.errors()]
        raise SettingsError("\n".join(lines)) from None


def _refuse_unknown(unknown: set[str], known: list[str]) -> None:
    if not unknown:
        return
    lines = [f"{redact(name)}: no such setting. {_suggestion(name, known)}" for name in sorted(unknown)]
    raise SettingsError("\n".join(lines))


def _refuse_odd_bytes(ours: Mapping[str, str]) -> None:
    """Refuse values that are not UTF-8 or hold a null: other programs could not open such a path."""
    lines = [
        f"{name} holds bytes that are not UTF-8, or a null; expected: text. Set it in the environment or in .env"
        for name, value in ours.items()
        if not is_utf8(value) or "\0" in value
    ]
    if lines:
        raise SettingsError("\n".join(lines))


def _suggestion(name: str, known: list[str]) -> str:
    nearest = get_close_matches(name.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known], n=1, cutoff=0.5)
    return (
        f"Did you mean {PREFIX}{nearest[0]}?"
        if nearest
        else "docs/settings.md has them all. Correct the name or remove it"
    )


def _expected(field: str, detail: ErrorDetails) -> str:
    """Return the setting's description and pydantic's message about the value's form, which does not quote the value."""
    form = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ").removeprefix("String should ")
    return f"{Settings.model_fields[field].description} ({form})"


def _explain(detail: ErrorDetails, values: Mapping[str, str]) -> str:
    cause = (detail.get("ctx") or {}).get("error")
    field = cause.field if isinstance(cause, RuleError) else str(detail["loc"][0])
    expected = str(cause) if isinstance(cause, RuleError) else _expected(field, detail)
    if field not in values:
        held = "is not set"
    elif field in _SECRETS:
        held = "holds a value that cannot be used"
    else:
        held = f"is {redact(without_credentials(values[field]))!r}"
    return f"{variable(field)} {held}; expected: {expected}. Set it in the environment or in .env"
