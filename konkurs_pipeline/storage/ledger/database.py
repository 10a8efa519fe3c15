"""The ledger: one transactional DuckDB database that only the pipeline opens.

It holds decisions, the outbox (with the bytes of every file), receipts, polls, quarantine and the index of answers. What
others may read of it is published as Parquet: a DuckDB file that an analyst has open cannot be opened for writing.

Between two runs the file's hash stands beside it. If the ledger is not what the last run closed, it is not trusted, and
nothing is decided on it (`Ledger.untrusted_reason`, handoff/recovery.py).

The DDL comes from `schemas.tables`. What does not belong here: the statements on single tables (the modules beside this
one, and handoff).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.table import SQL_TYPES, added_columns
from konkurs_pipeline.schemas.tables import KEYS, LEDGER, dtypes, frame, validated
from konkurs_pipeline.storage.files import (
    PRIVATE_FILE,
    TEMPORARY_SUFFIX,
    make_private_folder,
    remove_leftovers,
    storage_errors,
)
from konkurs_pipeline.storage.lake.hashes import break_seal, is_seal_broken, seal_beside
from konkurs_pipeline.storage.ledger.connection import ROWS_WRITTEN_TOGETHER, attach, bound, is_of_storage, quoted

# Tables whose rows are only added, and may have two rows of one instant.
_WITHOUT_KEY: Final = ("receipts", "answers", "second_source_comparisons")
_KEYS: Final = {name: ", ".join(KEYS[name]) for name in LEDGER if name not in _WITHOUT_KEY}
# Histories have no index: no query looks up one key in them.
_WITHOUT_INDEX: Final = ("action_history", "registers")


class Ledger:
    """The open ledger. Every public method that writes is one transaction, or part of the caller's.

    `untrusted_reason`: why nothing may be decided on it; null: it is trusted.
    """

    def __init__(self, path: Path) -> None:
        make_private_folder(path.parent)
        remove_leftovers(path.parent)
        self._path = path
        self.untrusted_reason = _untrusted_reason(path)
        self._con = attach(path)
        path.chmod(PRIVATE_FILE)
        if self.untrusted_reason is None:
            break_seal(path)
        self._create()

    def trust(self) -> None:
        """Trust the ledger as it is, after a person has checked it."""
        self.untrusted_reason = None
        break_seal(self._path)

    def rewrite(self) -> None:
        """Rewrite the file, because DuckDB keeps the bytes of deleted rows. A crash leaves the old file or the new one.

        Raises `StoreError` if there is no room.
        """
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
        with storage_errors(f"writing {self._path} again"):
            fresh.unlink(missing_ok=True)
            fresh_sql = f"ATTACH '{quoted(fresh)}' AS fresh (TYPE duckdb, ROW_GROUP_SIZE {ROWS_WRITTEN_TOGETHER})"
            for statement in (fresh_sql, "COPY FROM DATABASE ledger TO fresh", "DETACH fresh", "CHECKPOINT ledger"):
                self.execute(statement)
            self._con.close()
            fresh.chmod(PRIVATE_FILE)
            # All that was committed is in the file: a log beside it would belong to the old file.
            self._path.with_name(f"{self._path.name}.wal").unlink(missing_ok=True)
            fresh.replace(self._path)
        self._con = attach(self._path)

    def close(self) -> None:
        """Close the database; what was committed is on disk, and the file's hash is kept."""
        self._con.close()
        # If DuckDB could not move its log into the file, no hash is kept: the log has checksums of its own.
        if self.untrusted_reason is None and not self._path.with_name(f"{self._path.name}.wal").exists():
            with storage_errors(f"sealing {self._path}"):
                seal_beside(self._path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: commits at the end, rolls back when anything is raised, also by the commit itself.

        A transaction left open would be published, though it is lost when the ledger closes.
        """
        self.execute("BEGIN")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            # A failed database has rolled back itself, and a committed transaction cannot be rolled back.
            with suppress(duckdb.Error):
                self._con.execute("ROLLBACK")
            raise

    def _create(self) -> None:
        for name in LEDGER:
            self._con.execute(_ddl(name))
        self._con.execute("CREATE TABLE IF NOT EXISTS outbox_content (seq BIGINT PRIMARY KEY, jsonl BLOB)")
        # A ledger of an earlier version has files without a manifest: each check renders them again.
        self._con.execute("ALTER TABLE outbox_content ADD COLUMN IF NOT EXISTS manifest BLOB")
        self._con.execute("CREATE TABLE IF NOT EXISTS outbox_pending (seq BIGINT PRIMARY KEY, base_name VARCHAR)")
        # A table of an earlier version, which recorded what it had decided from.
        self._con.execute("DROP TABLE IF EXISTS decided_from")
        self._con.execute(
            "CREATE TABLE IF NOT EXISTS dataset_failures (uuid VARCHAR, failures BIGINT, next_try_at TIMESTAMPTZ)"
        )
        self._con.execute(
            "CREATE TABLE IF NOT EXISTS file_versions (folder VARCHAR, part VARCHAR, version BIGINT, sha256 VARCHAR, "
            "row_count BIGINT, PRIMARY KEY (folder, part))"
        )
        self._con.execute("CREATE TABLE IF NOT EXISTS erasure_key (key BLOB)")
        self._con.execute("ALTER TABLE file_versions ADD COLUMN IF NOT EXISTS fingerprint VARCHAR")
        self._con.execute("CREATE TABLE IF NOT EXISTS receipts_seen (name VARCHAR, version VARCHAR)")
        self._con.execute("CREATE TABLE IF NOT EXISTS receipts_settled (day DATE, last_name VARCHAR, digest VARCHAR)")
        self._con.execute("CREATE TABLE IF NOT EXISTS folders_left (folder VARCHAR, version VARCHAR)")

    def take_shape(self, given: Mapping[tuple[str, str], str]) -> None:
        """Bring the tables of an earlier version to today's columns; raises `StoreError` if old rows have no value for one.

        `given`: (table, column) → what old rows get, SQL over the old columns; a new column that is not there is null.
        """
        present = self.columns()
        for table in LEDGER:
            if present[table] != columns_in_sql(table):
                values = {column: sql for (name, column), sql in given.items() if name == table}
                self._rebuild(table, present[table], values)

    def _rebuild(self, table: str, present: Mapping[str, str], given: Mapping[str, str]) -> None:
        added = added_columns(LEDGER[table], present, given)
        kept = [f'"{column}"' for column in dtypes(LEDGER[table]) if column not in {*added, *given}]
        values = [*kept, *(f'{sql} AS "{column}"' for column, sql in given.items())]
        with self.transaction():
            self.execute(f"CREATE TEMP TABLE earlier AS SELECT {', '.join(values)} FROM {table} ORDER BY rowid")  # noqa: S608 -- own names
            self.execute(f"DROP TABLE {table}")
            self.execute(_ddl(table))
            self.execute(f"INSERT INTO {table} BY NAME FROM temp.earlier ORDER BY rowid")
            self.execute("DROP TABLE temp.earlier")

    def columns(self) -> dict[str, dict[str, str]]:
        """Return table → column → SQL type, of all tables of the file, columns in order."""
        rows = self.rows(
            "SELECT table_name, column_name, replace(data_type, 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ') "
            "FROM duckdb_columns() WHERE database_name = 'ledger' ORDER BY table_name, column_index"
        )
        found: dict[str, dict[str, str]] = {}
        for table, column, kind in rows:
            found.setdefault(table, {})[column] = kind
        return found

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query. For a parameter that is a list, the query has `EACH` or `each_record`.

        Raises `StoreError` if the database is damaged or the disk is full.
        """
        with self._storage_errors():
            return self._con.execute(sql, bound(parameters)).fetchall()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement; parameters and errors as in `rows`."""
        with self._storage_errors():
            self._con.execute(sql, bound(parameters))

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        """Raise an error of the disk or the file as a `StoreError`; an error of a statement is a bug and goes on."""
        try:
            yield
        except duckdb.Error as error:
            if not is_of_storage(error):
                raise
            message = (
                f"the ledger {self._path} failed ({type(error).__name__}). Make room, or restore the file from a copy and "
                "run `konkurs verify`; what was committed is kept"
            )
            raise StoreError(message) from None

    def read(self, table: str, where: str = "TRUE", parameters: Sequence[object] = ()) -> pl.DataFrame:
        """Return rows of a ledger table as a typed frame, in the order of its key."""
        order = f"ORDER BY {_KEYS[table]}" if table in _KEYS else ""
        sql = f"SELECT * FROM {table} WHERE {where} {order}"  # noqa: S608 -- own names
        # Column by column: as tuples, the polls of ten years would take a second of every run.
        with self._storage_errors():
            found = pl.DataFrame(self._con.sql(sql, params=bound(parameters)).materialize())
        return found.cast(pl.Schema(dtypes(LEDGER[table])))

    def append(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows, checked against the table's schema; an existing key is an error (a bug), never overwritten."""
        if not rows:
            return
        data = validated(LEDGER[table], frame(LEDGER[table], [dict(row) for row in rows]))
        # Through Parquet: a frame cannot be handed over in memory without pyarrow.
        passing = self._path.with_name(f".passing.{os.getpid()}.tmp")
        with storage_errors(f"writing {passing}"):
            passing.touch(mode=PRIVATE_FILE)
            try:
                data.write_parquet(passing)
                self.execute(f"INSERT INTO {table} BY NAME SELECT * FROM read_parquet(?)", [str(passing)])  # noqa: S608
            finally:
                passing.unlink(missing_ok=True)

    def copy_to(self, table: str, target: Path, metadata: Mapping[str, str], where: str) -> None:
        """Write rows of a table to a Parquet file, in the order of its key, with these entries in the file's metadata."""
        order = f"ORDER BY {_KEYS[table]}" if table in _KEYS else ""
        entries = ", ".join(f"'{key}': '{value}'" for key, value in metadata.items())
        rows = f"SELECT * FROM {table} WHERE {where} {order}"  # noqa: S608 -- own names
        self.execute(f"COPY ({rows}) TO '{quoted(target)}' (FORMAT parquet, KV_METADATA {{{entries}}})")


def columns_in_sql(table: str) -> dict[str, str]:
    """Return name → SQL type of the columns that a ledger table must have, in order."""
    return {column: SQL_TYPES[kind] for column, kind in dtypes(LEDGER[table]).items()}


def _ddl(table: str) -> str:
    columns = ", ".join(f'"{column}" {kind}' for column, kind in columns_in_sql(table).items())
    key = f", PRIMARY KEY ({_KEYS[table]})" if table in _KEYS and table not in _WITHOUT_INDEX else ""
    return f"CREATE TABLE IF NOT EXISTS {table} ({columns}{key})"


def _untrusted_reason(path: Path) -> str | None:
    if not is_seal_broken(path):
        return None
    return (
        f"{path} is not what the last run left: it is damaged, or was replaced by a copy. Nothing was decided. See "
        "`konkurs verify`; restore the newest copy, or take over from the outbox what it lacks with `konkurs recover`"
    )
