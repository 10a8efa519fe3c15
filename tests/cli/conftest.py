"""The command line in this process: `konkurs(...)` returns exit code and output. And a service for it to poll."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import stamina

from konkurs_pipeline.brreg.simulator.app import Simulation, build_app
from konkurs_pipeline.brreg.simulator.clock import SteppedClock
from konkurs_pipeline.brreg.simulator.server import running_simulator
from konkurs_pipeline.cli.running import run_command

DAY = "2018-09-03"
_EVENING = dt.datetime(2018, 9, 3, 20, tzinfo=dt.UTC)


@dataclass(frozen=True)
class CommandResult:
    """How a command ended: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


@dataclass
class CommandLine:
    """A bank's command line: its environment, and its commands run in this process."""

    folder: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    service: Simulation
    kept: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def __call__(self, *arguments: str, **environ: str) -> CommandResult:
        """Run `konkurs ARGUMENTS` with these settings beside the usual ones."""
        whole = {**self.environ, **environ}
        with self.patch.context() as patched:
            for name in [name for name in os.environ if name.startswith("KONKURS_")]:
                patched.delenv(name)
            for name, value in whole.items():
                patched.setenv(name, value)
            # Patched too, so that the context undoes what a command sets.
            patched.setenv("DAGSTER_HOME", "")
            patched.chdir(self.folder)
            self.capture.readouterr()
            code = run_command(arguments)
        printed = self.capture.readouterr()
        return CommandResult(code, printed.out, printed.err)

    def filled(self, fill: Callable[[CommandLine], None]) -> CommandLine:
        """Fill the data folder; later calls copy the first one's, because a run is the slowest part of a test.

        Tests with the same beginning use one folder, because a store's views name its files by their whole path.
        """
        self.folder = self.kept / f"{fill.__module__}.{fill.__name__}"
        self.environ["KONKURS_DATA_DIR"] = str(self.data)
        as_filled = self.folder / "as_filled"
        if as_filled.exists():
            shutil.rmtree(self.data)
            shutil.copytree(as_filled, self.data)
        else:
            fill(self)
            shutil.copytree(self.data, as_filled)
        return self

    def write_customers(self, *rows: str, content: bytes | None = None) -> None:
        """Replace the customers file: rows of ref,number,former,name, or raw bytes."""
        path = self.data / "register" / "customers.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = "\n".join(["customer_ref,national_id,former_ids,name", *rows, ""])
        new = path.with_suffix(".new")
        new.write_bytes(lines.encode() if content is None else content)
        new.replace(path)


@pytest.fixture(scope="session", autouse=True)
def _one_attempt_each() -> Iterator[None]:
    with stamina.set_testing(testing=True, attempts=1):
        yield


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[str, Simulation]]:
    app = build_app([], now=SteppedClock(_EVENING))
    with running_simulator(app, tls=None) as url:
        yield url, app.state.simulation


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the prepared data folders."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def konkurs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    served: tuple[str, Simulation],
    kept: Path,
) -> CommandLine:
    url, simulation = served
    simulation.faults.replace([])
    simulation.replace_notices([])
    made = CommandLine(tmp_path, monkeypatch, capsys, simulation, kept)
    made.environ = {"KONKURS_DATA_DIR": str(made.data), "KONKURS_API_URL": url}
    return made
