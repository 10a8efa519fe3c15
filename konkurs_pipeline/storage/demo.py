"""Makes a fresh demo store: removes what an earlier demo left, and nothing else.

It touches only a store whose marker says that it is a demo's. Dagster's history stays: its UI may be open.
"""

from __future__ import annotations

import shutil

from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.settings import Environment, Settings
from konkurs_pipeline.storage import lock
from konkurs_pipeline.storage.files import make_private_folder, storage_errors, write_bytes_atomically
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.project_files import project_file
from konkurs_pipeline.storage.store import layout_of, store_version


def make_fresh(settings: Settings) -> None:
    """Empty the demo store and give it the demo's register, unless there is one.

    Raises `UsageError` in another environment than demo, `StoreError` when the folder is not a demo store of this bank,
    `StoreBusyError` while a run holds it.
    """
    if settings.environment is not Environment.DEMO:
        message = f"KONKURS_ENVIRONMENT is {settings.environment.value}: the demo runs in the environment demo only"
        raise UsageError(message)
    layout = layout_of(settings)
    make_private_folder(layout.root)
    with lock.held(layout.lock):
        if store_version(settings, layout) is not None:
            _empty(layout)
        elif layout.ledger.is_file():
            message = f"{layout.root} holds a ledger and does not say whose: set KONKURS_DATA_DIR to another folder"
            raise UsageError(message)
    _give_register(settings)


def _empty(layout: Layout) -> None:
    with storage_errors(f"emptying the demo store {layout.root}"):
        for folder in (layout.lake, layout.ledger.parent, layout.published):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in (layout.outbox, layout.receipts):
            for path in folder.glob("KONKURS_*"):
                path.unlink()
        layout.analyst_database.unlink(missing_ok=True)
        layout.marker.unlink()


def _give_register(settings: Settings) -> None:
    """Put the demo's register where the settings say, unless there is a customers file already."""
    if settings.customers.exists():
        return
    for path, name in ((settings.customers, "customers.csv"), (settings.accounts, "accounts.csv")):
        make_private_folder(path.parent)
        write_bytes_atomically(path, project_file(f"register/{name}", folder="data").read_bytes())
