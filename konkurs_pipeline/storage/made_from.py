"""What a lake table was made from, told by content, so that a step makes again only what can have become different.

Beside the months of a derived table stands a note with the hash of every month of its sources and of its own, and of
whatever else decides what is made: the settings and snapshot the step names, and this program's own rules. A step trusts
the table for the months whose sources still have those hashes, which this run has proven against the files' bytes. A
table that is not what the note says, other rules, or no note: the table is made whole, by the same code. So a note can
never be out of date, only useless: a killed run leaves the one before it, and what it did not finish is made again.

What does not belong here: how a table is made (steps/).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from konkurs_pipeline.storage.files import write_bytes_atomically
from konkurs_pipeline.storage.lake import Lake

# What decides the content of a derived table.
_RULES: Final = ("domain", "steps", "schemas")
_FORMAT: Final = "konkurs-made/1"


@dataclass(frozen=True)
class Derivation:
    """How a table is made: from the months of `sources`, and from what else `basis` tells apart."""

    lake: Lake
    table: str
    sources: Sequence[str]
    basis: Sequence[object]

    def stale_months(self) -> set[dt.date]:
        """Return the months of the sources whose rows the table may not reflect; raises `StoreError` when one is damaged."""
        now, noted = self._state(), self._noted()
        before = noted["sources"] if {**noted, "sources": now["sources"]} == now else {}
        months = {
            month
            for source, digests in now["sources"].items()
            for month in {*digests, *before.get(source, {})}
            if digests.get(month) != before.get(source, {}).get(month)
        }
        return {dt.date.fromisoformat(month) for month in months}

    def note(self) -> None:
        """Note that the table now reflects its sources as they are; raises `StoreError` where it cannot be written."""
        state = self._state()
        if state != self._noted():
            write_bytes_atomically(self.lake.note_path(self.table), json.dumps(state).encode())

    def _state(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "basis": [_digest_of_rules(), *map(str, self.basis)],
            "sources": {source: self._digests(source) for source in self.sources},
            "made": self._digests(self.table),
        }

    def _digests(self, table: str) -> dict[str, str]:
        return {month.isoformat(): digest for month, digest in self.lake.digests(table).items()}

    def _noted(self) -> dict[str, Any]:
        """Return the note; empty where there is none, or it cannot be read."""
        try:
            noted = json.loads(self.lake.note_path(self.table).read_bytes())
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) and isinstance(noted.get("sources"), dict) else {}


@cache
def _digest_of_rules() -> str:
    """Return the hash of the source of all rules, so that a new version of the program trusts nothing an old one made."""
    digest = hashlib.sha256()
    for part in _RULES:
        for file in sorted(resources.files(f"konkurs_pipeline.{part}").iterdir(), key=lambda file: file.name):
            if file.name.endswith(".py"):
                digest.update(f"{part}/{file.name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()
