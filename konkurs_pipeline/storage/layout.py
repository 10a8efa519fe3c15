"""Where everything is: the folders and files under `KONKURS_DATA_DIR`. Other modules join only names within their own folder.

<data>/
  store.json            which environment and bank the folder belongs to
  lock                  held by the process that writes
  register/             the bank's files (given, not written)
  lake/<table>/<year-month>.<version>.parquet
  lake/<table>/_made_from.json           of a derived table: from which content it was made
  lake/answers/<2>/<sha256>.json.gz      every answer, as received
  lake/register/<id>/   accepted register snapshots
  ledger/ledger.duckdb  decisions, outbox, receipts, polls: only the pipeline opens it
  published/<table>.<version>.parquet    what the ledger shows to others; of a long table also <table>-0001, …
  konkurs.duckdb        views over lake and published, for analysts
  outbox/, receipts/    hand-off to and from core banking
  dagster/              Dagster's instance
  simulator/            the simulator's certificates (demo)
  look                  the last look that did not show a notice, until the poll that it started has kept it
  publishing/           a copy while `konkurs publish` builds it
  rehearsal/            a copy of the store while `konkurs plan` runs
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The paths under one data folder."""

    root: Path
    outbox: Path
    receipts: Path

    @property
    def marker(self) -> Path:
        """Which environment and bank the folder belongs to."""
        return self.root / "store.json"

    @property
    def lock(self) -> Path:
        """The file that the writing process holds locked."""
        return self.root / "lock"

    @property
    def lake(self) -> Path:
        """The Parquet tables, one folder each."""
        return self.root / "lake"

    def table(self, name: str) -> Path:
        """Return the folder of a lake table."""
        return self.lake / name

    def made_from(self, table: str) -> Path:
        """Return the note of what a lake table was made from."""
        return self.table(table) / "_made_from.json"

    @property
    def answers(self) -> Path:
        """Every answer of the service, as received, named by its hash."""
        return self.lake / "answers"

    @property
    def snapshots(self) -> Path:
        """The accepted register snapshots."""
        return self.lake / "register"

    @property
    def ledger(self) -> Path:
        """The transactional database that only the pipeline opens."""
        return self.root / "ledger" / "ledger.duckdb"

    @property
    def published(self) -> Path:
        """What the ledger shows to others, one Parquet file a table."""
        return self.root / "published"

    @property
    def lake_versions(self) -> Path:
        """Which version of each month of the lake was the newest when a run last published."""
        return self.published / "lake.json"

    @property
    def analyst_database(self) -> Path:
        """The views, for analysts."""
        return self.root / "konkurs.duckdb"

    @property
    def control_requests(self) -> Path:
        """The journal of trustees' requests."""
        return self.root / "control_requests.jsonl"

    @property
    def dagster(self) -> Path:
        """Dagster's instance, unless DAGSTER_HOME says otherwise."""
        return self.root / "dagster"

    @property
    def look(self) -> Path:
        """The last look that did not show a notice, until the poll that it started has kept it."""
        return self.root / "look"

    @property
    def rehearsal(self) -> Path:
        """A copy of the store, for as long as a plan is made on it."""
        return self.root / "rehearsal"

    @property
    def reports(self) -> Path:
        """The monthly reports."""
        return self.root / "reports"

    @property
    def publishing(self) -> Path:
        """Where `konkurs publish` builds a copy."""
        return self.root / "publishing"

    @property
    def simulator(self) -> Path:
        """The simulator's certificates."""
        return self.root / "simulator"
