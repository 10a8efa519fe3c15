"""The boundaries where a run can be killed: the ends of its steps and every write to its store, counted and named.

The product does not know of this. This module wraps the steps where the job's assets call them, and the ledger's statements
where they are executed. Python's audit events report each file operation just before it happens.
"""

from __future__ import annotations

import functools
import os
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from konkurs_pipeline.orchestration.assets import made
from konkurs_pipeline.storage.ledger.database import Ledger

# The steps in the order of the job, by their names in the table of assets.
STEPS: Final = (
    "take_register",
    "poll_notices",
    "fetch_missing_datasets",
    "normalise_debtors",
    "match_debtors",
    "fold_notices",
    "decide",
    "hand_over",
)
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_NAMED_BY_PATH: Final = frozenset({"open", "os.remove", "os.mkdir", "os.rmdir"})


@dataclass
class Boundaries:
    """The boundaries that this process has reached, a line each in `log`. At the first that `at` matches it gets `ends`.

    SIGKILL kills the process there. SIGSTOP stops it there, and it can go on later.
    """

    root: Path
    log: Path
    at: re.Pattern[str]
    ends: signal.Signals
    count: int = 0
    step: str = "opening"

    def reached(self, what: str) -> None:
        """Note a boundary: `0042 decide: before COMMIT`."""
        self.count += 1
        name = f"{self.count:04} {self.step}: {what}"
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{name}\n")
        if self.at.fullmatch(name):
            os.kill(os.getpid(), self.ends)

    def watch(self) -> None:
        """Begin to note boundaries in this process."""
        for name in STEPS:
            setattr(made, name, self._watched_step(getattr(made, name), name))
        Ledger.execute = self._watched_execute(Ledger.execute)  # type: ignore[method-assign]
        sys.addaudithook(self._hear)

    def _watched_step(self, step: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(step)
        def watched(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- as the step
            self.step = name
            self.reached("begins")
            result = step(*args, **kwargs)
            self.reached("has ended")
            self.step = f"after {name}"
            return result

        return watched

    def _watched_execute(self, execute: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(execute)
        def watched(ledger: Ledger, sql: str, parameters: Any = ()) -> None:  # noqa: ANN401 -- as the original
            self.reached(f"before {' '.join(sql.split()[:3])}")
            execute(ledger, sql, parameters)
            self.reached(f"behind {' '.join(sql.split()[:3])}")

        return watched

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "os.rename":
            path = args[1]
        elif event in _NAMED_BY_PATH and not (event == "open" and not args[2] & _WRITES):
            path = args[0]
        else:
            return
        place = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        if place.startswith(f"{self.root}/") and not place.startswith(f"{self.root}/dagster"):
            self.reached(f"before {event.removeprefix('os.')} of {place.removeprefix(f'{self.root}/')}")
