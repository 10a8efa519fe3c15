"""`kill -9` of `konkurs run` at its boundaries and at any moment: the next run gives the same rows as an undisturbed one."""

from __future__ import annotations

import random
import signal
import time
from typing import Final

import pytest

from tests.processes.bank import RUN, BankOfProcesses
from tests.processes.boundaries import STEPS
from tests.processes.conftest import SOAKING, NewTuesday
from tests.processes.core_banking import Row

# The soak kills after every step; the crashes of tests/pipeline stop in-process after each of them too.
STEPS_STOPPED_AFTER: Final = [name for name in STEPS if SOAKING or name in {"poll_notices", "decide", "hand_over"}]
LONG: Final = pytest.mark.long
NAMED: Final = [
    pytest.param(r"\d+ opening: before COMMIT", id="before the poll is recorded", marks=LONG),
    *(pytest.param(rf"\d+ {name}: has ended", id=f"after {name}", marks=LONG) for name in STEPS_STOPPED_AFTER),
    pytest.param(r"\d+ decide: before COMMIT", id="before the decision is committed", marks=LONG),
    pytest.param(r"\d+ hand_over: before rename .*\.jsonl", id="before the .jsonl is in place"),
    pytest.param(r"\d+ hand_over: before rename .*\.csv", id="between .jsonl and .csv", marks=LONG),
    pytest.param(r"\d+ hand_over: before rename .*\.manifest\.json", id="between .csv and manifest", marks=LONG),
    pytest.param(r"\d+ after hand_over: before rename .*/polls\.[0-9]+\.parquet", id="while publishing", marks=LONG),
]
KILLS_AT_RANDOM: Final = 60 if SOAKING else 2
# The duration of a run, from long before its first write to long after its last.
A_RUN_TAKES_S: Final = 3.0


def left_half_written(bank: BankOfProcesses) -> list[str]:
    """Return the temporary files in the store, without Dagster's and the bank's own folders."""
    return [path.name for path in bank.data.rglob(".*.tmp") if "dagster" not in path.parts]


@pytest.mark.parametrize("at", NAMED)
def test_the_next_run_completes_a_run_killed_at_a_step_boundary(
    undisturbed: list[Row], tuesday: BankOfProcesses, at: str
) -> None:
    tuesday.killed(at)
    tuesday.runs_well()
    assert tuesday.received() == undisturbed


@pytest.mark.skipif(not SOAKING, reason="a kill at every write takes minutes: make soak-processes")
@pytest.mark.timeout(0)
def test_the_next_run_completes_a_run_killed_before_or_after_any_write(
    undisturbed: list[Row], new_tuesday: NewTuesday
) -> None:
    boundaries = new_tuesday().count_boundaries()
    for number in range(1, boundaries + 1):
        bank = new_tuesday()
        bank.killed(f"{number:04} .*")
        bank.runs_well()
        where = bank.boundaries.read_text(encoding="utf-8").splitlines()[-1]
        assert bank.received() == undisturbed, where
        assert left_half_written(bank) == [], where
    print(f"killed at {boundaries} boundaries, and the next run repaired each")  # noqa: T201 -- the soak's figures


@pytest.mark.long
@pytest.mark.parametrize("seed", range(KILLS_AT_RANDOM))
def test_the_next_run_completes_a_run_killed_twice_at_any_moment(
    undisturbed: list[Row], tuesday: BankOfProcesses, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 -- a seeded choice of moments
    for _ in range(chance.randint(1, 3)):
        running = tuesday.start("konkurs", *RUN)
        time.sleep(chance.uniform(0.05, A_RUN_TAKES_S))
        running.send(signal.SIGKILL)
        assert running.result().code in {-signal.SIGKILL, 0}, "killed, or finished before the kill"
    tuesday.runs_well()
    assert tuesday.received() == undisturbed


def test_the_next_run_removes_half_written_files_of_a_killed_run(tuesday: BankOfProcesses) -> None:
    """An answer holds identifiers, so a forgotten copy must not stay."""
    tuesday.killed(r"\d+ poll_notices: before rename of lake/answers/.*")
    assert left_half_written(tuesday) != []
    tuesday.runs_well()
    assert left_half_written(tuesday) == []
