"""The files that prove a case, each held against its hash now, with the command that anybody may check it with.

What belongs here: which files, and whether they are found and agree at this moment. What does not: the whole store
(integrity, `konkurs verify`).
"""

from __future__ import annotations

import gzip
import shlex
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.files import hash_of
from konkurs_pipeline.storage.handoff.receipts_folder import MOST_BYTES, NoReceiptError, read_bytes
from konkurs_pipeline.storage.lake.tables import Lake
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.snapshots import Snapshots


class Agreement(StrEnum):
    """How a file stands to its hash at the moment of the page."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_FOUND = "not_found"


@dataclass(frozen=True)
class Proof:
    """One file: what it proves, where it is (from the data folder, where it lies there), and its hash as recorded then.

    `check`: the command whose output is the hash, run in the data folder.
    """

    what: str
    path: str
    sha256: str
    agreement: Agreement
    check: str


class Prover:
    """Holds the files of one store against their hashes."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lake = Lake(layout)

    def answer(self, what: str, digest: str) -> Proof:
        """Hold a kept answer against the hash of the bytes received: the file is those bytes, packed."""
        path = self._lake.answers.path(digest)
        shown = self._shown(path)
        return Proof(what, shown, digest, _agreement(path, digest, _unpacked), f"zcat {shlex.quote(shown)} | sha256sum")

    def outbox_file(self, what: str, base_name: str, digest: str) -> Proof:
        """Hold a file for core banking against the hash that the ledger committed."""
        return self._plain(what, self._layout.outbox / f"{base_name}.jsonl", digest)

    def receipt(self, what: str, name: str, digest: str) -> Proof:
        """Hold a receipt against the hash of the bytes that were read."""
        path = self._layout.receipts / name
        shown = self._shown(path)
        # Another user writes to that folder: no link is followed, no pipe waited for.
        agreement = _agreement(path, digest, bytes, lambda path: read_bytes(path, MOST_BYTES))
        return Proof(what, shown, digest, agreement, f"sha256sum {shlex.quote(shown)}")

    def register(self, what: str, register_id: str) -> Iterable[Proof]:
        """Hold the tables of a register snapshot against their hashes; nothing where it is no longer kept."""
        try:
            snapshot = Snapshots(self._layout.snapshots).find(register_id)
        except StoreError:
            return
        if snapshot is not None:
            for name, digest in sorted(snapshot.tables_sha256.items()):
                yield self._plain(what, snapshot.folder / name, digest)

    def _plain(self, what: str, path: Path, digest: str) -> Proof:
        shown = self._shown(path)
        return Proof(what, shown, digest, _agreement(path, digest, bytes), f"sha256sum {shlex.quote(shown)}")

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self._layout.root)) if path.is_relative_to(self._layout.root) else str(path)


def _unpacked(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return b""


def _agreement(
    path: Path, digest: str, read: Callable[[bytes], bytes], bytes_of: Callable[[Path], bytes] = Path.read_bytes
) -> Agreement:
    try:
        content = bytes_of(path)
    except (OSError, NoReceiptError):
        return Agreement.NOT_FOUND
    return Agreement.AGREES if hash_of(read(content)) == digest else Agreement.DIFFERS
