"""Two programs want the store at the same moment: one gets it, nothing is doubled, and questions never wait."""

from __future__ import annotations

import datetime as dt
import json
import signal
from typing import Final

import dagster as dg
import pytest

from konkurs_pipeline.orchestration.definitions import build_defs
from konkurs_pipeline.orchestration.runs.names import POLL_JOB
from tests.pipeline.kit import TUESDAY, company
from tests.processes.bank import RUN, BankOfProcesses, Running
from tests.processes.core_banking import Row

IN_THE_ACT: Final = [
    pytest.param(r"\d+ fetch_missing_datasets: begins", id="while it polls"),
    pytest.param(r"\d+ decide: before COMMIT", id="before it commits"),
    pytest.param(r"\d+ hand_over: before rename .*\.csv", id="while it hands over"),
    pytest.param(r"\d+ after hand_over: before rename .*/actions\.[0-9]+\.parquet", id="while it publishes"),
]
# The job in a process of its own, as the daemon starts it for a scheduled run.
JOB: Final = (
    "job",
    "execute",
    "--module-name",
    "konkurs_pipeline.definitions",
    "--job",
    POLL_JOB,
    "--tags",
    json.dumps({"dagster/partition": TUESDAY.isoformat()}),
)


def caught(bank: BankOfProcesses, at: str) -> Running:
    """Start the poll and stop it at a boundary."""
    running = bank.start("konkurs", *RUN, at=at, ends=signal.SIGSTOP)
    running.wait_until_stopped()
    return running


def finish(running: Running) -> None:
    running.send(signal.SIGCONT)
    ended = running.result()
    assert ended.code == 0, ended.err


@pytest.mark.long
@pytest.mark.parametrize("at", IN_THE_ACT)
def test_while_a_run_is_under_way_another_does_nothing_and_questions_are_answered(
    undisturbed: list[Row], tuesday: BankOfProcesses, at: str
) -> None:
    running = caught(tuesday, at)
    second = tuesday(*RUN)
    assert second.code == 3
    assert "nothing was done" in second.err
    for question in (("status",), ("held",), ("lookup", company("firm"))):
        answer = tuesday(*question)
        assert answer.code == 0, (question, answer.err)
    finish(running)
    assert tuesday.received() == undisturbed
    assert tuesday("verify").code == 0


def test_one_of_two_runs_started_at_once_polls_and_the_other_does_nothing(
    undisturbed: list[Row], tuesday: BankOfProcesses
) -> None:
    both = [tuesday.start("konkurs", *RUN) for _ in range(2)]
    ended = [running.result() for running in both]
    assert sorted(each.code for each in ended) == [0, 3]
    (nothing,) = [each for each in ended if each.code]
    assert nothing.err.startswith("konkurs: another run holds the store")
    assert tuesday.received() == undisturbed


def test_a_release_and_a_run_take_turns(tuesday: BankOfProcesses, undisturbed: list[Row]) -> None:
    limit = {"KONKURS_MAX_BLOCKS_PER_RUN": "0"}
    assert tuesday(*RUN, **limit).code == 0
    (run_id,) = {row["run_id"] for row in json.loads(tuesday("held", "--json").out)}
    release = ("konkurs", "release", run_id, "--by", "Kari", "--reason", "checked")
    running = tuesday.start(*release, at=r"\d+ opening: before COMMIT", ends=signal.SIGSTOP)
    running.wait_until_stopped()
    assert tuesday(*RUN).code == 3
    finish(running)
    assert tuesday(*RUN, **limit).code == 0
    assert sorted(tuesday.received()) == sorted(undisturbed)


@pytest.mark.long
def test_two_runs_of_the_schedule_at_the_same_moment_poll_one_after_the_other(
    undisturbed: list[Row], tuesday: BankOfProcesses
) -> None:
    home = {"DAGSTER_HOME": str(tuesday.bank.layout.dagster)}
    first = tuesday.start(
        "dagster", *JOB, at=r"\d+ [a-z_ ]*: before INSERT INTO outbox_files", ends=signal.SIGSTOP, environ=home
    )
    first.wait_until_stopped()
    second = tuesday.start("dagster", *JOB, environ=home)
    first.send(signal.SIGCONT)
    # The exit codes are ignored: `dagster job execute` makes the poll resource again after the run.
    for running in (first, second):
        running.result()
    assert tuesday.received() == undisturbed
    assert tuesday("verify").code == 0
    assert sorted(path.name.split("_")[3] for path in (tuesday.data / "outbox").glob("*.jsonl")) == [
        "00000001",
        "00000002",
        "00000003",
    ]


def test_a_tick_that_fires_twice_requests_the_same_run(tuesday: BankOfProcesses) -> None:
    """Dagster starts one run for each run key of a schedule."""
    definitions = build_defs(tuesday.bank.settings)
    saturday_night = dt.datetime(2018, 9, 8, 3, 40, tzinfo=dt.UTC)
    tuesday_noon = dt.datetime(2018, 9, 4, 10, tzinfo=dt.UTC)
    keys: list[str | None] = []
    with dg.instance_for_test() as instance:
        for name in ("poll", "closing_poll", "sweep", "wide_sweep"):
            at = saturday_night if "sweep" in name else tuesday_noon
            for when in (at, at, at + dt.timedelta(minutes=1)):
                tick = dg.build_schedule_context(instance=instance, scheduled_execution_time=when)
                (request,) = definitions.resolve_schedule_def(name).evaluate_tick(tick).run_requests or []
                keys.append(request.run_key)
    assert keys[0::3] == keys[1::3]
    assert None not in keys
    assert len(set(keys)) == 8, "one for each schedule and time"
