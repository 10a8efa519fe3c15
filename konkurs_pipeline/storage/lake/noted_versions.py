"""The note of each lake month's newest version, for commands that read without the ledger.

If somebody puts back an older copy of a month, that copy is whole and lacks notices: a command that read it would answer
"no notice is known". What does not belong here: the ledger's own record (ledger/file_versions), which runs use.
"""

from __future__ import annotations

import json
from pathlib import Path

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.tables import LAKE
from konkurs_pipeline.storage.files import storage_errors, write_bytes_atomically
from konkurs_pipeline.storage.lake.versions import path_of, versions_in
from konkurs_pipeline.storage.ledger import file_versions
from konkurs_pipeline.storage.ledger.database import Ledger


def note_versions(path: Path, ledger: Ledger) -> None:
    """If the ledger's newest versions changed, write them: table → month → newest version."""
    known = {table: file_versions.known(ledger, table) for table in LAKE}
    noted = {table: {month: newest.version for month, newest in of.items()} for table, of in known.items()}
    if noted_versions(path) != noted:
        write_bytes_atomically(path, json.dumps(noted).encode())


def noted_versions(path: Path) -> dict[str, dict[str, int]]:
    """Return the note; empty if none was written yet, or it is damaged: the next run writes it again."""
    with storage_errors(f"reading {path}"):
        try:
            noted = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
    return noted if isinstance(noted, dict) else {}


def newest_of_all(folder: Path, noted: dict[str, int]) -> dict[str, Path]:
    """Return month → its newest file. Raises `StoreError` if a noted file is gone or only an older one is there."""
    standing = versions_in(folder)
    for month, version in noted.items():
        if version > max(standing.get(month, [0])):
            gone = path_of(folder, month, version)
            message = f"{gone} is gone, and an older version is not taken for it: see `konkurs verify`"
            raise StoreError(message)
    return {month: path_of(folder, month, versions[-1]) for month, versions in standing.items()}
