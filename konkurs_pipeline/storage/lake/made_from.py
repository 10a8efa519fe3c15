"""Records from which content a lake table was made, so that a step makes again only the months that changed.

A note beside a derived table has the hash of each month of its sources and of the table, the hash of this program's
rules, and the other inputs that the step names (settings, the register snapshot). If a source's month has another hash
than the note, the step makes that month again. If the note is missing or unreadable, if the table differs from it, or if
the rules or other inputs changed, the step makes every month again.

A killed run leaves the old note, so the next run makes again what was not finished.

What does not belong here: how a table is made (steps/).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from pydantic import BaseModel

from konkurs_pipeline.storage.files import write_bytes_atomically
from konkurs_pipeline.storage.lake.tables import Lake

# What decides the content of a derived table.
_RULES: Final = ("domain", "steps", "schemas")
_FORMAT: Final = "konkurs-made/3"

# Month (ISO date of its first day) → hash of its file.
_Hashes = dict[str, str]


class _Note(BaseModel):
    """The note beside a derived table."""

    rules: list[str]
    sources: dict[str, _Hashes]
    made: _Hashes


@dataclass(frozen=True)
class Derivation:
    """How a table is made: from the months of `sources`, and from `other_inputs`."""

    lake: Lake
    table: str
    sources: Sequence[str]
    other_inputs: Sequence[object]

    def stale_months(self) -> frozenset[dt.date]:
        """Return the months to make again, each as its first day; raises `StoreError` if a file is damaged."""
        now, noted = self._now(), self._noted()
        if noted is None or (noted.rules, noted.made) != (now.rules, now.made):
            noted = _Note(rules=[], sources={}, made={})
        changed = {
            month
            for source, hashes in now.sources.items()
            for month in {*hashes, *noted.sources.get(source, {})}
            if hashes.get(month) != noted.sources.get(source, {}).get(month)
        }
        return frozenset(map(dt.date.fromisoformat, changed))

    def note(self) -> None:
        """Note that the table agrees with its present sources; raises `StoreError` if the note cannot be written."""
        now = self._now()
        if now != self._noted():
            write_bytes_atomically(self.lake.note_path(self.table), now.model_dump_json().encode())

    def _now(self) -> _Note:
        return _Note(
            rules=[_FORMAT, _digest_of_rules(), *map(str, self.other_inputs)],
            sources={source: _hashes(self.lake, source) for source in self.sources},
            made=_hashes(self.lake, self.table),
        )

    def _noted(self) -> _Note | None:
        """Return the note; null if there is none or it cannot be read."""
        try:
            return _Note.model_validate_json(self.lake.note_path(self.table).read_bytes())
        except (OSError, ValueError):
            return None


def _hashes(lake: Lake, table: str) -> _Hashes:
    return {month.isoformat(): digest for month, digest in lake.digests(table).items()}


@cache
def _digest_of_rules() -> str:
    """Return the hash of the source of all rules: a new version of the program makes every table again."""
    digest = hashlib.sha256()
    for part in _RULES:
        for file in _sources(resources.files(f"konkurs_pipeline.{part}")):
            digest.update(f"{part}/{file.name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _sources(folder: Traversable) -> Iterator[Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.name.endswith(".py"):
            yield entry
