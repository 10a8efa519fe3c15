"""Removes what a killed command left: the copy of a rehearsal or a publication, and DuckDB's temporary files."""

from __future__ import annotations

from contextlib import suppress

from konkurs_pipeline.errors import StoreBusyError
from konkurs_pipeline.storage import lock
from konkurs_pipeline.storage.files import remove_folder
from konkurs_pipeline.storage.layout import Layout


def remove_abandoned(layout: Layout) -> None:
    """Remove the folders whose lock nobody holds: no process works on them. The caller holds the store."""
    for folder in (layout.rehearsal, layout.publishing):
        if folder.exists():
            with suppress(StoreBusyError), lock.held(folder.with_suffix(".lock")):
                remove_folder(folder)
    remove_folder(layout.ledger.with_name(f"{layout.ledger.name}.tmp"))
