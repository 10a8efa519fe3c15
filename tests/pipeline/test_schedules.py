"""When schedules request polls: opening hours of workdays, holidays, weekends, the closing poll, summer time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.orchestration.bank_names import ALONE
from konkurs_pipeline.orchestration.definitions import build_defs
from konkurs_pipeline.orchestration.runs.dead_runs import end_dead_runs
from konkurs_pipeline.orchestration.runs.names import POLL_JOB
from konkurs_pipeline.orchestration.schedules import why_not_now
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage import lock

SINGLE, START, END = (
    "dagster/partition",
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
)
MINUTE = "%Y-%m-%dT%H:%M"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("schedules")


@pytest.fixture(scope="module")
def defs(folder: Path) -> dg.Definitions:
    environ = {
        "KONKURS_DATA_DIR": str(folder),
        "KONKURS_API_URL": "http://127.0.0.1:1",
        "KONKURS_ENVIRONMENT": "test",
    }
    now = dt.datetime(2026, 3, 27, 12, tzinfo=dt.UTC)
    return build_defs(load_settings(environ, dotenv=folder / "none"), now=lambda: now)


@pytest.fixture
def lock_file(folder: Path) -> Path:
    return folder / "lock"


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as idle:
        yield idle


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=OSLO)


def asked(defs: dg.Definitions, instance: dg.DagsterInstance, name: str, when: dt.datetime) -> dict[str, str] | str:
    """Return the partition tags of the run that a schedule requests, or why it requests none."""
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=when)
    data = defs.resolve_schedule_def(name).evaluate_tick(context)
    if data.skip_message:
        return data.skip_message
    (request,) = data.run_requests or []
    return {key: value for key, value in request.tags.items() if key in (SINGLE, START, END)}


POLLS = [
    pytest.param("poll", "2026-03-27T09:00", "2026-03-27", id="a Friday at nine"),
    pytest.param("poll", "2026-04-02T09:00", None, id="Maundy Thursday"),
    pytest.param("poll", "2026-05-01T09:00", None, id="1 May"),
    pytest.param("poll", "2026-12-24T09:00", "2026-12-24", id="24 December is a workday"),
    pytest.param("poll", "2026-03-30T08:00", "2026-03-30", id="the Monday after summer time began"),
    pytest.param("poll", "2026-10-26T08:00", "2026-10-26", id="the Monday after summer time ended"),
    pytest.param("closing_poll", "2026-03-27T16:20", "2026-03-27", id="closing poll"),
    pytest.param("closing_poll", "2026-05-01T16:20", None, id="no closing poll on a holiday"),
    pytest.param("sweep", "2026-03-28T09:40", "2026-03-27", id="Saturday's sweep reads Friday's workday"),
    pytest.param("sweep", "2026-03-29T03:40", "2026-03-27", id="in the hour after summer time began"),
    pytest.param("sweep", "2026-05-01T12:40", "2026-04-30", id="a holiday's sweep reads the workday before"),
    pytest.param("sweep", "2026-03-27T12:40", None, id="within opening hours there is no sweep"),
    pytest.param("sweep", "2026-03-27T18:40", "2026-03-27", id="the evening's sweep"),
    pytest.param("sweep", "2026-03-27T00:40", "2026-03-27", id="the night's sweep is already the new day's"),
    pytest.param("wide_sweep", "2026-03-29T05:10", None, id="no sweep before the first poll"),
]


@pytest.mark.parametrize(("name", "when", "partition"), POLLS)
def test_a_schedule_requests_the_workday_of_its_instant_or_gives_a_reason(
    defs: dg.Definitions, instance: dg.DagsterInstance, name: str, when: str, partition: str | None
) -> None:
    got = asked(defs, instance, name, at(when))
    if partition is None:
        assert isinstance(got, str)
    else:
        assert got == {SINGLE: partition}


def ticks(defs: dg.Definitions, name: str, first: str, until: str) -> list[str]:
    """Return the times (Oslo) at which a schedule's cron strings fire, as Dagster reads cron strings."""
    schedule = defs.resolve_schedule_def(name)
    crons = [schedule.cron_schedule] if isinstance(schedule.cron_schedule, str) else schedule.cron_schedule
    found: list[str] = []
    for cron in crons:
        windows = dg.TimeWindowPartitionsDefinition(
            start=at(first), fmt=MINUTE, cron_schedule=cron, timezone=schedule.execution_timezone, end_offset=1
        )
        found += windows.get_partition_keys(current_time=at(until))
    return sorted(tick for tick in found if first <= tick <= until)


@pytest.mark.parametrize(
    "day", ["2026-03-27", "2026-03-30", "2026-10-26"], ids=["winter", "after the spring change", "after the autumn one"]
)
def test_on_a_workday_polls_fire_every_quarter_from_eight_to_sixteen_oslo_time(defs: dg.Definitions, day: str) -> None:
    quarters = [f"{hour:02}:{minute:02}" for hour in range(8, 16) for minute in (0, 15, 30, 45)]
    fired = ticks(defs, "poll", f"{day}T00:00", f"{day}T23:59")
    assert fired == [f"{day}T{clock}" for clock in (*quarters, "16:00")]


def test_no_poll_fires_on_a_weekend(defs: dg.Definitions) -> None:
    assert ticks(defs, "poll", "2026-03-28T00:00", "2026-03-29T23:59") == []
    assert ticks(defs, "closing_poll", "2026-03-28T00:00", "2026-03-29T23:59") == []


def test_all_schedules_run_by_default_and_for_the_poll_job(defs: dg.Definitions) -> None:
    schedules = [defs.resolve_schedule_def(name) for name in ("poll", "closing_poll", "sweep", "wide_sweep")]
    assert {s.default_status for s in schedules} == {dg.DefaultScheduleStatus.RUNNING}
    assert {s.job_name for s in schedules} == {POLL_JOB}
    assert {s.execution_timezone for s in schedules} == {"Europe/Oslo"}


def test_no_poll_is_requested_while_the_store_is_held(
    defs: dg.Definitions, instance: dg.DagsterInstance, lock_file: Path
) -> None:
    with lock.held(lock_file):
        got = asked(defs, instance, "poll", at("2026-03-27T09:00"))
    assert isinstance(got, str)
    assert "under way" in got
    assert asked(defs, instance, "poll", at("2026-03-27T09:00")) == {SINGLE: "2026-03-27"}


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_a_run_that_is_under_way_only_by_its_status_stops_no_poll(
    defs: dg.Definitions, status: dg.DagsterRunStatus
) -> None:
    with dg.instance_for_test() as after_a_kill:
        after_a_kill.create_run_for_job(defs.resolve_job_def(POLL_JOB), status=status)
        assert asked(defs, after_a_kill, "poll", at("2026-03-27T09:00")) == {SINGLE: "2026-03-27"}


def test_no_second_poll_is_queued(lock_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def only_queued(filters: dg.RunsFilter, limit: int) -> list[str]:
        return ["a run"][:limit] if dg.DagsterRunStatus.QUEUED in filters.statuses else []

    with dg.instance_for_test() as busy:
        monkeypatch.setattr(busy, "get_runs", only_queued)
        assert "queue" in (why_not_now(busy, lock_file, ALONE) or "")


AGES = [
    pytest.param(dt.timedelta(seconds=30), False, id="it may still be starting"),
    pytest.param(
        dt.timedelta(seconds=-5), False, id="recorded after this clock was read, or by a database whose clock is ahead"
    ),
    pytest.param(dt.timedelta(minutes=2), True, id="it would have the lock by now"),
    pytest.param(dt.timedelta(hours=-2), True, id="written by a clock that was ahead"),
]


@pytest.mark.parametrize(("age", "is_dead"), AGES)
def test_a_run_without_the_lock_is_dead_after_a_while(
    defs: dg.Definitions, lock_file: Path, age: dt.timedelta, *, is_dead: bool
) -> None:
    with dg.instance_for_test() as history:
        run = history.create_run_for_job(defs.resolve_job_def(POLL_JOB), status=dg.DagsterRunStatus.STARTED)
        (record,) = history.get_run_records()
        now = record.update_timestamp + age
        with lock.held(lock_file):
            assert end_dead_runs(history, lock_file, now, ALONE) == 0, "the holder of the store may be this run"
        assert end_dead_runs(history, lock_file, now, ALONE) == is_dead
        after = history.get_run_by_id(run.run_id)
        assert after is not None
        assert (after.status is dg.DagsterRunStatus.FAILURE) is is_dead
        why = [event.dagster_event.message for event in history.all_logs(run.run_id) if event.dagster_event]
        assert any("was killed" in (reason or "") for reason in why) is is_dead
