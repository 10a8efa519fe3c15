"""The outbox folder: files for core banking, rendered from the ledger, in sequence, each shown once and never changed.

The ledger has the bytes; this puts them where core banking looks. So a crash between the two is healed by the next run,
which renders the same bytes. A file that stands there with other bytes is damage: nothing is overwritten, the run stops.
Core banking may remove files it has taken; they are not written again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.files import (
    hash_of,
    make_private_folder,
    remove_leftovers,
    storage_errors,
    write_bytes_atomically,
)
from konkurs_pipeline.storage.ledger import Ledger
from konkurs_pipeline.storage.outbox_format import render_all

# Core banking reads as another user of the same group; the files hold no national identifier.
_OUTBOX_FILE_MODE: Final = 0o640
_OUTBOX_FOLDER_MODE: Final = 0o750


class Outbox:
    """The folder `KONKURS_OUTBOX_DIR`; of the files there, those of this bank and environment are ours."""

    def __init__(self, folder: Path, bank: str, environment: str) -> None:
        self.folder = folder
        self._prefix = f"KONKURS_{bank}_{environment}_"

    def prepare(self, ledger: Ledger) -> None:
        """Create the folder, and prove before anything is decided that it can be written and holds no file unknown to us.

        Raises `StoreError`. A file that the ledger does not know means that the ledger was restored from an old copy: going
        on would use its sequence number, and its actions, a second time.
        """
        make_private_folder(self.folder, mode=_OUTBOX_FOLDER_MODE)
        with storage_errors(f"writing to the outbox {self.folder}"):
            remove_leftovers(self.folder)
            probe = self.folder / ".writable.tmp"
            probe.write_bytes(b"")
            probe.unlink()
        strangers = self._strangers(ledger)
        if strangers:
            message = (
                f"{strangers[0]} is in the outbox and not in the ledger, so the ledger is older than the outbox: "
                "restore the newest copy of the ledger, or move the data folder away and start anew"
            )
            raise StoreError(message)

    def _strangers(self, ledger: Ledger) -> list[str]:
        known = {f"{name}.jsonl" for (name,) in ledger.rows("SELECT base_name FROM outbox_files")}
        return sorted(path.name for path in self.folder.glob(f"{self._prefix}*.jsonl") if path.name not in known)

    def show_pending(self, ledger: Ledger) -> list[str]:
        """Write every file the ledger has committed and not yet shown; returns their base names, in sequence.

        Raises `StoreError` when a file of that name stands there with other bytes, or the folder cannot be written.
        """
        shown = []
        for seq, base_name in ledger.rows("SELECT seq, base_name FROM outbox_pending ORDER BY seq"):
            self._show(base_name, _content(ledger, seq))
            ledger.execute("DELETE FROM outbox_pending WHERE seq = ?", [seq])
            shown.append(base_name)
        return shown

    def _show(self, base_name: str, jsonl: bytes) -> None:
        for name, content in render_all(base_name, jsonl).items():
            path = self.folder / name
            if not path.exists():
                write_bytes_atomically(path, content, mode=_OUTBOX_FILE_MODE)
            elif path.read_bytes() != content:
                message = f"{path} is not what the ledger says it is: move it away, find out who wrote it, run again"
                raise StoreError(message)

    def problems(self, ledger: Ledger, *, last: int | None = None) -> list[str]:
        """Hold the chain, the sequence and the files against the ledger; returns what is wrong, a line each.

        `last`: look at the newest so many files only; default: all.
        """
        receipts = {name for (name,) in ledger.rows("SELECT name FROM receipts WHERE outcome = 'taken'")}
        files = ledger.rows("SELECT seq, base_name, sha256, prev_sha256 FROM outbox_files ORDER BY seq")
        found: list[str] = []
        previous: str | None = None
        expected_seq = 1
        if last is not None and len(files) > last:
            (expected_seq, _, _, previous), files = files[-last], files[-last:]
        for seq, base_name, digest, before in files:
            if seq != expected_seq:
                found.append(f"the sequence has a gap: {expected_seq} is missing before {seq}")
            if before != previous:
                found.append(f"{base_name}: its prev_sha256 is not the hash of the file before it")
            found += self._file_problems(
                base_name, _content(ledger, seq), digest, is_taken=f"{base_name}.receipt.json" in receipts
            )
            previous, expected_seq = digest, seq + 1
        return found + [f"{name} is in the outbox and not in the ledger" for name in self._strangers(ledger)]

    def _file_problems(self, base_name: str, jsonl: bytes, digest: str, *, is_taken: bool) -> list[str]:
        if hash_of(jsonl) != digest:
            return [f"{base_name}: the ledger's bytes do not have the ledger's hash"]
        problems = []
        for name, content in render_all(base_name, jsonl).items():
            path = self.folder / name
            if not path.is_file() and not is_taken:
                problems.append(f"{name} is gone from the outbox, and no receipt says that core banking took it")
            elif path.is_file() and path.read_bytes() != content:
                problems.append(f"{name}: its bytes are not what was written")
        return problems


def _content(ledger: Ledger, seq: int) -> bytes:
    rows = ledger.rows("SELECT jsonl FROM outbox_content WHERE seq = ?", [seq])
    return bytes(rows[0][0]) if rows else b""
