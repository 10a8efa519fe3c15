"""The ledger's record of the files that readers open: the newest version of each, and its hash.

A file's own hash shows that it is whole. Only the ledger knows whether it is the newest: an older copy that somebody put
back is whole too.
"""

from __future__ import annotations

from dataclasses import dataclass

from konkurs_pipeline.storage.ledger.database import Ledger


@dataclass(frozen=True)
class FileVersion:
    """The newest version of a file: its number, the hash of its bytes, and how many rows it has.

    `fingerprint`: changes with the rows it was made of; null: not recorded.
    """

    version: int
    sha256: str
    row_count: int
    fingerprint: str | None = None


def known(ledger: Ledger, folder: str) -> dict[str, FileVersion]:
    """Return part → newest version, of the files in a folder: a lake table, or `published`."""
    rows = ledger.rows(
        "SELECT part, version, sha256, row_count, fingerprint FROM file_versions WHERE folder = ? ORDER BY part",
        [folder],
    )
    return {part: FileVersion(*row) for part, *row in rows}


def note(ledger: Ledger, folder: str, part: str, newest: FileVersion) -> None:
    """Record a version as the newest, in one statement: when this returns, the record is on disk."""
    ledger.execute(
        "INSERT OR REPLACE INTO file_versions VALUES (?, ?, ?, ?, ?, ?)",
        [folder, part, newest.version, newest.sha256, newest.row_count, newest.fingerprint],
    )


def forget(ledger: Ledger, folder: str, part: str) -> None:
    """Forget a file that is gone and will be made again."""
    ledger.execute("DELETE FROM file_versions WHERE folder = ? AND part = ?", [folder, part])
