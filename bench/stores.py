"""Prepared stores: a real backfill polls years of history, and each measurement gets a copy.

`BENCH_DATA` (default: a temporary folder) keeps everything, and the next bench with the same folder uses it again.
A copy always stands at the same path, as a bank's store does. What does not belong here: how the data are generated
(notices.py, register.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench import notices, past_polls
from bench.processes import BIN, Ran, run, run_script
from bench.report import progress
from bench.service import running_service

# The product replaces these files and never changes them in place, so copies may share them.
_SHARED = ("lake", "outbox")


@dataclass(frozen=True)
class Case:
    """A bank with `customers` customers and `years` years of history, prepared under `folder`.

    `polls`: its past polls, each with a file and a receipt that nobody removed. 0: a few polls brought the whole history.
    """

    folder: Path
    years: int
    customers: int
    polls: int = 0

    @property
    def register(self) -> Path:
        """Where the bank's files are."""
        return self.folder / f"register-{self.customers}"

    @property
    def live(self) -> Path:
        """Where a measurement's copy of the store stands."""
        return self.folder / "live"

    @property
    def _kept(self) -> Path:
        return self.folder / f"store-{self.years}y-{self.customers}{self._after_polls}"

    @property
    def _after_polls(self) -> str:
        return f"-{self.polls}polls" if self.polls else ""

    @property
    def _receipts(self) -> Path:
        """Where receipts are. Those of many polls are never copied: the product would read each copy as a new file."""
        return self.folder / f"receipts{self._after_polls}" if self.polls else self.live / "receipts"

    def environ(self, url: str) -> dict[str, str]:
        """Return the environment of a bank's program, without the caller's settings."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KONKURS_", "DAGSTER_"))}
        return {
            **inherited,
            "KONKURS_ENVIRONMENT": "demo",
            "KONKURS_DATA_DIR": str(self.live),
            "KONKURS_RECEIPTS_DIR": str(self._receipts),
            "KONKURS_API_URL": url,
            "KONKURS_CUSTOMERS": str(self.register / "customers.csv"),
            "KONKURS_ACCOUNTS": str(self.register / "accounts.csv"),
            "KONKURS_FIRST_WORKDAY": str(notices.first_day(self.years)),
            "KONKURS_MAX_BLOCKS_PER_RUN": "1000000",
            "KONKURS_LOOKBACK_WORKDAYS": str(notices.LOOKBACK),
        }

    def make_register(self) -> None:
        """Make the bank's files, unless they are there."""
        if self.register.is_dir():
            return
        progress(f"making a register of {self.customers} customers")
        aside = self.register.with_suffix(".part")
        shutil.rmtree(aside, ignore_errors=True)
        run_script("register", [aside, str(self.customers), str(self.years)], os.environ)
        aside.rename(self.register)

    def start_empty(self) -> None:
        """Make the live store an empty folder."""
        self.make_register()
        shutil.rmtree(self.live, ignore_errors=True)
        self.live.mkdir(parents=True, mode=0o700)

    def backfill(self, environ: Mapping[str, str]) -> Ran:
        """Run the backfill of all years, up to the day before the measured one."""
        days = ["--from", str(notices.first_day(self.years)), "--to", str(notices.day_before())]
        return run([BIN / "konkurs", "run", *days], environ)

    def prepare(self) -> None:
        """Prepare the store that is copied; if it exists, poll it once with today's program.

        After a backfill or a change of the rules, a poll makes all derived tables again. That poll is not measured.
        """
        before = replace(self, polls=0)
        if self.polls and not self._kept.is_dir():
            before.prepare()
        with running_service(self.years) as url:
            environ = self.environ(url)
            if self._kept.is_dir():
                self.restore()
            elif self.polls:
                before.restore()
                progress(f"adding {self.polls} polls that brought nothing")
                past_polls.add(self.live, self._receipts, self.polls)
            else:
                self.start_empty()
                progress(f"preparing a store: {self.years} years, {self.customers} customers")
                self.backfill(environ)
            day = str(notices.day_before())
            run([BIN / "konkurs", "run", "--from", day, "--to", day], environ)
        shutil.rmtree(self._kept, ignore_errors=True)
        self.live.rename(self._kept)

    def restore(self) -> None:
        """Replace the live store by a fresh copy of the prepared one."""
        shutil.rmtree(self.live, ignore_errors=True)
        self.live.mkdir(mode=0o700)
        for path in self._kept.rglob("*"):
            copy = self.live / path.relative_to(self._kept)
            if path.is_dir():
                copy.mkdir(parents=True, mode=0o700)
            elif path.relative_to(self._kept).parts[0] in _SHARED:
                os.link(path, copy)
            else:
                shutil.copy2(path, copy)
        # Otherwise the first measured sync would wait for all copied bytes.
        os.sync()

    def snapshot(self) -> Path:
        """Return the folder of the register's snapshot in the live store: the floor's register is the same file."""
        return next((self.live / "lake" / "register").glob("*/identifiers.parquet")).parent
