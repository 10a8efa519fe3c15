"""The store: everything under one data folder, opened for writing by one run at a time.

`open_store` takes the lock, verifies that the folder belongs to this environment and bank, opens the ledger, verifies that it
is the newest, and removes what a crash left half written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import polars as pl

from konkurs_pipeline.domain.documents.datasets import DatasetMap
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.tables import LAKE
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage import lock
from konkurs_pipeline.storage.copies.abandoned import remove_abandoned
from konkurs_pipeline.storage.dataset_map import load_dataset_map
from konkurs_pipeline.storage.files import make_private_folder, remove_leftovers, require_room
from konkurs_pipeline.storage.handoff.outbox import Outbox
from konkurs_pipeline.storage.handoff.recovery import refuse_old_ledger
from konkurs_pipeline.storage.lake.noted_versions import note_versions
from konkurs_pipeline.storage.lake.settling import mend_empty_files
from konkurs_pipeline.storage.lake.tables import Lake
from konkurs_pipeline.storage.lake.versions import remove_superseded
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger import action_history
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.marker import STORE_VERSION, check_marker, store_version, write_marker
from konkurs_pipeline.storage.migrations import LEDGER_VALUES, migrate
from konkurs_pipeline.storage.readers.analyst_views import ensure_views
from konkurs_pipeline.storage.readers.published import publish
from konkurs_pipeline.storage.register.snapshots import Snapshots

__all__ = ["Store", "check_marker", "layout_of", "layout_of_store", "open_store", "store_version"]


@dataclass(frozen=True)
class Store:
    """The parts of an open store."""

    layout: Layout
    lake: Lake
    ledger: Ledger
    outbox: Outbox
    snapshots: Snapshots
    fields: DatasetMap

    def read(
        self, table: str, workdays: Iterable[dt.date] | None = None, *, columns: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return a table of the lake (of `workdays`, default all) or of the ledger, as it is now."""
        if table in LAKE:
            return self.lake.read(table, workdays, columns=columns)
        return self.ledger.read(table).select(columns or pl.all())

    def verify(self) -> None:
        """Verify, before anything is decided, that the outbox is as it was left and that no month of the lake is gone.

        Raises `StoreError`, naming the file. The rest of the lake is checked as it is read.
        """
        self.outbox.prepare(self.ledger)
        if self.lake.problems:
            raise StoreError(self.lake.problems[0])

    def discard_superseded(self) -> None:
        """Remove older versions and left copies now, although readers may still open them."""
        publish(self.ledger, self.layout.published)
        for folder in (*map(self.layout.table, LAKE), self.layout.published):
            remove_superseded(folder, kept_for_s=0)
        remove_abandoned(self.layout)

    def publish(self) -> None:
        """Publish the ledger's tables to analysts and to commands that only read, and mend the files they open."""
        publish(self.ledger, self.layout.published)
        note_versions(self.layout.lake_versions, self.ledger)
        mend_empty_files(self.layout)
        ensure_views(self.layout, self.fields)


def layout_of(settings: Settings) -> Layout:
    """Return the paths under the settings' data folder."""
    return Layout(settings.data_dir, settings.outbox_dir, settings.receipts_dir)


def layout_of_store(settings: Settings) -> Layout:
    """Return the paths of a store that exists, for those who only read; raises `StoreError` if there is none."""
    layout = layout_of(settings)
    if not check_marker(settings, layout):
        message = f"there is no store in {settings.data_dir}: run `konkurs run`, or set KONKURS_DATA_DIR"
        raise StoreError(message)
    return layout


@contextmanager
def open_store(settings: Settings, *, wait_s: float = 0, allow_untrusted: bool = False) -> Iterator[Store]:
    """Open the store for writing; raises `StoreBusyError` if another run has it still after `wait_s` seconds.

    Raises `StoreError` for a ledger that is damaged, or older than what was handed over. `allow_untrusted`: for commands
    that inspect the ledger and decide nothing.
    """
    layout, fields = layout_of(settings), load_dataset_map(settings.dataset_map)
    make_private_folder(layout.root)
    with lock.held(layout.lock, wait_s=wait_s):
        require_room(layout.root)
        remove_leftovers(layout.root)
        remove_abandoned(layout)
        version = store_version(settings, layout)
        if version is None:
            write_marker(settings, layout)
        make_private_folder(layout.snapshots)
        snapshots = Snapshots(layout.snapshots)
        snapshots.tidy()
        for snapshot in layout.snapshots.glob("*/"):
            remove_leftovers(snapshot)
        outbox = Outbox(layout.outbox, settings.bank_id, settings.environment.value)
        ledger = Ledger(layout.ledger)
        try:
            ledger.take_shape(LEDGER_VALUES)
            if version is not None and version < STORE_VERSION:
                migrate(layout, ledger, version)
                write_marker(settings, layout)
            if not allow_untrusted:
                refuse_old_ledger(layout, ledger, outbox)
                action_history.complete(ledger)
            lake = Lake(layout, ledger)
            lake.prepare()
            yield Store(layout, lake, ledger, outbox, snapshots, fields)
        except BaseException:
            # A person must see the first error, not one that followed from it.
            with suppress(StoreError):
                ledger.close()
            raise
        ledger.close()
