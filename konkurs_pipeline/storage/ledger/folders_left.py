"""How the last run left a folder that others also write to: whether a run must list it again.

A folder's times change with every name that comes or goes. So if its times are the same, its names are the same. What
does not belong here: whether the files in it are what was written.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from konkurs_pipeline.storage.files import TEMPORARY_SUFFIX, storage_errors
from konkurs_pipeline.storage.ledger.database import Ledger

# Longer than one tick of a file system's clock.
_GRAIN_S: Final = 0.02
_FORGET: Final = "DELETE FROM folders_left WHERE folder = ?"


def is_as_left(ledger: Ledger, folder: Path) -> bool:
    """Return whether no name came or went since `note_left`; raises `StoreError` if the folder cannot be read."""
    noted = ledger.rows("SELECT version FROM folders_left WHERE folder = ?", [str(folder)])
    with storage_errors(f"looking at {folder}"):
        return bool(noted) and folder.is_dir() and noted == [(_version(folder),)]


def note_left(ledger: Ledger, folder: Path) -> None:
    """Note the folder's times, unless its file system does not change them when a name comes or goes.

    Waits for the next tick of the file system's clock: a name that comes after that gives the folder another time.
    """
    with storage_errors(f"writing to {folder}"):
        before = _version(folder)
        time.sleep(_GRAIN_S)
        probe = folder / f".left.{os.getpid()}{TEMPORARY_SUFFIX}"
        probe.touch()
        probe.unlink()
        version = _version(folder)
        time.sleep(_GRAIN_S)
    with ledger.transaction():
        ledger.execute(_FORGET, [str(folder)])
        if version != before:
            ledger.execute("INSERT INTO folders_left VALUES (?, ?)", [str(folder), version])


def _version(folder: Path) -> str:
    found = folder.stat()
    return f"{found.st_dev} {found.st_ino} {found.st_mtime_ns} {found.st_ctime_ns}"
