"""One seed, one bank, one year of polls with every kind of failure. Nothing may be lost, doubled, wrong or leaked.

The pipeline's own steps run over a real store in a folder. Clock, HTTP, file system faults, kills and ids are injected, so a
seed always gives the same year. After every poll the oracle gives the rows that the poll had to write.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from pathlib import Path
from typing import Final

from konkurs_pipeline.brreg.client import Konkursvarsel
from konkurs_pipeline.domain.workdays import Window
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.steps.erasure.erasure import erase, plan_erasure, terms_of
from konkurs_pipeline.steps.poll import Poll, conducted
from konkurs_pipeline.steps.sequence import run_steps
from konkurs_pipeline.storage.ledger.erasures import erased_uuids
from konkurs_pipeline.storage.store import Store, open_store
from tests.simulation import days
from tests.simulation.accounting import Accounting, Given
from tests.simulation.core_banking import StrictReceiver
from tests.simulation.disk import Disk, KilledError
from tests.simulation.figures import Figures
from tests.simulation.mishaps import Mishaps
from tests.simulation.oracle import Oracle
from tests.simulation.premises import LIMIT, LOOKBACK, Premises, Register
from tests.simulation.receipts import Receipts
from tests.simulation.service import FAULTS, Document, Service
from tests.simulation.world import World, pick

_WIDE: Final = 250
_KINDS_OF_STRIKE: Final = ("kill", "kill", "kill", "disk full", "input/output error")


class BankYear:
    """The simulation of one seed over `day_count` days in `folder`. `trouble`: a factor for the number of failures.

    `kept_days`: every night erases cases without a customer that ended so many days ago. None: no erasure.
    """

    def __init__(
        self, seed: int, folder: Path, day_count: int = 365, *, trouble: float = 1.0, kept_days: int | None = None
    ) -> None:
        self._seed, self._trouble = seed, trouble
        self._rng = random.Random(f"year {seed}")  # noqa: S311 -- repeatable
        self._first = days.workday_of(dt.date(2018 + seed % 12, 1 + seed % 11, 8))
        self._last = self._first + dt.timedelta(days=day_count - 1)
        self.figures = Figures(bank_years=day_count / 365)
        self._premises = Premises(folder, self._first, kept_days)
        self._world = World(seed, self._first, day_count)
        self._service = Service(self._world, days.at(self._first, 8), seed)
        self._client = self._service.client()
        self._disk = Disk()
        self.strict = StrictReceiver(self._premises.settings.outbox_dir)
        self._receipts = Receipts(self._premises.settings.receipts_dir, self.strict, self._rng)
        self._accounting = Accounting(self.figures, self._world, self.strict, Oracle(LIMIT))
        self._mishaps = Mishaps(self._premises, self._accounting.oracle, self._rng, self.figures, trouble)
        self._carried: dict[str, Document] = {}
        self._is_well, self._is_erasing = False, kept_days is not None
        self._usual_boundaries = 200
        self._register: Register = ((), ())

    def run(self, *, until_found: bool = False) -> Figures:
        """Simulate the year day by day, end with two healthy polls and a sweep; returns the figures.

        `until_found`: stop after the first day with a fault.
        """
        day = self._first
        while day <= self._last:
            self._live(day)
            day += dt.timedelta(days=1)
            if until_found and self.figures.failures():
                return self.figures
        for hour in (9, 10):
            self._poll(days.at(day, hour), is_healthy=True)
        self._poll(days.at(day, 11), wide=True, is_healthy=True)
        self._accounting.end(self._service.now)
        self.figures.faults += self._service.injected + self._disk.struck + self._receipts.written
        self.figures.notices = len(self._accounting.oracle.notices)
        self._premises.search_for_leaks(self._world, self.figures)
        self._premises.verify_kept(self._accounting.oracle.notices, self._world, self.figures)
        return self.figures

    # A day

    def _live(self, day: dt.date) -> None:
        self._world.go_on(self._accounting.blocked, day)
        if pick(self._rng, 0.02):
            self._world.come_many(day, 25)
        if self._is_well:
            self._mishaps.morning(self._service.now, self._attempt_that_must_stop)
        if days.is_workday(day):
            if pick(self._rng, 0.01):
                self.figures.faults["outage: a day without polls"] += 1
                return
            quarters = sorted(self._rng.sample(range(33), self._rng.randint(1, 3)))
            for quarter in quarters:
                self._poll(days.at(day, 8) + quarter * dt.timedelta(minutes=15))
        elif pick(self._rng, 0.5):
            self._poll(days.at(day, 11, 40))
        if day.weekday() == days.SUNDAY:
            self._sweep_wide(day)
        if self._is_well and self._is_erasing:
            self._erase()

    def _sweep_wide(self, day: dt.date) -> None:
        """Read a year again until such a poll succeeds. Only this finds the latest notices."""
        for attempt in range(4):
            if self._poll(days.at(day, 13, 10 + attempt), wide=True, is_healthy=attempt > 0):
                return

    # A night

    def _erase(self) -> None:
        """Erase by the rules, as every night. The next poll or night finishes an erasure after a kill."""
        now = self._service.now + dt.timedelta(hours=10)
        terms = terms_of(self._premises.settings)
        strike = ("kill", self._rng.randint(1, 40)) if pick(self._rng, 0.15 * self._trouble) else ("", None)
        try:
            with self._disk.during_poll(*strike), open_store(self._premises.settings) as store:
                store.verify()
                erase(store, plan_erasure(store, terms, now), by="the night", now=now)
                store.publish()
                store.discard_superseded()
        except (KonkursError, KilledError) as error:
            self._premises.messages.append(str(error))
            self.figures.faults["erasure: killed"] += 1
        with open_store(self._premises.settings, allow_untrusted=True) as store:
            self._accounting.forget(erased_uuids(store.ledger), now, terms.others)
            self.figures.faults["erasure: notices gone"] = len(erased_uuids(store.ledger))

    # A poll

    def _poll(self, now: dt.datetime, *, wide: bool = False, is_healthy: bool = False) -> bool:
        """Poll, perhaps with failures; returns whether the poll succeeded."""
        chance = self._service.begin(now)
        if pick(chance, 0.3):
            self._receipts.write_some()
        register = self._give_register(chance, is_healthy=is_healthy)
        strike = ("", None) if is_healthy else self._plan(chance)
        run_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._seed} {self._service.polls}"))
        error = self._attempt(run_id, wide=wide, strike=strike)
        self.figures.polls["good" if error is None else "killed" if isinstance(error, KilledError) else "failed"] += 1
        rejected = self._receipts.rejected()
        documents, window = self._carried | self._service.documents, self._window(wide)
        given = Given(self._service.items, documents, register, rejected, window, now)
        self._accounting.expect(run_id, given)
        decided = self._accounting.settle(is_good=error is None)
        self._check(run_id, given, decided, error)
        self._is_well = error is None
        if error is None:
            self._service.seen |= given.taken().keys()
            self._receipts.were_read()
            self._register = register
            self._usual_boundaries = max(50, self._disk.boundaries)
        self._carried = {} if error is None else self._carried | self._service.documents
        return error is None

    def _plan(self, chance: random.Random) -> tuple[str, int | None]:
        """Choose faults of the service, or a strike on the store; returns the strike."""
        service = self._service
        if pick(chance, 0.1 * self._trouble):
            service.list_fault = chance.choice(sorted(FAULTS))
        service.is_forgetful = pick(chance, 0.02 * self._trouble)
        service.page_size = chance.choice((None, None, None, 7, 50))
        # After a struck poll only the store knows what was stored, so the service must show everything again.
        if self._is_well:
            service.is_silent = pick(chance, 0.02 * self._trouble)
            service.dataset_fault_share = 0.4 if pick(chance, 0.15 * self._trouble) else 0.0
        if pick(chance, 0.15 * self._trouble):
            return chance.choice(_KINDS_OF_STRIKE), chance.randint(1, self._usual_boundaries)
        return "", None

    def _give_register(self, chance: random.Random, *, is_healthy: bool) -> Register:
        """Write the bank's register or a damaged one; returns the one that must be used."""
        if self._is_well and not is_healthy and pick(chance, 0.05 * self._trouble):
            self.figures.faults[f"register: {self._premises.damage_register(chance)}"] += 1
            return self._register
        return self._premises.write_register(self._world)

    def _attempt(
        self, run_id: str, *, wide: bool = False, strike: tuple[str, int | None] = ("", None)
    ) -> BaseException | None:
        """Run the job's steps; returns the poll's error, which must be one that a person can act on."""
        settings = self._premises.settings
        today = settings.calendar.workday_of(self._service.now)
        first = settings.calendar.back(today, _WIDE) if wide else today
        window = settings.calendar.window(first, today, lookback=LOOKBACK)
        try:
            with (
                self._disk.during_poll(*strike),
                open_store(settings) as store,
                conducted(poll := self._poll_of(run_id, window, store)),
            ):
                run_steps(poll)
        except (KonkursError, KilledError) as error:
            self._premises.messages.append(str(error))
            return error
        return None

    def _poll_of(self, run_id: str, window: Window, store: Store) -> Poll:
        def connect(_: Settings) -> Konkursvarsel:
            return self._client

        def reach(what: str, done: int, total: int | None) -> None:
            if (done, total) == (0, None):
                self._disk.reach(what)

        settings, now = self._premises.settings, lambda: self._service.now
        return Poll(run_id, window, settings, store, connect=connect, now=now, progress=reach)

    def _attempt_that_must_stop(self) -> BaseException | None:
        """Poll a damaged store. The poll must stop and hand over nothing."""
        self._service.begin(self._service.now + dt.timedelta(seconds=1))
        error = self._attempt(str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._seed} {self._service.polls}")))
        self.figures.polls["stopped"] += 1
        self._accounting.settle(is_good=False)
        self._is_well = False
        self._carried |= self._service.documents
        return error

    def _window(self, wide: bool) -> tuple[dt.datetime, dt.datetime]:  # noqa: FBT001 -- as the poll's
        today = days.workday_of(self._service.now.astimezone(days.OSLO).date())
        first = days.back(today, _WIDE, not_before=self._first) if wide else today
        read_from = days.back(first, LOOKBACK, not_before=self._first)
        return days.at(read_from, 0), days.at(days.next_workday(today), 0)

    def _check(self, run_id: str, given: Given, decided: set[str], error: BaseException | None) -> None:
        """Check that a poll that succeeded handed over a file, and one without the list did not."""
        if error is None and run_id not in decided:
            self.figures.lost.append(f"{run_id}: a poll came to its end and wrote no file")
        if self._service.list_fault and not given.items and run_id in decided:
            self.figures.wrong.append(
                f"{run_id}: the list could not be had ({self._service.list_fault}) and it decided"
            )
