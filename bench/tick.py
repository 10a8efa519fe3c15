"""The time from a due tick of the schedule to the manifest, under Dagster's daemon. In demo a tick is due every minute.

Code server and daemon start as in production (deploy/systemd). The time runs from the full minute to the time that the file
system gives the manifest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.processes import BIN, Series, run
from bench.report import measurement, progress
from bench.scale import Scale
from bench.service import running_service
from bench.stores import Case

_ROOT: Final = Path(__file__).parents[1]
_MINUTE: Final = 60
_STARTS_WITHIN_S: Final = 150


def measure(folder: Path, scale: Scale) -> None:
    """Measure and print, without the first tick, in which everything starts."""
    case = Case(folder, 0, scale.few_customers)
    case.start_empty()
    found = Series()
    progress("waiting for ticks of the schedule, some minutes")
    with running_service(0) as url, running_dagster(case, _with_days(case.environ(url))):
        shown: set[Path] = set()
        for number in range(3):
            manifest = _next(case.live / "outbox", shown, _STARTS_WITHIN_S)
            shown.add(manifest)
            if number:
                found.add(manifest.stat().st_mtime % _MINUTE, 0)
    measurement("tick to manifest", found, customers=case.customers)


def _with_days(environ: dict[str, str]) -> dict[str, str]:
    # The notices are years old. The polls are of today, which has none.
    return {**environ, "KONKURS_FIRST_WORKDAY": "2024-01-02"}


@contextmanager
def running_dagster(case: Case, environ: dict[str, str], *, stopped: Sequence[str] = ()) -> Iterator[None]:
    """Run a code server and the daemon as deploy/systemd does. `stopped`: schedules that must not tick."""
    home = case.live / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(_ROOT / "dagster.yaml", home)
    with tempfile.TemporaryDirectory() as passing:
        # A socket's path has to be short.
        socket, workspace = Path(passing) / "code.sock", Path(passing) / "workspace.yaml"
        workspace.write_text(f"load_from:\n  - grpc_server: {{socket: {socket}, location_name: konkurs}}\n")
        location = ["--module-name", "konkurs_pipeline.definitions", "--location-name", "konkurs"]
        started = {
            **environ,
            "DAGSTER_HOME": str(home),
            "PATH": f"{BIN}{os.pathsep}{environ['PATH']}",
        }
        with _running([BIN / "dagster", "api", "grpc", "--socket", socket, *location], started):
            _wait_for_code_server(socket, started)
            for name in stopped:
                run([BIN / "dagster", "schedule", "stop", name, "--workspace", workspace], started)
            with _running([BIN / "dagster-daemon", "run", "--workspace", workspace], started):
                yield


def _wait_for_code_server(socket: Path, environ: Mapping[str, str]) -> None:
    """Wait for the code server, as the unit does: a daemon that finds none looks again only after a minute."""
    asks: list[str | Path] = [BIN / "dagster", "api", "grpc-health-check", "--socket", socket]
    ends = time.monotonic() + _STARTS_WITHIN_S
    while subprocess.run(asks, env=environ, capture_output=True, check=False).returncode:  # noqa: S603 -- dagster's own
        if time.monotonic() > ends:
            message = f"no code server within {_STARTS_WITHIN_S} s: try its command by hand"
            raise RuntimeError(message)
        time.sleep(1)


@contextmanager
def _running(command: Sequence[str | Path], environ: Mapping[str, str]) -> Iterator[None]:
    with subprocess.Popen(  # noqa: S603 -- dagster's own programs
        command, cwd=_ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as program:
        try:
            yield
        finally:
            program.terminate()


def _next(outbox: Path, shown: set[Path], within_s: float) -> Path:
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        new = sorted(set(outbox.glob("*.manifest.json")) - shown)
        if new:
            return new[0]
        time.sleep(0.1)
    message = f"no manifest within {within_s} s: did the daemon start?"
    raise RuntimeError(message)
