"""Dagster's history in files that stay open: nothing but the connections differs from Dagster's own."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from sqlalchemy import text

from konkurs_pipeline.orchestration.history import Events, History

RUN = "6f0a4b0e-0000-4000-8000-000000000001"
CONFIG = """storage:
  custom: {module: konkurs_pipeline.orchestration.history, class: History, config: {}}
telemetry: {enabled: false}
"""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE", raising=False)
    with dg.DagsterInstance.from_config(str(tmp_path)) as opened:
        yield opened


@pytest.fixture
def events(instance: dg.DagsterInstance) -> Events:
    storage = instance.event_log_storage
    assert isinstance(storage, Events)
    return storage


def said(message: str) -> EventLogEntry:
    return EventLogEntry(  # type: ignore[no-untyped-call]
        error_info=None,
        level=20,
        user_message=message,
        run_id=RUN,
        timestamp=0.0,
        job_name="nothing",
        dagster_event=None,
    )


def messages(storage: ConsolidatedSqliteEventLogStorage) -> list[str]:
    return [entry.user_message for entry in storage.get_logs_for_run(RUN)]


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b", "c"]))
def table() -> None:
    """Be made."""


def test_dagster_s_own_class_reads_what_was_written(instance: dg.DagsterInstance, events: Events) -> None:
    tags = {"dagster/asset_partition_range_start": "a", "dagster/asset_partition_range_end": "c"}
    result = dg.materialize([table], instance=instance, tags=tags)
    assert result.success
    own = ConsolidatedSqliteEventLogStorage(str(Path(instance.root_directory) / "history"))
    theirs = [entry.message for entry in own.get_logs_for_run(result.run_id)]
    assert theirs == [entry.message for entry in events.get_logs_for_run(result.run_id)]
    assert instance.get_materialized_partitions(table.key) == {"a", "b", "c"}


def test_an_instance_opened_again_knows_its_runs(instance: dg.DagsterInstance) -> None:
    result = dg.materialize([dg.asset(name="plain")(lambda: None)], instance=instance)
    with dg.DagsterInstance.from_ref(instance.get_ref()) as again:
        assert [run.run_id for run in again.get_runs()] == [result.run_id]
        assert again.get_latest_materialization_event(dg.AssetKey("plain")) is not None


def test_a_batch_is_stored_whole_or_not_at_all(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    events.store_event_batch([said("one"), said("two")])
    assert messages(events) == ["one", "two"]
    store, stored = ConsolidatedSqliteEventLogStorage.store_event, []

    def fail_at_the_second(self: ConsolidatedSqliteEventLogStorage, event: EventLogEntry) -> None:
        store(self, event)
        stored.append(event)
        if len(stored) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(ConsolidatedSqliteEventLogStorage, "store_event", fail_at_the_second)
    with pytest.raises(OSError, match="No space"):
        events.store_event_batch([said("three"), said("four")])
    assert messages(events) == ["one", "two"]
    monkeypatch.undo()
    events.store_event(said("five"))
    assert messages(events) == ["one", "two", "five"], "after a failed batch, events are stored as ever"


def test_another_thread_s_events_are_not_drawn_into_a_batch(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    store, seen = ConsolidatedSqliteEventLogStorage.store_event, []

    def look_from_elsewhere(self: ConsolidatedSqliteEventLogStorage, event: EventLogEntry) -> None:
        store(self, event)
        other = threading.Thread(target=lambda: seen.append(messages(events)))
        other.start()
        other.join()

    monkeypatch.setattr(ConsolidatedSqliteEventLogStorage, "store_event", look_from_elsewhere)
    events.store_event_batch([said("one"), said("two")])
    assert seen == [[], []], "what is not committed is not seen"


def test_new_events_are_told_while_the_file_stays_open(events: Events) -> None:
    told, came = [], threading.Event()

    def tell(entry: EventLogEntry, cursor: str) -> None:
        del cursor
        told.append(entry.user_message)
        came.set()

    events.store_event(said("one"))
    events.watch(RUN, None, tell)
    assert came.wait(20)
    came.clear()
    events.store_event(said("two"))
    assert came.wait(20)
    assert told == ["one", "two"]
    events.end_watch(RUN, tell)


def test_the_files_are_in_wal_mode_and_synced_at_checkpoints(events: Events) -> None:
    with events.index_connection() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1


def test_a_folder_may_be_configured(tmp_path: Path) -> None:
    history = History.from_config_value(None, {"base_dir": str(tmp_path / "elsewhere")})
    history.dispose()
    assert (tmp_path / "elsewhere" / "history" / "event_log.db").is_file()
