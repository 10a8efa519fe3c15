"""Migrates an older store: new tables and columns without an entry, other changes by an entry here.

A new table, and a new column that may be null, need no entry. A column that is never null, or that changes its type,
needs one in `LEDGER_VALUES` or `LAKE_VALUES`: it says what old rows get. Anything else is a step in `STEPS`. Every part
may run twice: if a run is killed, the next one starts again. `store.json` gets the new version last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from konkurs_pipeline.schemas.tables import LAKE
from konkurs_pipeline.storage.lake.settling import take_shape
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.register.snapshots import Snapshots

# (table, column) → the value of an old row: SQL over the old columns.
LEDGER_VALUES: Final[Mapping[tuple[str, str], str]] = {
    ("quarantine", "debtor_id"): "CASE WHEN reason NOT IN ('unreadable_notice', 'dataset_contradicts') "
    "THEN json_extract_string(payload, '$.debitor') END",
    ("actions", "registered_at"): "try_cast(registered_at_text AS TIMESTAMPTZ)",
}
# The same for the lake: a polars expression over the old columns.
LAKE_VALUES: Final[Mapping[tuple[str, str], pl.Expr]] = {}
# Version → the step from the version before it, beside tables and columns.
STEPS: Final[Mapping[int, tuple[Callable[[Layout, Ledger], None], ...]]] = {}


def migrate(layout: Layout, ledger: Ledger, version: int) -> None:
    """Bring the files of a store of `version` to today's shape; raises `StoreError` if a file is damaged or too old.

    The ledger is migrated whenever it is opened: it may be a restored older copy.
    """
    for table in LAKE:
        take_shape(layout, table, {column: value for (name, column), value in LAKE_VALUES.items() if name == table})
    Snapshots(layout.snapshots).take_shape()
    for raised in sorted(number for number in STEPS if number > version):
        for step in STEPS[raised]:
            step(layout, ledger)
