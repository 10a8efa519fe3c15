"""Dagster's own instance: where it is and how it is configured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import dagster as dg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.files import make_private_folder, require_room, write_bytes_atomically
from konkurs_pipeline.storage.store import layout_of


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's instance: DAGSTER_HOME, else `<data>/dagster`, configured by the project's dagster.yaml."""
    home = prepare_dagster_home(settings)
    with history_errors(home), dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


@contextmanager
def history_errors(home: Path) -> Iterator[None]:
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
