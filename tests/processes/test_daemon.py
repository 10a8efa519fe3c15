"""Code server, daemon, schedule and runs as processes: after any of them is killed, the next due tick polls."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import dagster as dg
import polars as pl
import pytest

from konkurs_pipeline.brreg.simulator.notices import simulated_notice
from konkurs_pipeline.orchestration.future_ticks import mend_future_ticks
from konkurs_pipeline.orchestration.instance import project_config
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import Bank, company
from tests.processes.conftest import SOAKING

_BIN: Final = Path(sys.executable).parent
_WAIT_S: Final = 300.0


def wait_until(what: Callable[[], bool], *, step_s: float = 0.5) -> None:
    ends = time.monotonic() + _WAIT_S
    while not what():
        assert time.monotonic() < ends, "the condition never held"
        time.sleep(step_s)


class Installation:
    """A code server and a daemon as deploy/systemd starts them. In the demo environment a poll is due every minute."""

    def __init__(self, bank: Bank, home: Path) -> None:
        self.bank, self.home = bank, home
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        # A path of a socket is at most 107 bytes long.
        self._folder = Path(tempfile.mkdtemp())
        self._socket = self._folder / "code.sock"
        home.mkdir(mode=0o700)
        (home / "dagster.yaml").write_bytes(project_config())
        server = f"{{socket: '{self._socket}', location_name: konkurs}}"
        (home / "workspace.yaml").write_text(f"load_from: [{{grpc_server: {server}}}]\n", encoding="utf-8")

    def start(self) -> None:
        """Start the processes that do not run."""
        if not self._runs("code"):
            self._socket.unlink(missing_ok=True)
            module = ("--module-name", "konkurs_pipeline.definitions", "--location-name", "konkurs")
            self._start("code", "dagster", "api", "grpc", "--socket", str(self._socket), *module)
            wait_until(self._answers)
        if not self._runs("daemon"):
            self._start("daemon", "dagster-daemon", "run", "--workspace", str(self.home / "workspace.yaml"))

    def poll_by_hand(self) -> None:
        """Start `konkurs run`."""
        self._start("by hand", "konkurs", "run")

    def holder(self) -> int:
        """Wait until a process holds the store for a named run; returns the id of the process."""
        found: list[int] = []

        def is_held() -> bool:
            lock = self.bank.layout.lock
            inode = f":{lock.stat().st_ino} " if lock.exists() else "none"
            lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
            holders = [line.split()[4] for line in lines if inode in line and "->" not in line]
            found[:] = [int(holder) for holder in holders if self._is_ours(holder)]
            return bool(found) and lock.read_text(encoding="ascii") != ""

        wait_until(is_held, step_s=0.01)
        return found[0]

    def kill(self, names: tuple[str, ...], by: signal.Signals) -> str:
        """Kill the holder of the store and the named processes; returns the run that was under way."""
        holder = self.holder()
        # Read before the kill: a run that can end itself removes its name.
        run_id = self.bank.layout.lock.read_text(encoding="ascii")
        for process in (holder, *(self.processes[name].pid for name in names)):
            os.kill(process, by)
        for name in names:
            self.processes[name].wait(60)
        wait_until(lambda: not Path(f"/proc/{holder}").exists() or self._reaped("by hand"), step_s=0.05)
        return run_id

    def good_polls(self) -> int:
        """Count the good polls."""
        polls = self.bank.published("polls")
        return polls.filter(pl.col("outcome").is_in(["new", "nothing_new"])).height

    def run(self, run_id: str) -> tuple[dg.DagsterRunStatus, str]:
        """Return a run's status and its log."""
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            run = instance.get_run_by_id(run_id)
            assert run is not None
            events = [log.dagster_event for log in instance.all_logs(run_id)]
        return run.status, " ".join(event.message or "" for event in events if event is not None)

    def stop(self) -> None:
        """End all processes."""
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
        shutil.rmtree(self._folder)

    def _is_ours(self, process: str) -> bool:
        """Tell whether a process polls for this bank: two file systems can give one inode, and `-1` is every process."""
        environ = Path("/proc", process, "environ")
        try:
            return f"KONKURS_DATA_DIR={self.bank.folder}\0".encode() in environ.read_bytes()
        except OSError:
            return False

    def _runs(self, name: str) -> bool:
        return name in self.processes and self.processes[name].poll() is None

    def _reaped(self, name: str) -> bool:
        return name in self.processes and self.processes[name].poll() is not None

    def _answers(self) -> bool:
        self._start("question", "dagster", "api", "grpc-health-check", "--socket", str(self._socket))
        return self.processes.pop("question").wait(60) == 0

    def _start(self, name: str, program: str, *arguments: str) -> None:
        environ = {
            "PATH": os.environ["PATH"],
            "DAGSTER_HOME": str(self.home),
            "KONKURS_DATA_DIR": str(self.bank.folder),
            "KONKURS_API_URL": self.bank.url,
            "KONKURS_MAX_REGISTER_INVALID": "1",
        }
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(  # noqa: S603 -- our own programs
                [str(_BIN / program), *arguments],
                cwd=self.home,
                env=environ,
                stdout=log,
                stderr=log,
                # Under `nohup make soak-processes` a child would ignore SIGHUP too.
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509 -- no threads here
            )


@pytest.fixture
def installation(new_bank: NewBank, tmp_path: Path) -> Iterator[Installation]:
    bank = new_bank(tmp_path / "data")
    bank.clock.move_to(dt.datetime.now(dt.UTC))
    bank.customer("K-1", company("firm"))
    bank.write_register()
    made = Installation(bank, tmp_path / "home")
    yield made
    made.stop()


@pytest.mark.skipif(not SOAKING, reason="a schedule's tick comes every minute: make soak-processes")
@pytest.mark.timeout(0)
def test_after_a_clock_that_was_ahead_schedules_and_sensors_go_on(installation: Installation) -> None:
    installation.start()
    wait_until(lambda: installation.good_polls() > 0)
    installation.processes["daemon"].kill()
    installation.processes["daemon"].wait(60)
    # Seen from two hours ago, all times here are those of a clock that was ahead.
    with dg.DagsterInstance.from_config(str(installation.home)) as instance:
        mended = mend_future_ticks(instance, dt.datetime.now(dt.UTC) - dt.timedelta(hours=2))
        assert {"poll", "alerts"} <= set(mended)
        assert instance.get_runs() == []
    polls = installation.good_polls()
    installation.start()
    wait_until(lambda: installation.good_polls() > polls)


KILLS: Final = [
    pytest.param((), signal.SIGKILL, id="the run"),
    pytest.param(("daemon",), signal.SIGKILL, id="run and daemon"),
    pytest.param(("code",), signal.SIGKILL, id="run and code server"),
    pytest.param(("code", "daemon"), signal.SIGKILL, id="all, as by a power cut"),
    pytest.param(("code", "daemon"), signal.SIGTERM, id="all, as by a reboot"),
]


@pytest.mark.skipif(not SOAKING, reason="a schedule's tick comes every minute: make soak-processes")
@pytest.mark.timeout(0)
@pytest.mark.parametrize(("names", "by"), KILLS)
def test_after_a_scheduled_poll_was_killed_the_next_tick_polls(
    installation: Installation, names: tuple[str, ...], by: signal.Signals
) -> None:
    installation.start()
    wait_until(lambda: installation.good_polls() > 0)
    killed = installation.kill(names, by)
    polls = installation.good_polls()
    installation.start()
    wait_until(lambda: installation.good_polls() > polls + 1)
    if killed:
        status, log = installation.run(killed)
        assert status is dg.DagsterRunStatus.FAILURE
        assert by is signal.SIGTERM or "was killed" in log or "exited" in log


@pytest.mark.skipif(not SOAKING, reason="a schedule's tick comes every minute: make soak-processes")
@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("by", "reasons"),
    [(signal.SIGKILL, {"was killed"}), (signal.SIGHUP, {"was killed", "Execution was interrupted"})],
    ids=["KILL", "HUP"],
)
def test_after_a_poll_by_hand_was_killed_the_next_tick_polls(
    installation: Installation, by: signal.Signals, reasons: set[str]
) -> None:
    """A run that executes ends itself on SIGHUP and logs it. Before that, the next tick reports why it failed."""
    installation.poll_by_hand()
    killed = installation.kill((), by)
    assert killed
    installation.start()
    wait_until(lambda: installation.good_polls() > 1)
    status, log = installation.run(killed)
    assert status is dg.DagsterRunStatus.FAILURE
    assert any(reason in log for reason in reasons)


@pytest.mark.skipif(not SOAKING, reason="a look comes every five seconds: make soak-processes")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("names", [("daemon",), ("code",), ("code", "daemon")])
def test_a_kill_between_a_look_and_its_run_delays_no_block(installation: Installation, names: tuple[str, ...]) -> None:
    bank = installation.bank
    installation.start()
    wait_until(lambda: installation.good_polls() > 0)
    now = dt.datetime.now(dt.UTC)
    day = bank.settings.calendar.workday_of(now)
    uid = str(uuid.uuid4())
    bank.serve(
        [simulated_notice(uuid=uid, type="aapning", registered_at=now, debtor_id=company("firm"), ruling_date=day)]
    )
    bank.clock.move_to(now)
    wait_until(lambda: bool(_asked_by_look(installation)), step_s=0.02)
    for name in names:
        installation.processes[name].kill()
        installation.processes[name].wait(60)
    installation.start()
    wait_until(lambda: [action["action"] for action in bank.all_actions()] == ["BLOCK"])
    polls = installation.good_polls()
    wait_until(lambda: installation.good_polls() > polls)
    assert [action["action"] for action in bank.all_actions()] == ["BLOCK"]
    wait_until(lambda: all(run.is_finished for run in _asked_by_look(installation)))


def _asked_by_look(installation: Installation) -> list[dg.DagsterRun]:
    with dg.DagsterInstance.from_config(str(installation.home)) as instance:
        return [run for run in instance.get_runs() if run.tags.get("dagster/sensor_name") == "look"]
