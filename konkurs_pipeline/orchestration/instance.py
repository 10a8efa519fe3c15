"""Dagster's own instance: where it is, how it is configured, and how it writes its history."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import dagster as dg
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.files import make_private_folder, require_room, write_bytes_atomically
from konkurs_pipeline.storage.store import layout_of


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's instance: DAGSTER_HOME, else `<data>/dagster`, configured by the project's dagster.yaml."""
    home = prepare_dagster_home(settings)
    spare_syncs()
    with _history_errors(home), dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


@contextmanager
def _history_errors(home: Path) -> Iterator[None]:
    """Turn what Dagster's storage says of a full or read-only disk into a `StoreError` with the cure."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = error.orig if isinstance(error, DBAPIError) else type(error).__name__
        message = (
            f"writing Dagster's history in {home} failed: {reason}. Make room, or mend the rights of the folder, and run "
            "again: nothing is lost"
        )
        raise StoreError(message) from None


def prepare_dagster_home(settings: Settings) -> Path:
    """Create the instance's folder and put the project's dagster.yaml there, unless DAGSTER_HOME has one of its own."""
    given = os.environ.get("DAGSTER_HOME")
    home = Path(given).absolute() if given else layout_of(settings).dagster
    make_private_folder(home)
    require_room(home)
    config = home / "dagster.yaml"
    if not given or not config.is_file():
        content = _project_config()
        if not config.is_file() or config.read_bytes() != content:
            write_bytes_atomically(config, content)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def _project_config() -> bytes:
    """Return the project's dagster.yaml: inside the installed package, else in the checkout."""
    package = Path(str(files("konkurs_pipeline")))
    packaged = package / "resources" / "dagster.yaml"
    return (packaged if packaged.exists() else package.parent / "dagster.yaml").read_bytes()


def spare_syncs() -> None:
    """Let Dagster's SQLite files, which are in WAL mode, be synced at checkpoints and not at every event.

    Dagster opens and closes a connection for every event, and the close of the last one is a checkpoint: some eight syncs
    an event, 29 000 in a run over a year. So one connection to each file is kept open, and syncs are left to checkpoints.
    After a power cut the last events of Dagster's history may be missing; what the bank must prove is in the ledger, which
    is synced at every commit.
    """
    if not event.contains(Engine, "connect", _on_connect):
        event.listen(Engine, "connect", _on_connect)


# One connection a file, for as long as the process lives.
_kept_open: dict[str, sqlite3.Connection] = {}


def _on_connect(connection: object, record: object) -> None:
    del record
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.execute("PRAGMA synchronous=NORMAL")
    (path,) = connection.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()
    if path:
        kept = _kept_open.get(path) or _kept_open.setdefault(path, sqlite3.connect(path, check_same_thread=False))
        # A connection holds the file's WAL open only once it has read from it.
        kept.execute("PRAGMA schema_version").fetchone()
