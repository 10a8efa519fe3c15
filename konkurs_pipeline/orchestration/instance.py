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

from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.files import make_private_folder, write_bytes_atomically
from konkurs_pipeline.storage.store import layout_of


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's instance: DAGSTER_HOME, else `<data>/dagster`, configured by the project's dagster.yaml."""
    home = prepare_dagster_home(settings)
    spare_syncs()
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def prepare_dagster_home(settings: Settings) -> Path:
    """Create the instance's folder and put the project's dagster.yaml there, unless DAGSTER_HOME has one of its own."""
    given = os.environ.get("DAGSTER_HOME")
    home = Path(given).absolute() if given else layout_of(settings).dagster
    make_private_folder(home)
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

    A run over a year has some 4 000 events, and a sync each takes most of its time. After a power cut the last events of
    Dagster's history may be missing; what the bank must prove is in the ledger, which is synced at every commit.
    """
    if not event.contains(Engine, "connect", _synchronous_normal):
        event.listen(Engine, "connect", _synchronous_normal)


def _synchronous_normal(connection: object, record: object) -> None:
    del record
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=NORMAL")
