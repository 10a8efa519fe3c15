"""The files that are evidence of a case: whether each agrees with its hash now, and the command that checks it.

What does not belong here: checking the whole store (integrity, `konkurs verify`).
"""

from __future__ import annotations

import datetime as dt
import gzip
import shlex
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import polars as pl

from konkurs_pipeline.enquiries.times import oslo_text
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.files import hash_of
from konkurs_pipeline.storage.handoff.receipts_folder import MOST_BYTES, NoReceiptError, read_bytes
from konkurs_pipeline.storage.lake.tables import Lake
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.register.snapshots import Snapshots

_NOT_OURS: Final = "what it held of others"


class Agreement(StrEnum):
    """Whether a file agrees with its hash when the page is made."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_FOUND = "not_found"
    ERASED = "erased"


@dataclass(frozen=True)
class Proof:
    """One file: what it is evidence of, its path (relative if it lies in the data folder), and its hash as recorded.

    If others' data was erased from an answer, the hash is of what is kept, and `what` says so.

    `check`: the command whose output is the hash, run in the data folder.
    """

    what: str
    path: str
    sha256: str
    agreement: Agreement
    check: str


class FileVerifier:
    """Compares the files of one store with their hashes."""

    def __init__(self, layout: Layout, published: Published) -> None:
        self._layout = layout
        self._lake = Lake(layout)
        answers = published.read("answers").filter(pl.col("erased_at").is_not_null())
        rows = answers.select("sha256", "erased_at", "kept_sha256").iter_rows()
        self._erased: dict[str, tuple[dt.datetime, str | None]] = {digest: (at, kept) for digest, at, kept in rows}

    def answer(self, what: str, digest: str) -> Proof:
        """Compare a kept answer with the hash of the bytes received: the file is those bytes, packed."""
        erased_at, kept = self._erased.get(digest, (None, digest))
        if erased_at and kept != digest:
            what = (
                f"{what}; erased on {oslo_text(erased_at)}: {_NOT_OURS if kept else 'all of it'} (received: {digest})"
            )
        if kept is None:
            return Proof(what, self._shown(self._lake.answers.path(digest)), digest, Agreement.ERASED, "")
        digest, path = kept, self._lake.answers.path(kept)
        shown = self._shown(path)
        return Proof(what, shown, digest, _agreement(path, digest, _unpacked), f"zcat {shlex.quote(shown)} | sha256sum")

    def outbox_file(self, what: str, base_name: str, digest: str) -> Proof:
        """Compare a file for core banking with the hash that the ledger committed."""
        return self._plain(what, self._layout.outbox / f"{base_name}.jsonl", digest)

    def receipt(self, what: str, name: str, digest: str) -> Proof:
        """Compare a receipt with the hash of the bytes that were read."""
        path = self._layout.receipts / name
        shown = self._shown(path)
        # Another user writes to that folder: we follow no link and wait for no pipe.
        agreement = _agreement(path, digest, bytes, lambda path: read_bytes(path, MOST_BYTES))
        return Proof(what, shown, digest, agreement, f"sha256sum {shlex.quote(shown)}")

    def register(self, what: str, register_id: str) -> Iterable[Proof]:
        """Compare the tables of a register snapshot with their hashes; no proofs if it is no longer kept."""
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
