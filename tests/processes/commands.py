"""Run each command in a process of its own, forked from this one, which has only imported everything.

So a test does not pay two seconds of imports for each command. Requests come on stdin, a line of JSON each (`bank.Request`).
Answers go to stdout in order: the process id for a start, the exit for a wait.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import sys
import traceback
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from konkurs_pipeline.cli.commands import COMMANDS
from tests.processes.boundaries import Boundaries

# The modules that the commands import when they run.
_BEFOREHAND: Final = (
    "konkurs_pipeline.cli.main",
    *(f"konkurs_pipeline.cli.{command.module}" for command in COMMANDS),
    "alembic.command",
    "dagster",
    "fsspec.implementations.local",
    "hypothesis",
    "pandera.backends.polars.register",
    "pandera.strategies.base_strategies",
    "upath",
    "watchdog.observers",
)
# The programs as they are installed.
_PROGRAMS: Final = {
    script.name: script for script in entry_points(group="console_scripts") if script.name in {"konkurs", "dagster"}
}


def _become(request: dict[str, Any]) -> int:
    """Become the requested process; returns its exit code."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    program, *arguments = request["arguments"]
    if program not in _PROGRAMS:
        os.execvp(program, [program, *arguments])  # noqa: S606 -- what the test asks for
    if request["log"]:
        ends = signal.Signals(request["ends"])
        root = Path(request["environ"]["KONKURS_DATA_DIR"])
        Boundaries(root, Path(request["log"]), re.compile(request["at"]), ends).watch()
    sys.argv = [program, *arguments]
    try:
        _PROGRAMS[program].load()()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _start(request: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        code = _become(request)
    except BaseException:  # noqa: BLE001 -- as Python does with an uncaught exception
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Answer requests until stdin ends."""
    for name in _BEFOREHAND:
        importlib.import_module(name)
    for program in _PROGRAMS.values():
        program.load()
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            # A caller that stops a process waits for its stop; every other caller waits for its end.
            _, status = os.waitpid(request["wait"], os.WUNTRACED if request["stopped"] else 0)
            answer = -os.WSTOPSIG(status) if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
        else:
            answer = _start(request)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
