"""Dagster's history in SQLite, in files that stay open. Named in dagster.yaml, where all of Dagster's programs find it.

A run writes some 140 events. Dagster's default storage makes an engine and a connection and compiles its statements anew for
each, writes it to a file of the run's own and half of them to one for all runs too: 7 ms an event. Here all runs share one
file, which stays open: 1.5 ms. Events that Dagster hands over as a batch, as it does for a range of partitions, are one
transaction. Everything but the connections is Dagster's own.

Syncs are left to checkpoints (WAL, `synchronous=NORMAL`): after a power cut the last events may be missing. What the bank
must prove is in the ledger, which is synced at every commit. What does not belong here: which runs are kept
(housekeeping.py).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import dagster as dg
from dagster._core.event_api import EventHandlerFn
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.event_log.polling_event_watcher import SqlPollingEventWatcher
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from sqlalchemy import create_engine, event, inspect
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from konkurs_pipeline.errors import StoreError

_BATCH_SIZE_VARIABLE: Final = "DAGSTER_EVENT_BATCH_SIZE"
_BATCH_SIZE: Final = 1_000


@contextmanager
def history_errors(home: Path) -> Iterator[None]:
    """Turn what Dagster's storage says of a full or read-only disk into a `StoreError` with the cure."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = error.orig if isinstance(error, DBAPIError) else type(error).__name__
        message = (
            f"writing Dagster's history in {home} failed: {reason}. Make room, or mend the rights of the folder, and run "
            "again: nothing is lost"
        )
        raise StoreError(message) from None


def _open(url: str) -> Engine:
    """Return an engine that keeps one connection to a file open, and has more while they are used."""
    timeout = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
    engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=-1, connect_args=timeout)
    event.listen(engine, "connect", _sync_at_checkpoints)
    return engine


def _sync_at_checkpoints(connection: sqlite3.Connection, record: object) -> None:
    del record
    connection.execute("PRAGMA synchronous=NORMAL")


class Events(ConsolidatedSqliteEventLogStorage):
    """Dagster's event log: one file for all runs."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open the file in `base_dir`; it is made where missing."""
        self._engine: Engine | None = None
        self._thread = threading.local()
        self._tables: set[str] = set()
        self._watcher: SqlPollingEventWatcher | None = None
        super().__init__(base_dir, inst_data)

    def run_connection(self, run_id: str | None) -> Any:  # noqa: ANN401 -- as the class it stands for says
        """Return a connection for the events of a run."""
        del run_id
        return self._transaction()

    def index_connection(self) -> Any:  # noqa: ANN401 -- as the class it stands for says
        """Return a connection for what is asked across runs."""
        return self._transaction()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in one transaction."""
        with self._transaction() as connection:
            self._thread.batch = connection
            try:
                super().store_event_batch(events)
            finally:
                self._thread.batch = None

    def has_table(self, table_name: str) -> bool:
        """Whether there is such a table. One that was there stays: Dagster asks twice for every check."""
        if table_name not in self._tables:
            with self._transaction() as connection:
                self._tables |= set(inspect(connection).get_table_names())
        return table_name in self._tables

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        """Tell of new events of a run: by asking, as a file in WAL mode is not seen to change while it is open."""
        if self._watcher is None:
            self._watcher = SqlPollingEventWatcher(self)
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: EventHandlerFn) -> None:
        """Tell no more."""
        if self._watcher is not None:
            self._watcher.unwatch_run(run_id, handler)

    def dispose(self) -> None:
        """Close the file."""
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
        if self._engine is not None:
            self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Yield a connection in a transaction: the batch's, while one is stored."""
        batch: Connection | None = getattr(self._thread, "batch", None)
        if batch is not None:
            yield batch
            return
        if self._engine is None:
            self._engine = _open(self._conn_string)
        with self._engine.begin() as connection:
            yield connection


class Runs(SqliteRunStorage):
    """Dagster's runs."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open the file."""
        self._engine = _open(conn_string)
        super().__init__(conn_string, inst_data)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Yield a connection to the file, in a transaction."""
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close the file."""
        self._engine.dispose()


class History(DagsterStorage[dg.DagsterInstance], ConfigurableClass):
    """Runs, events, and the state of schedules and sensors, under one folder: DAGSTER_HOME, unless another is configured."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open the files; what is missing is made by Dagster."""
        # Dagster hands over the events of a range of partitions as batches only where the environment says so.
        os.environ.setdefault(_BATCH_SIZE_VARIABLE, str(_BATCH_SIZE))
        history = str(Path(base_dir) / "history")
        self._run_storage = Runs.from_local(history)
        self._event_log_storage = Events(history)
        self._schedule_storage = SqliteScheduleStorage.from_local(str(Path(base_dir) / "schedules"))
        self._inst_data = inst_data
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What dagster.yaml says of this storage."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return what may stand in dagster.yaml."""
        return {"base_dir": dg.Field(dg.StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Return the storage that dagster.yaml asks for."""
        return cls(config_value.get("base_dir") or os.environ["DAGSTER_HOME"], inst_data)

    def register_instance(self, instance: dg.DagsterInstance) -> None:
        """Let each part know the instance."""
        super().register_instance(instance)
        for part in (self._run_storage, self._event_log_storage, self._schedule_storage):
            if not part.has_instance:
                part.register_instance(instance)

    @property
    def run_storage(self) -> Runs:
        """The runs."""
        return self._run_storage

    @property
    def event_log_storage(self) -> Events:
        """The events."""
        return self._event_log_storage

    @property
    def schedule_storage(self) -> SqliteScheduleStorage:
        """The state of schedules and sensors."""
        return self._schedule_storage

    def dispose(self) -> None:
        """Close the files."""
        for part in (self._event_log_storage, self._run_storage, self._schedule_storage):
            part.dispose()
