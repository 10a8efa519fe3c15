"""Runs a program and measures it: wall time, CPU time, peak memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Ran:
    """One run of a program: wall seconds, CPU seconds (its children's too), peak memory in MiB, what it printed."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    stdout: str

    @property
    def printed(self) -> dict[str, Any]:
        """What our own scripts print: one JSON object on the last line."""
        found: dict[str, Any] = json.loads(self.stdout.splitlines()[-1])
        return found


@dataclass
class Series:
    """The figures of several runs of the same program."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peak_mib: float = 0

    def add(self, seconds: float, cpu_seconds: float, peak_mib: float = 0) -> None:
        """Add a run."""
        self.seconds.append(seconds)
        self.cpu_seconds.append(cpu_seconds)
        self.peak_mib = max(self.peak_mib, peak_mib)

    def add_run(self, ran: Ran) -> None:
        """Add a run of a whole process."""
        self.add(ran.seconds, ran.cpu_seconds, ran.peak_mib)

    def add_own(self, ran: Ran) -> None:
        """Add the times that a script measured itself, after its imports."""
        self.add(ran.printed["seconds"], ran.printed["cpu_seconds"], ran.peak_mib)

    @property
    def median(self) -> float:
        """The median of the wall seconds."""
        return statistics.median(self.seconds)

    @property
    def cpu_median(self) -> float:
        """The median of the CPU seconds. Other programs on the machine disturb it least."""
        return statistics.median(self.cpu_seconds)


def run(command: Sequence[str | Path], environ: Mapping[str, str]) -> Ran:
    """Run a program to its end; raises `RuntimeError` with its output if it fails."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], env=environ, stdout=out, stderr=err)  # noqa: S603 -- ours
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        # `wait4` has waited for the process already, so Popen must not wait again.
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            message = f"{command[0]} ended with {process.returncode}: {err.read().decode(errors='replace')[-2000:]}"
            raise RuntimeError(message)
        return Ran(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read().decode())


def run_script(name: str, arguments: Sequence[str | Path], environ: Mapping[str, str]) -> Ran:
    """Run one of the bench's own scripts, `python -m bench.NAME`, with this interpreter."""
    return run([sys.executable, "-m", f"bench.{name}", *arguments], environ)
