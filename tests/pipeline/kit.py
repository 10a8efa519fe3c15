"""A bank for tests: its register files, a simulated Konkursvarsel over real HTTP, and whole polls without dagster.

A poll here has the same steps in the same order as the job, so a story of several days takes a fraction of a second.
Tests read core banking's rows from the files in the outbox, never from what a step returns.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import shutil
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from konkurs_pipeline.brreg.client import Konkursvarsel, connect
from konkurs_pipeline.brreg.simulator.app import Simulation
from konkurs_pipeline.brreg.simulator.clock import SteppedClock
from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, simulated_notice
from konkurs_pipeline.brreg.simulator.population import (
    random_account_no,
    random_orgnr,
    random_synthetic_fnr,
    seeded,
)
from konkurs_pipeline.clock import Clock, utc_now
from konkurs_pipeline.domain.workdays import OSLO, Window
from konkurs_pipeline.progress import Progress
from konkurs_pipeline.settings import Settings, load_settings
from konkurs_pipeline.steps.poll import Poll, conducted
from konkurs_pipeline.steps.sequence import run_steps
from konkurs_pipeline.storage.dataset_map import load_dataset_map
from konkurs_pipeline.storage.lake.versions import newest_in
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import Store, layout_of, open_store
from tests.contracts.validity import assert_valid_outbox_file

Record = dict[str, Any]
# A function that runs just before a step of a poll begins.
Hook = Callable[[], object]
# The steps of a poll in order, as a poll announces them, and what follows the last.
STEPS: Final = (
    "register",
    "raw notices",
    "expanded datasets",
    "debtors",
    "customer matches",
    "estates",
    "actions",
    "outbox",
)
THE_END: Final = "the end"

CUSTOMER_COLUMNS: Final = ("customer_ref", "national_id", "former_ids", "name")
ACCOUNT_COLUMNS: Final = ("account_no", "customer_ref", "relation", "is_blocked")
# Workdays of one week, for stories that do not use Brreg's own dates.
MONDAY: Final = dt.date(2018, 9, 3)
TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (MONDAY + dt.timedelta(days=n) for n in range(1, 5))


class KeptOpenClient(Konkursvarsel):
    """The client. It keeps its connection for the next poll, because connecting takes longer than a poll's requests."""

    def close(self) -> None:
        """Keep the connection."""

    def really_close(self) -> None:
        """Close the connection."""
        super().close()


class CrashError(BaseException):
    """Stands for the kill of a process: nothing may catch it."""


@dataclass(frozen=True)
class Polled:
    """How a poll ended, and what core banking got: the action rows and their file."""

    run_id: str
    outcome: str
    detail: str | None
    actions: list[Record]
    file: Path | None

    def of(self, kind: str) -> list[Record]:
        """Return the action rows of one kind."""
        return [action for action in self.actions if action["action"] == kind]

    def decided(self) -> list[tuple[str, str, str]]:
        """Return action, customer and reason of each row, in order."""
        return [(a["action"], a["customer_ref"], a["reason"]) for a in self.actions]


@dataclass
class Bank:
    """A bank, its register, and the service it polls. Files are written when a poll begins."""

    folder: Path
    url: str
    service: Simulation
    clock: SteppedClock
    client: Konkursvarsel
    extra: dict[str, str] = field(default_factory=dict)
    customers: list[tuple[str, str, str, str]] = field(default_factory=list)
    accounts: list[tuple[str, str, str, str]] | None = field(default_factory=list)
    notices: list[SimulatedNotice] = field(default_factory=list)
    polls: int = 0

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""
        environ = {
            "KONKURS_DATA_DIR": str(self.folder),
            "KONKURS_API_URL": self.url,
            "KONKURS_MAX_REGISTER_INVALID": "1",
            "KONKURS_MAX_REGISTER_SHRINK": "1",
            **self.extra,
        }
        return load_settings(environ, dotenv=self.folder / "no.env")

    @property
    def layout(self) -> Layout:
        """Where the bank's store is."""
        return layout_of(self.settings)

    # The register

    def customer(self, ref: str, national_id: str, *, former: str = "", name: str = "") -> str:
        """Add a customer with one account of its own; returns the account's number."""
        self.customers.append((ref, national_id, former, name))
        return self.account(ref)

    def account(self, ref: str, relation: str = "owner", is_blocked: str = "false") -> str:
        """Add an account; returns its number."""
        assert self.accounts is not None
        number = account_no(f"{ref} {len(self.accounts)}")
        self.accounts.append((number, ref, relation, is_blocked))
        return number

    def write_register(self) -> None:
        """Write the register files to the places of the settings if their content is new."""
        _write(self.settings.customers, csv_bytes(CUSTOMER_COLUMNS, self.customers))
        if self.accounts is not None:
            _write(self.settings.accounts, csv_bytes(ACCOUNT_COLUMNS, self.accounts))

    # The service

    def notice(  # noqa: PLR0913 -- the fields of a notice
        self,
        kind: str,
        debtor: str,
        day: dt.date = MONDAY,
        clock: str = "10:00",
        *,
        uid: str | None = None,
        ruling_date: dt.date | None = None,
        visible_from: dt.datetime | None = None,
        visible_until: dt.datetime | None = None,
        dataset: str | None = None,
    ) -> SimulatedNotice:
        """Add a notice to the service, registered on `day` at `clock` (Oslo)."""
        made = simulated_notice(
            uuid=uid or str(uuid.uuid5(uuid.NAMESPACE_URL, f"notice {len(self.notices)}")),
            type=kind,
            registered_at=oslo(day, clock),
            debtor_id=debtor,
            ruling_date=ruling_date or day,
            visible_from=visible_from,
            visible_until=visible_until,
            dataset=dataset,
        )
        self.serve([*self.notices, made])
        return made

    def serve(self, notices: Iterable[SimulatedNotice]) -> None:
        """Replace the notices of the service."""
        self.notices = list(notices)
        self.service.replace_notices(self.notices)

    def fail(self, *faults: Fault) -> None:
        """Replace the faults of the service; without arguments it is healthy again."""
        self.service.faults.replace(faults)

    def go_on_from(self, other: Bank) -> Bank:
        """Copy another bank's register, notices and store. That is faster than repeating its polls."""
        shutil.copytree(other.folder, self.folder, copy_function=shutil.copy2)
        self.extra = dict(other.extra)
        self.customers = list(other.customers)
        self.accounts = None if other.accounts is None else list(other.accounts)
        self.polls = other.polls
        self.serve(other.notices)
        return self

    # Polls

    def poll(  # noqa: PLR0913 -- options of a story, by name
        self,
        first: dt.date,
        last: dt.date | None = None,
        *,
        now: dt.datetime | None = None,
        clock: Clock = utc_now,
        before: Mapping[str, Hook] | None = None,
        run_id: str | None = None,
    ) -> Polled:
        """Poll the workdays `first` to `last` as the job does, with the service at the end of `last`.

        `before`: step → a function that runs when the step begins.
        """
        last = last or first
        self.clock.move_to(now or oslo(last, "23:59"))
        self.write_register()
        self.polls += 1
        run_id = run_id or f"run-{self.polls}"
        settings = self.settings
        window = settings.calendar.window(first, last, lookback=settings.lookback_workdays)
        shown = {path.name for path in self.shown()}
        hooks = before or {}

        def progress(what: str, done: int, total: int | None) -> None:
            if (done, total) == (0, None) and what in hooks:
                hooks[what]()

        with open_store(settings) as store:
            poll = self._poll_of(run_id, window, settings, store, clock, progress)
            with conducted(poll):
                run_steps(poll)
                progress(THE_END, 0, None)
        return self._polled(run_id, shown)

    def _poll_of(  # noqa: PLR0913, PLR0917 -- the parts of a poll
        self, run_id: str, window: Window, settings: Settings, store: Store, clock: Clock, progress: Progress
    ) -> Poll:
        # Another address than the simulator's is an unreachable service, which needs a client of its own.
        connects = (lambda _: self.client) if settings.api_url == self.url else connect
        fields = load_dataset_map(settings.dataset_map)
        return Poll(run_id, window, settings, store, connects, clock, fields, progress)

    def try_poll(self, first: dt.date, last: dt.date | None = None, **more: Any) -> BaseException | None:
        """Poll; return the error that it failed with."""
        try:
            self.poll(first, last, **more)
        except (Exception, CrashError) as error:  # noqa: BLE001 -- the error is the result
            return error
        return None

    def _polled(self, run_id: str, shown_before: Collection[str]) -> Polled:
        row = self.published("polls").filter(pl.col("run_id") == run_id).to_dicts()[0]
        new = [path for path in self.shown() if path.name not in shown_before]
        for path in new:
            assert_valid_outbox_file(path)
        actions = [record for path in new for record in records(path) if record["record"] == "A"]
        return Polled(run_id, row["outcome"], row["detail"], actions, new[-1] if new else None)

    # What core banking and analysts see

    def shown(self) -> list[Path]:
        """Return the .jsonl files with a manifest, which core banking reads."""
        manifests = sorted(self.settings.outbox_dir.glob("*.manifest.json"))
        return [path.with_name(path.name.replace(".manifest.json", ".jsonl")) for path in manifests]

    def all_actions(self) -> list[Record]:
        """Return every action row that core banking has ever got, in order."""
        return [record for path in self.shown() for record in records(path) if record["record"] == "A"]

    def lake_file(self, table: str, day: dt.date) -> Path:
        """Return the newest version of the file that holds a day of a lake table."""
        return newest_in(self.layout.table(table))[f"{day:%Y-%m}"]

    def published_file(self, table: str) -> Path:
        """Return the newest version of a published table's file."""
        return newest_in(self.layout.published)[table]

    def published(self, table: str) -> pl.DataFrame:
        """Return a table as analysts see it."""
        return Published(self.layout).read(table)

    def states(self) -> dict[str, str]:
        """Return opening uuid → state of its estate."""
        return dict(self.published("estates").select("opening_uuid", "state").iter_rows())

    def open_quarantine(self) -> list[str]:
        """Return the reasons of the open entries."""
        return self.published("quarantine").filter(pl.col("resolved_at").is_null())["reason"].sort().to_list()

    def store(self, *, allow_untrusted: bool = False) -> AbstractContextManager[Store]:
        """Open the store, as a command does; `allow_untrusted`: as `verify` and `recover` do."""
        return open_store(self.settings, allow_untrusted=allow_untrusted)


def account_no(name: str) -> str:
    """Return an invented account number, the same for the same name."""
    return random_account_no(seeded(f"account {name}"))


def company(name: str) -> str:
    """Return an invented company's orgnr, the same for the same name."""
    return random_orgnr(seeded(f"company {name}"), leading="6")


def person(name: str) -> str:
    """Return an invented person's fødselsnummer (month + 80), the same for the same name."""
    return random_synthetic_fnr(seeded(f"person {name}"))


def damaged(identifier: str) -> str:
    """Return the identifier with its last digit changed: it fails its check."""
    return identifier[:-1] + str((int(identifier[-1]) + 1) % 10)


def oslo(day: dt.date, clock: str) -> dt.datetime:
    """Return the instant (UTC) of a Norwegian date and time of day."""
    return dt.datetime.combine(day, dt.time.fromisoformat(clock), tzinfo=OSLO).astimezone(dt.UTC)


def records(path: Path) -> list[Record]:
    """Return the records of an outbox file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n")]


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a register file's bytes."""
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    return text.getvalue().encode()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_bytes() != content:
        # A bank replaces a file by renaming a new one.
        new = path.with_suffix(".new")
        new.write_bytes(content)
        new.replace(path)
