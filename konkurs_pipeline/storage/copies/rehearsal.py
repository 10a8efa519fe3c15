"""A copy of the store for a rehearsed run: the run writes to the copy, and the copy is removed.

Files that are only replaced whole are linked, so ten years take no room and no time. The ledger is copied. The copy
stands in the protected folder: it holds the same personal data. The run reads receipts from their own folder: reading
changes nothing, and another user writes to that folder. What does not belong here: the run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage import lock
from konkurs_pipeline.storage.files import make_private_folder, remove_folder, storage_errors
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.store import layout_of, store_version

# Dagster's instance, the simulator and the bank's own files are no part of the store.
_LINKED: Final = ("lake", "published")


@contextmanager
def rehearsal(settings: Settings) -> Iterator[Settings]:
    """Copy the store; yields settings that point at the copy. The store itself is locked only while it is copied.

    Raises `StoreBusyError` if a run holds the store, or another rehearsal is under way.
    """
    layout = layout_of(settings)
    make_private_folder(layout.root)
    with lock.held(layout.rehearsal.with_suffix(".lock")):
        copy = settings.model_copy(
            update={
                "data_dir": layout.rehearsal,
                "outbox_dir": layout.rehearsal / "outbox",
                "receipts_dir": layout.receipts if layout.receipts.is_dir() else layout.rehearsal / "receipts",
            }
        )
        remove_folder(layout.rehearsal)
        try:
            with lock.held(layout.lock):
                store_version(settings, layout)
                _copy(layout, layout_of(copy))
            yield copy
        finally:
            remove_folder(layout.rehearsal)


def _copy(layout: Layout, copy: Layout) -> None:
    make_private_folder(copy.root)
    with storage_errors(f"copying the store to {copy.root}"):
        for name in _LINKED:
            _copy_folder(layout.root / name, copy.root / name, _link)
        _copy_folder(layout.outbox, copy.outbox, _link)
        _copy_folder(layout.ledger.parent, copy.ledger.parent, shutil.copy2)
        if layout.marker.is_file():
            shutil.copy2(layout.marker, copy.marker)


def _copy_folder(folder: Path, copy: Path, copy_file: Callable[[str, str], object]) -> None:
    if folder.is_dir():
        shutil.copytree(folder, copy, copy_function=copy_file)


def _link(source: str, target: str) -> None:
    """Link a file; if the copy is on another disk, copy the file."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
