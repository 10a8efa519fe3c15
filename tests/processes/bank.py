"""A bank whose commands are processes: its store, the rows that core banking got, and `konkurs` as the bank runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.cli.conftest import CommandResult
from tests.pipeline.kit import TUESDAY, Bank
from tests.processes.core_banking import Row, received

PROJECT: Final = Path(__file__).parents[2]
RUN: Final = ("run", "--from", TUESDAY.isoformat(), "--to", TUESDAY.isoformat())
# A pattern that matches no boundary.
_NOWHERE: Final = "(?!)"


@dataclass(frozen=True)
class Request:
    """A process to start. With `log`, its boundaries are noted; it gets the signal `ends` at the first that `at` matches."""

    folder: str
    environ: dict[str, str]
    out: str
    err: str
    arguments: list[str]
    log: str
    at: str
    ends: int


class Commands:
    """The program that starts processes (commands.py), itself started by the command `before`, for example `unshare`."""

    def __init__(self, *before: str) -> None:
        self._server = subprocess.Popen(  # noqa: S603 -- our own program
            [*before, sys.executable, "-m", "tests.processes.commands"],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.communicate()

    @property
    def root(self) -> Path:
        """The file system as the processes see it."""
        return Path(f"/proc/{self._server.pid}/root")

    def start(self, request: Request) -> int:
        """Start a process; returns its id."""
        return self._ask(asdict(request))

    def wait(self, process: int, *, stopped: bool = False) -> int:
        """Wait for the end of a process, or with `stopped` for its stop; returns its exit code, or minus the signal."""
        return self._ask({"wait": process, "stopped": stopped})

    def _ask(self, request: dict[str, object]) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{json.dumps(request)}\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


@dataclass
class Running:
    """A process under way."""

    commands: Commands
    process: int
    out: Path
    err: Path

    def result(self) -> CommandResult:
        """Wait for its end; returns exit code and output."""
        code = self.commands.wait(self.process)
        return CommandResult(code, self.out.read_text(encoding="utf-8"), self.err.read_text(encoding="utf-8"))

    def wait_until_stopped(self) -> None:
        """Wait until it is stopped at its boundary."""
        assert self.commands.wait(self.process, stopped=True) == -signal.SIGSTOP, self.err.read_text(encoding="utf-8")

    def send(self, what: signal.Signals) -> None:
        """Send it a signal unless it has ended. Nobody has waited for it yet, so its id is still its own."""
        os.kill(self.process, what)


@dataclass
class BankOfProcesses:
    """A bank in a folder, its commands as processes. `folder` is as the processes see it."""

    bank: Bank
    commands: Commands
    notes: Path
    started: int = 0

    @property
    def data(self) -> Path:
        """The data folder, as this process reaches it."""
        return self.commands.root / self.bank.folder.relative_to("/")

    @property
    def boundaries(self) -> Path:
        """The log of the boundaries of the last watched process."""
        return self.notes / "boundaries"

    def start(
        self,
        *arguments: str,
        at: str | None = None,
        ends: signal.Signals = signal.SIGKILL,
        environ: Mapping[str, str] | None = None,
    ) -> Running:
        """Start a command. With the pattern `at`, it gets the signal `ends` at the first boundary whose name matches."""
        self.started += 1
        out, err = (self.notes / f"{self.started}.{name}" for name in ("out", "err"))
        if at is not None:
            self.boundaries.unlink(missing_ok=True)
        request = Request(
            folder=str(self.notes),
            environ={"PATH": os.environ["PATH"], **self._settings(), **(environ or {})},
            out=str(out),
            err=str(err),
            arguments=list(arguments),
            log="" if at is None else str(self.boundaries),
            at=at or _NOWHERE,
            ends=ends,
        )
        return Running(self.commands, self.commands.start(request), out, err)

    def _settings(self) -> dict[str, str]:
        settings = self.bank.settings
        return {
            "KONKURS_DATA_DIR": str(settings.data_dir),
            "KONKURS_OUTBOX_DIR": str(settings.outbox_dir),
            "KONKURS_API_URL": settings.api_url,
            "KONKURS_MAX_REGISTER_INVALID": "1",
            "KONKURS_MAX_REGISTER_SHRINK": "1",
        }

    def __call__(self, *arguments: str, **environ: str) -> CommandResult:
        """Run `konkurs ARGUMENTS` to its end."""
        return self.start("konkurs", *arguments, environ=environ).result()

    def killed(self, at: str) -> None:
        """Run the poll and kill it at a boundary."""
        assert self.start("konkurs", *RUN, at=at).result().code == -signal.SIGKILL, (
            "the run never reached that boundary"
        )

    def count_boundaries(self) -> int:
        """Run the poll to its end; returns the number of its boundaries."""
        ended = self.start("konkurs", *RUN, at=_NOWHERE).result()
        assert ended.code == 0, ended.err
        return len(self.boundaries.read_text(encoding="utf-8").splitlines())

    def received(self) -> list[Row]:
        """Return the rows that core banking got, in order."""
        return received(self.data / "outbox")

    def runs_well(self) -> CommandResult:
        """Run the poll. It must exit 0, and everything must verify."""
        ended = self(*RUN)
        assert ended.code == 0, ended.err
        verified = self("verify")
        assert (verified.code, verified.err) == (0, "")
        return ended
