"""The outbox folder: files for core banking, rendered from the ledger, in sequence, each shown once and never changed.

The ledger has the bytes; the outbox puts them where core banking reads. After a crash between the two, the next run
writes the same bytes. If a file in the folder has other bytes, it is damaged: the run stops and overwrites nothing. Core
banking may remove files it has taken: they are not written again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.files import (
    hash_if_file,
    hash_of,
    make_private_folder,
    names_in,
    remove_leftovers,
    storage_errors,
    write_bytes_atomically,
)
from konkurs_pipeline.storage.handoff.outbox_format import is_whole, manifest_name, render_all
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.ledger.folders_left import is_as_left, note_left

# Core banking reads as another user of the same group; the files hold no national identifier.
_OUTBOX_FILE_MODE: Final = 0o640
_OUTBOX_FOLDER_MODE: Final = 0o750
# About a month of polls. `konkurs verify` checks them all; core banking has long read older ones.
_VERIFIED_BY_A_RUN: Final = 1000
_SHOWN: Final = (
    "SELECT base_name, jsonl FROM outbox_files JOIN outbox_content USING (seq) "
    "WHERE seq NOT IN (SELECT seq FROM outbox_pending) ORDER BY seq"
)
_PENDING: Final = "SELECT seq, base_name, jsonl FROM outbox_pending JOIN outbox_content USING (seq) ORDER BY seq"
_FILES: Final = (
    "SELECT seq, base_name, sha256, prev_sha256, jsonl, manifest FROM outbox_files LEFT JOIN outbox_content USING (seq) "
    "WHERE seq >= ? ORDER BY seq"
)
_JSONL_SUFFIX: Final = ".jsonl"
# As docs/outbox.md names receipts.
RECEIPT_SUFFIX: Final = ".receipt.json"
_TAKEN: Final = "SELECT name FROM receipts WHERE outcome = 'taken'"


class Outbox:
    """The folder `KONKURS_OUTBOX_DIR`. Ours are the files of this bank and environment."""

    def __init__(self, folder: Path, bank: str, environment: str) -> None:
        self.folder = folder
        self._prefix = f"KONKURS_{bank}_{environment}_"

    def prepare(self, ledger: Ledger) -> None:
        """Create the folder; verify before any decision that it can be written and that its newest files are as written.

        Raises `StoreError`, naming the file, if one is damaged: core banking may still read it.
        """
        make_private_folder(self.folder, mode=_OUTBOX_FOLDER_MODE)
        with storage_errors(f"writing to the outbox {self.folder}"):
            if not is_as_left(ledger, self.folder):
                remove_leftovers(self.folder)
            probe = self.folder / ".writable.tmp"
            probe.write_bytes(b"")
            probe.unlink()
        damaged = self.problems(ledger, last=_VERIFIED_BY_A_RUN, gone_is_wrong=False)
        if damaged:
            message = (
                f"the outbox {self.folder} is not as it was left: {damaged[0]}. Nothing was decided. Find out who "
                "changed it, and whether core banking read it; `konkurs recover` writes it again as it was"
            )
            raise StoreError(message)

    def base_names(self) -> list[str]:
        """Return the names, without ending, of the files of this bank and environment in the folder.

        Raises `StoreError` if it cannot be read.
        """
        with storage_errors(f"looking at the outbox {self.folder}"):
            names = names_in(self.folder)
        ours = [name for name in names if name.endswith(_JSONL_SUFFIX) and name.startswith(self._prefix)]
        return sorted(name.removesuffix(_JSONL_SUFFIX) for name in ours)

    def jsonl_of(self, base_name: str) -> bytes:
        """Return the bytes of a file in the folder; raises `StoreError` if it is gone or not whole."""
        path = self.folder / f"{base_name}.jsonl"
        try:
            jsonl = path.read_bytes()
        except OSError:
            jsonl = b""
        if not is_whole(jsonl):
            message = f"{path} is gone or damaged: put back what core banking was shown"
            raise StoreError(message)
        return jsonl

    def show_pending(self, ledger: Ledger) -> list[str]:
        """Write every file that the ledger has committed and not yet shown; returns their base names, in sequence.

        Raises `StoreError` if the folder has a file of that name with other bytes, or cannot be written.
        """
        shown = []
        for seq, base_name, jsonl in ledger.rows(_PENDING):
            self._show(base_name, bytes(jsonl))
            ledger.execute("DELETE FROM outbox_pending WHERE seq = ?", [seq])
            shown.append(base_name)
        if shown:
            note_left(ledger, self.folder)
        return shown

    def _show(self, base_name: str, jsonl: bytes) -> None:
        for name, content in render_all(base_name, jsonl).items():
            path = self.folder / name
            if not path.exists():
                write_bytes_atomically(path, content, mode=_OUTBOX_FILE_MODE)
            elif path.read_bytes() != content:
                message = f"{path} is not what the ledger says it is: move it away, find out who wrote it, run again"
                raise StoreError(message)

    def mend(self, ledger: Ledger) -> list[str]:
        """Write each file again whose bytes are not the ledger's; returns their names."""
        mended = []
        for base_name, jsonl in ledger.rows(_SHOWN):
            for name, content in render_all(base_name, bytes(jsonl)).items():
                path = self.folder / name
                if path.is_file() and path.read_bytes() != content:
                    write_bytes_atomically(path, content, mode=_OUTBOX_FILE_MODE)
                    mended.append(name)
        return mended

    def problems(
        self, ledger: Ledger, *, last: int | None = None, gone_is_wrong: bool = True, in_ledger_only: bool = False
    ) -> list[str]:
        """Compare the chain, the sequence and the files with the ledger; returns what is wrong, a line each.

        `last`: check only so many of the newest files, each against the hashes in the ledger's manifest;
        default: check all, each rendered again. Files that wait to be shown may be absent.
        `in_ledger_only`: check the ledger's own chain and bytes, not the folder.
        """
        excused = _that_may_be_gone(ledger) if gone_is_wrong else set[str]()
        ((newest,),) = ledger.rows("SELECT coalesce(max(seq), 0) FROM outbox_files")
        first = 1 if last is None else max(1, newest - last + 1)
        found: list[str] = []
        before_it = ledger.rows("SELECT sha256 FROM outbox_files WHERE seq = ?", [first - 1])
        previous, expected_seq = before_it[0][0] if before_it else None, first
        for seq, base_name, digest, before, jsonl, manifest in ledger.rows(_FILES, [first]):
            if seq != expected_seq:
                found.append(f"the sequence has a gap: {expected_seq} is missing before {seq}")
            if before != previous:
                found.append(f"{base_name}: its prev_sha256 is not the hash of the file before it")
            may_be_gone = base_name in excused or not gone_is_wrong
            if hash_of(bytes(jsonl or b"")) != digest:
                found.append(f"{base_name}: the ledger's bytes do not have the ledger's hash")
            elif not in_ledger_only:
                is_rendered = last is None or manifest is None
                expected = (
                    _rendered(base_name, bytes(jsonl)) if is_rendered else _manifested(base_name, bytes(manifest))
                )
                found += self._file_problems(expected, may_be_gone=may_be_gone)
            previous, expected_seq = digest, seq + 1
        return found

    def _file_problems(self, expected: Mapping[str, str], *, may_be_gone: bool) -> list[str]:
        problems = []
        for name, digest in expected.items():
            found = hash_if_file(f"{self.folder}/{name}")
            if found is None and not may_be_gone:
                problems.append(f"{name} is gone from the outbox, and no receipt says that core banking took it")
            elif found not in {None, digest}:
                problems.append(f"{name}: its bytes are not what was written")
        return problems


def _that_may_be_gone(ledger: Ledger) -> set[str]:
    """Return the base names of the files that wait to be shown, and of those that core banking took."""
    pending = {name for (name,) in ledger.rows("SELECT base_name FROM outbox_pending")}
    return pending | {name.removesuffix(RECEIPT_SUFFIX) for (name,) in ledger.rows(_TAKEN)}


def _rendered(base_name: str, jsonl: bytes) -> dict[str, str]:
    """Return file name → hash, of the files as they are rendered from the .jsonl."""
    return {name: hash_of(content) for name, content in render_all(base_name, jsonl).items()}


def _manifested(base_name: str, manifest: bytes) -> dict[str, str]:
    """Return file name → hash, as the manifest has them, and of the manifest itself."""
    hashes = {file["name"]: file["sha256"] for file in json.loads(manifest)["files"]}
    return {**hashes, manifest_name(base_name): hash_of(manifest)}
