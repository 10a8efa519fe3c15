"""What happens to the store between two polls: wrong bits, a ledger restored from an old copy, and a person's releases."""

from __future__ import annotations

import datetime as dt
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from konkurs_pipeline.enquiries.integrity import inspect
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.handoff import decisions
from konkurs_pipeline.storage.handoff.recovery import recover
from konkurs_pipeline.storage.lake.versions import newest_in
from konkurs_pipeline.storage.store import open_store
from tests.simulation.figures import Figures
from tests.simulation.oracle import Oracle
from tests.simulation.premises import Premises
from tests.simulation.world import pick

_UNRELEASED: Final = "SELECT DISTINCT run_id FROM actions WHERE status = 'held' AND released_at IS NULL"
Attempt = Callable[[], BaseException | None]
_TABLES: Final = ("raw_notices", "expanded_datasets", "debtors", "customer_matches", "estates")


class Mishaps:
    """Damages a store as disks and people do, and checks that the next poll and `verify` notice it."""

    def __init__(
        self, premises: Premises, oracle: Oracle, rng: random.Random, figures: Figures, trouble: float
    ) -> None:
        self._premises, self._oracle, self._rng, self._figures = premises, oracle, rng, figures
        self._copy = premises.layout.root.parent / "copy of the ledger"
        self._trouble = trouble
        self._shown_when_copied = 0

    def morning(self, now: dt.datetime, attempt: Attempt) -> None:
        """Let one of them happen, or none. `attempt` polls and must stop."""
        if self._oracle.held and pick(self._rng, 0.4):
            self._release(now)
        shown = len(list(self._premises.layout.outbox.glob("*.manifest.json")))
        if self._copy.exists() and shown > self._shown_when_copied and pick(self._rng, 0.5):
            self._restore_old_ledger(now, attempt)
        elif not self._copy.exists() and pick(self._rng, 0.03 * self._trouble):
            shutil.copytree(self._premises.layout.ledger.parent, self._copy)
            self._shown_when_copied = shown
        elif pick(self._rng, 0.04 * self._trouble):
            self._flip_a_bit(now, attempt)

    def _release(self, now: dt.datetime) -> None:
        with open_store(self._premises.settings) as store:
            for (run_id,) in store.ledger.rows(
                "SELECT DISTINCT run_id FROM actions WHERE status = 'held' AND released_at IS NULL"
            ):
                decisions.release(store.ledger, run_id, by="Kari", reason="looked at", now=now)
        self._oracle.held = dict.fromkeys(self._oracle.held, True)
        self._figures.faults["(held rows released)"] += 1

    def _restore_old_ledger(self, now: dt.datetime, attempt: Attempt) -> None:
        ledger = self._premises.layout.ledger
        with_seal = pick(self._rng, 0.5)
        for path in self._copy.iterdir():
            if path.name == ledger.name or with_seal:
                shutil.copy2(path, ledger.parent / path.name)
        shutil.rmtree(self._copy)
        self._figures.faults["ledger: restored from an old copy"] += 1
        self._must_stop("ledger", attempt)
        self._must_be_found("ledger")
        self._recover(now)

    def _recover(self, now: dt.datetime) -> None:
        with open_store(self._premises.settings, allow_untrusted=True) as store:
            parts = (store.layout, store.ledger, store.outbox)
            recover(*parts, by="Ola", reason="as the runbook says", now=now)
            store.publish()

    def _flip_a_bit(self, now: dt.datetime, attempt: Attempt) -> None:
        where, path = self._something_stored()
        times, whole = path.stat(), path.read_bytes()
        place = self._rng.randrange(len(whole))
        wrong = bytes([whole[place] ^ 1 << self._rng.randrange(8)])
        _put(path, whole[:place] + wrong + whole[place + 1 :], times)
        self._figures.faults[f"a wrong bit: {where}"] += 1
        self._must_stop(path.name, attempt)
        self._must_be_found(path.name)
        if where == "outbox" and pick(self._rng, 0.5):
            self._recover(now)
        else:
            _put(path, whole, times)

    def _something_stored(self) -> tuple[str, Path]:
        layout = self._premises.layout
        files = {f"lake {table}": sorted(newest_in(layout.table(table)).values()) for table in _TABLES}
        files["outbox"] = sorted(layout.outbox.iterdir())[-90:]
        files["ledger"] = [layout.ledger]
        files["register"] = sorted(layout.snapshots.glob("*/*.parquet"), key=lambda path: path.stat().st_mtime)[-3:]
        where = self._rng.choice(sorted(name for name, found in files.items() if found))
        return where, self._rng.choice(files[where])

    def _must_stop(self, name: str, attempt: Attempt) -> None:
        error = attempt()
        if not isinstance(error, StoreError) or name not in str(error):
            self._figures.wrong.append(f"{name} was damaged, and the next poll did not stop by its name: {error}")

    def _must_be_found(self, name: str) -> None:
        try:
            with open_store(self._premises.settings, allow_untrusted=True) as store:
                found = [problem for part in inspect(store) for problem in part.problems]
        except StoreError as error:
            found = [str(error)]
        if not any(name in problem for problem in found):
            self._figures.wrong.append(f"{name} was damaged, and verify does not find it: {found}")


def _put(path: Path, content: bytes, times: os.stat_result) -> None:
    """Write a file and keep its times, as a failing disk does."""
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
