"""What a lake table was made from, told by content, so that a step makes again only what can have become different.

Beside the months of a derived table stands a note with the hash of every month of its sources and of its own, and of
whatever else decides what is made: the settings and snapshot the step names, and this program's own rules. A step trusts
the table for the months whose sources still have those hashes, which this run has proven against the files' bytes; of a
month that had it until this very run changed it, for all workdays but those it changed. A table that is not what the note
says, other rules, or no note: the table is made whole, by the same code. So a note can never be out of date, only useless: a
killed run leaves the one before it, and what it did not finish is made again.

What does not belong here: how a table is made (steps/).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from importlib import resources
from operator import or_
from typing import Final, Self

import polars as pl
from pydantic import BaseModel

from konkurs_pipeline.storage.files import write_bytes_atomically
from konkurs_pipeline.storage.lake.tables import Lake

# What decides the content of a derived table.
_RULES: Final = ("domain", "steps", "schemas")
_FORMAT: Final = "konkurs-made/2"


class Basis(BaseModel):
    """What something was made from: the rules and whatever else decides, and the hash of every month of its sources."""

    rules: list[str]
    months: dict[str, dict[str, str]]

    @classmethod
    def of(cls, lake: Lake, sources: Sequence[str], further: Sequence[object]) -> Self:
        """Return it as it is, proven by this run; raises `StoreError`, naming the file, when a source is damaged."""
        months = {source: _digests(lake, source) for source in sources}
        return cls(rules=[_FORMAT, _digest_of_rules(), *map(str, further)], months=months)

    def differing(self, before: Self | None, lake: Lake) -> dict[str, Stale]:
        """Return what of each source is not as `before`: all, where there is none or the rules are others."""
        old = before.months if before is not None and before.rules == self.rules else {}
        return {source: _stale(lake, source, digests, old.get(source, {})) for source, digests in self.months.items()}


@dataclass(frozen=True)
class Stale:
    """Rows that something made of them may not reflect: those of whole months, each its first day, and of workdays."""

    months: frozenset[dt.date] = frozenset()
    workdays: frozenset[dt.date] = frozenset()

    def __or__(self, other: Stale) -> Stale:
        """Return what is in either."""
        return Stale(self.months | other.months, self.workdays | other.workdays)

    @property
    def is_in(self) -> pl.Expr:
        """Whether a row, by its `workday`, is among them."""
        workday = pl.col("workday")
        return workday.dt.month_start().is_in(sorted(self.months)) | workday.is_in(sorted(self.workdays))

    def read(self, lake: Lake, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return these rows of a table of the lake; raises `StoreError`, naming the file, when one is damaged."""
        months = self.months | {day.replace(day=1) for day in self.workdays}
        rows = lake.read_months(table, months, columns=None if columns is None else list({*columns, "workday"}))
        return rows.filter(self.is_in).select(columns or pl.all())


def _stale(lake: Lake, source: str, now: Mapping[str, str], before: Mapping[str, str]) -> Stale:
    """Tell what differs: of a month that nobody but this run changed, the workdays that it changed."""
    months: set[dt.date] = set()
    workdays: set[dt.date] = set()
    for name in {name for name in {*now, *before} if now.get(name) != before.get(name)}:
        month = dt.date.fromisoformat(name)
        changed = lake.changed_since(source, month, before.get(name))
        if changed is None:
            months.add(month)
        else:
            workdays |= changed
    return Stale(frozenset(months), frozenset(workdays))


class _Note(BaseModel):
    """The note beside a derived table: what it was made from, and the hash of every month of its own."""

    basis: Basis
    made: dict[str, str]


@dataclass(frozen=True)
class Derivation:
    """How a table is made: from the months of `sources`, and from what else `further` tells apart."""

    lake: Lake
    table: str
    sources: Sequence[str]
    further: Sequence[object]

    def stale(self) -> Stale:
        """Return the rows of the sources that the table may not reflect; raises `StoreError` when a file is damaged."""
        now, noted = self._now(), self._noted()
        is_as_noted = noted is not None and noted.made == now.made
        differing = now.basis.differing(noted.basis if noted and is_as_noted else None, self.lake)
        return reduce(or_, differing.values(), Stale())

    def note(self) -> None:
        """Note that the table now reflects its sources as they are; raises `StoreError` where it cannot be written."""
        now = self._now()
        if now != self._noted():
            write_bytes_atomically(self.lake.note_path(self.table), now.model_dump_json().encode())

    def _now(self) -> _Note:
        return _Note(basis=Basis.of(self.lake, self.sources, self.further), made=_digests(self.lake, self.table))

    def _noted(self) -> _Note | None:
        """Return the note; null where there is none, or it cannot be read."""
        try:
            return _Note.model_validate_json(self.lake.note_path(self.table).read_bytes())
        except (OSError, ValueError):
            return None


def _digests(lake: Lake, table: str) -> dict[str, str]:
    return {month.isoformat(): digest for month, digest in lake.digests(table).items()}


@cache
def _digest_of_rules() -> str:
    """Return the hash of the source of all rules, so that a new version of the program trusts nothing an old one made."""
    digest = hashlib.sha256()
    for part in _RULES:
        for file in sorted(resources.files(f"konkurs_pipeline.{part}").iterdir(), key=lambda file: file.name):
            if file.name.endswith(".py"):
                digest.update(f"{part}/{file.name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()
