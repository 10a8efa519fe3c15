"""Which versions of DuckDB can open the files of this program."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from konkurs_pipeline.storage.ledger.connection import connect

# The version number in a file's header; 65 is DuckDB 1.2.
_AT: Final = slice(12, 20)
_DUCKDB_1_2: Final = 65


def test_a_database_can_be_opened_with_duckdb_1_2(tmp_path: Path) -> None:
    path = tmp_path / "any.duckdb"
    connect(path).close()
    assert int.from_bytes(path.read_bytes()[_AT], "little") <= _DUCKDB_1_2
