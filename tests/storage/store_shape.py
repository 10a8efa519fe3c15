"""The shape of a store: the tables and columns of its ledger, lake and register snapshots, as one JSON file a version.

`make shapes` writes the file of the present version. A file of an earlier version is never changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from konkurs_pipeline.schemas.register import REGISTER
from konkurs_pipeline.schemas.table import facts
from konkurs_pipeline.schemas.tables import LAKE, LEDGER
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.marker import STORE_VERSION

Shape = dict[str, dict[str, dict[str, str]]]
FOLDER: Final = Path(__file__).with_name("shapes")


def shape_of_today(folder: Path) -> Shape:
    """Return part → table → column → its SQL type and whether it may be null. `folder`: a place for a temporary ledger."""
    ledger = Ledger(folder / "ledger.duckdb")
    in_file = ledger.columns()
    ledger.close()
    inner = {table: columns for table, columns in in_file.items() if table not in LEDGER}
    declared = {
        part: {
            name: {c: f"{f.sql_type}{' null' if f.is_nullable else ''}" for c, f in facts(table).items()}
            for name, table in tables.items()
        }
        for part, tables in {"lake": LAKE, "ledger": LEDGER, "register": REGISTER}.items()
    }
    return {**declared, "ledger": dict(sorted({**declared["ledger"], **inner}.items()))}


def recorded(version: int) -> Shape:
    """Return the shape of a version."""
    shape: Shape = json.loads(_file(version).read_text())
    return shape


def record(folder: Path) -> None:
    """Write the shape of the present version."""
    _file(STORE_VERSION).write_text(json.dumps(shape_of_today(folder), indent=1) + "\n")


def _file(version: int) -> Path:
    return FOLDER / f"konkurs-store-{version}.json"


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        record(Path(scratch))
