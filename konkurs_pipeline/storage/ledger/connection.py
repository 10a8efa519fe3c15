"""How a DuckDB file is opened, what its errors mean, and how a query gets a list.

What does not belong here: the ledger's tables (database.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from konkurs_pipeline.errors import StoreError

# Nothing is ever downloaded.
_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    # The cache would take a file for an earlier one of the same name, size, inode and second, and return its rows.
    "enable_external_file_cache": False,
    # DuckDB 1.2 and later can open the files: analysts open theirs, and an earlier version of this program the ledger.
    "storage_compatibility_version": "v1.2.0",
    "threads": 2,
}
# If a run adds a row to a table, DuckDB writes the last group of rows again. By default a group has 122 880 rows: after
# ten years of polls that would be 65 MB a poll.
ROWS_WRITTEN_TOGETHER: Final = 8192
# SQL for a parameter that is a list of texts: a row for each.
EACH: Final = "unnest(from_json(?, '[\"VARCHAR\"]'))"


def each_record(**types: str) -> str:
    """Return the SQL for a parameter that is a list of records (dict) with these columns and SQL types."""
    return f"unnest(from_json(?, '[{json.dumps(types)}]'), max_depth := 2)"


def connect(path: Path | str, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB database with the project's settings; raises `StoreError` if it is damaged or in use."""
    with _opening(path):
        con = duckdb.connect(str(path), read_only=read_only, config=_CONFIG)
        con.execute("SET TimeZone = 'UTC'")
    return con


def attach(path: Path) -> duckdb.DuckDBPyConnection:
    """Open the ledger; raises `StoreError` as `connect` does."""
    con = connect(":memory:")
    with _opening(path):
        # DuckDB puts what exceeds memory here: beside the file, as if it had opened the file directly.
        con.execute(f"SET temp_directory = '{quoted(path)}.tmp'")
        con.execute(f"ATTACH '{quoted(path)}' AS ledger (TYPE duckdb, ROW_GROUP_SIZE {ROWS_WRITTEN_TOGETHER})")
        con.execute("USE ledger")
    return con


@contextmanager
def _opening(path: Path | str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        kind = "is open in another program" if "lock" in str(error).lower() else "cannot be opened: it is damaged"
        message = f"{path} {kind}. Close that program, or restore the file from a copy and run `konkurs verify`"
        raise StoreError(message) from None


def is_of_storage(error: duckdb.Error) -> bool:
    """Whether an error comes from the disk or the file, not from a bug in a statement."""
    kinds = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.OutOfMemoryException)
    # If the log cannot be written, DuckDB says that the transaction failed.
    is_commit = isinstance(error, duckdb.TransactionException) and "Failed to commit: Could not" in str(error)
    # The error for a wrong checksum has no class of its own.
    is_damage = str(error).startswith("Corrupt database file")
    return isinstance(error, kinds) or is_commit or is_damage


def bound(parameters: Sequence[object]) -> list[object]:
    """Return parameters as DuckDB takes them: a list as JSON text."""
    # In a list parameter, DuckDB's client looks for pandas at each value: 0.1 ms a value.
    return [json.dumps(value, default=str) if isinstance(value, list) else value for value in parameters]


def sql_text(value: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def quoted(path: Path) -> str:
    """Return a path escaped for quotes in SQL."""
    return str(path).replace("'", "''")
