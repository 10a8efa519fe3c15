"""If Dagster's own files are damaged or locked, no BLOCK waits for them, and the message names the files to remove."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.processes.bank import RUN, BankOfProcesses
from tests.processes.core_banking import Row


@pytest.mark.long
@pytest.mark.parametrize("name", ["history/runs.db", "history/runs/index.db"])
def test_a_block_does_not_wait_for_dagsters_history(
    undisturbed: list[Row], tuesday: BankOfProcesses, name: str
) -> None:
    (tuesday.data / "dagster" / name).write_bytes(b"no database" * 1000)
    ended = tuesday(*RUN)
    assert ended.code == 0, ended.err
    assert "file is not a database" in ended.err
    assert "remove" in ended.err
    assert "Traceback" not in ended.err
    assert tuesday.received() == undisturbed


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        "history/runs/index.db",
        pytest.param("history/runs.db", marks=pytest.mark.long),
        pytest.param("schedules/schedules.db", marks=pytest.mark.long),
    ],
)
def test_a_block_does_not_wait_for_another_program_that_holds_dagsters_history(
    undisturbed: list[Row], tuesday: BankOfProcesses, name: str
) -> None:
    with closing(sqlite3.connect(tuesday.data / "dagster" / name, isolation_level=None)) as other_program:
        other_program.execute("BEGIN EXCLUSIVE")
        ended = tuesday(*RUN)
    assert ended.code == 0, ended.err
    assert "database is locked" in ended.err
    assert "end it" in ended.err
    assert "Traceback" not in ended.err
    assert tuesday.received() == undisturbed


@pytest.mark.long
def test_a_poll_by_hand_reports_an_earlier_killed_poll(tuesday: BankOfProcesses) -> None:
    tuesday.killed(r"\d+ decide: before COMMIT")
    tuesday.runs_well()
    with sqlite3.connect(tuesday.data / "dagster" / "history" / "runs.db") as history:
        statuses = [status for (status,) in history.execute("SELECT status FROM runs ORDER BY id")]
    assert statuses == ["SUCCESS", "FAILURE", "SUCCESS"]
