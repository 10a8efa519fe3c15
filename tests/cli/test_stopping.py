"""Ctrl-C, SIGTERM and SIGHUP: one line and 130, in every command and phase."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from tests.cli.conftest import CommandLine

CONSOLE_SCRIPT: Final = Path(sys.executable).with_name("konkurs")
LINE: Final = "konkurs: stopped; what was committed stays, and the next run goes on from there"
# A signal counts only once Python has started.
_STARTED_S: Final = 0.5
MOMENTS: Final = [
    (("demo",), signal.SIGINT, 0.0),
    (("demo",), signal.SIGTERM, 1.0),
    (("demo",), signal.SIGTERM, 2.0),
    (("demo",), signal.SIGINT, 3.0),
    (("demo",), signal.SIGHUP, 2.5),
    (("simulate", "--port", "0", "--plain-http"), signal.SIGTERM, 1.5),
    (("simulate", "--port", "0", "--plain-http"), signal.SIGINT, 1.5),
]


@pytest.mark.parametrize(("arguments", "number", "after_s"), MOMENTS, ids=str)
def test_a_signal_ends_a_command_with_one_line_and_130(
    konkurs: CommandLine, arguments: tuple[str, ...], number: signal.Signals, after_s: float
) -> None:
    environ = {"KONKURS_DATA_DIR": str(konkurs.data), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(  # noqa: S603 -- our own console script
        [CONSOLE_SCRIPT, *arguments],
        env=environ,
        cwd=konkurs.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Under nohup a child would ignore SIGHUP too.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509 -- no threads here
    )
    time.sleep(_STARTED_S + after_s)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert [line for line in err.splitlines() if "new notices" not in line] == [LINE]


def test_a_command_that_ignores_the_interrupt_is_ended(tmp_path: Path) -> None:
    """Dagster handles interrupts itself, and compiled code of a library never sees them."""
    program = (
        "import sys, time\nfrom konkurs_pipeline.cli import running\nfrom konkurs_pipeline.cli.main import main\n"
        "def deaf(arguments):\n    print('deaf', flush=True)\n    while True:\n"
        "        try: time.sleep(60)\n        except KeyboardInterrupt: pass\n"
        "running.run_command = deaf\nmain()\n"
    )
    process = subprocess.Popen(  # noqa: S603 -- this interpreter and our own program
        [sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "deaf\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.splitlines()) == (130, [LINE])


def test_the_end_of_a_terminal_does_what_ctrl_c_does_at_the_time(tmp_path: Path) -> None:
    """While a run executes, Dagster's handler of SIGINT waits for a moment at which the run can end in order."""
    program = (
        "import signal, sys\nfrom konkurs_pipeline.cli.interruption import watch_signals\nwatch_signals()\n"
        "signal.signal(signal.SIGINT, lambda number, frame: sys.exit(7))\nprint('ready', flush=True)\nsignal.pause()\n"
    )
    process = subprocess.Popen(  # noqa: S603 -- this interpreter and our own program
        [sys.executable, "-c", program],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509 -- no threads here
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 7
