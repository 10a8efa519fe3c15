"""Dagster's own instance: where it is and how it is configured."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import dagster as dg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from konkurs_pipeline.errors import HistoryError, SettingsError, StoreError
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.settings.model import PATTERN_SIGNS
from konkurs_pipeline.storage.files import make_private_folder, write_bytes_atomically
from konkurs_pipeline.storage.project_files import project_file
from konkurs_pipeline.storage.store import layout_of

# Dagster's SQLite files that a run writes. With PostgreSQL there are none.
_WRITTEN_BY_A_RUN: Final = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's instance: DAGSTER_HOME, else `<data>/dagster`, configured by the project's dagster.yaml."""
    try:
        home = prepare_dagster_home(settings)
    except StoreError as error:
        raise HistoryError(str(error)) from None
    with history_errors(home):
        _try_to_write(home)
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield instance


def _try_to_write(home: Path) -> None:
    """Raise a `sqlite3.Error` if another program holds one of Dagster's files for more than five seconds.

    Dagster itself waits half a minute for each event, and tries that eleven times.
    """
    for path in map(home.joinpath, _WRITTEN_BY_A_RUN):
        if path.is_file():
            with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as file:
                file.execute("BEGIN IMMEDIATE")
                file.execute("ROLLBACK")


@contextmanager
def history_errors(home: Path) -> Iterator[None]:
    """Raise a fault of Dagster's storage (damaged, locked, full, read-only) as a `HistoryError` that says the cure."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error)
        message = f"Dagster's history in {home} cannot be used: {reason}. {_cure(reason, home)}"
        raise HistoryError(message) from None


def _cure(reason: str, home: Path) -> str:
    if "locked" in reason:
        return "Another program holds its files: end it"
    if "full" in reason or "readonly" in reason or "unable to open" in reason or "disk I/O" in reason:
        return "Make room, or mend the rights of the folder"
    return (
        f"Stop Dagster's services, remove {home / 'history'} and {home / 'schedules'}, and start them again: they hold "
        "nothing that the bank must be able to show"
    )


def dagster_home(settings: Settings) -> Path:
    """Return the instance's folder."""
    given = os.environ.get("DAGSTER_HOME")
    if given and set(given) & set(PATTERN_SIGNS):
        message = (
            f"DAGSTER_HOME is {given!r}; expected: a path without {PATTERN_SIGNS}, which Dagster takes for a pattern"
        )
        raise SettingsError(message)
    return Path(given).absolute() if given else layout_of(settings).dagster


def prepare_dagster_home(settings: Settings) -> Path:
    """Create the instance's folder and put the project's dagster.yaml there, unless DAGSTER_HOME has one of its own."""
    home = dagster_home(settings)
    make_private_folder(home)
    config = home / "dagster.yaml"
    if not os.environ.get("DAGSTER_HOME") or not config.is_file():
        content = project_config()
        if not config.is_file() or config.read_bytes() != content:
            write_bytes_atomically(config, content)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def project_config() -> bytes:
    """Return the project's dagster.yaml."""
    return project_file("dagster.yaml").read_bytes()
