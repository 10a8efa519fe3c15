"""A receipts folder that nobody empties: what stands there unchanged is not read again, and nothing is missed."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from konkurs_pipeline.storage.handoff import receipts
from konkurs_pipeline.storage.handoff.receipts import read_receipts
from konkurs_pipeline.storage.ledger.database import Ledger

NOW: Final = dt.datetime(2018, 9, 3, 10, tzinfo=dt.UTC)
NAME: Final = "KONKURS_DEMO_demo_00000001_20180903T100000Z.receipt.json"


class Folder:
    """A receipts folder, and the names of what was read in it."""

    def __init__(self, path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self._ledger, self._read = path, ledger, list[str]()
        path.mkdir()
        really_read = receipts._read  # noqa: SLF001 -- what is counted

        def noted(file: Path) -> bytes:
            self._read.append(file.name)
            return really_read(file)

        monkeypatch.setattr(receipts, "_read", noted)

    def put(self, name: str, content: bytes) -> Path:
        path = self.path / name
        path.write_bytes(content)
        return path

    def read(self) -> list[str]:
        """Read the receipts as a run does; returns the names of those whose bytes were read."""
        self._read.clear()
        self.set_aside = read_receipts(self._ledger, self.path, NOW)
        return sorted(self._read)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger" / "ledger.duckdb")
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Folder:
    return Folder(tmp_path / "receipts", ledger, monkeypatch)


@pytest.fixture
def at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every file count as one that was written long ago."""
    monkeypatch.setattr(receipts, "_AT_REST_S", -3600)


@pytest.mark.usefixtures("at_rest")
def test_a_receipt_that_did_not_change_is_not_read_again(folder: Folder) -> None:
    folder.put(NAME, b"{")
    assert (folder.read(), len(folder.set_aside)) == ([NAME], 1)
    assert (folder.read(), folder.set_aside) == ([], [])


@pytest.mark.usefixtures("at_rest")
def test_a_new_receipt_is_read_and_not_those_beside_it(folder: Folder) -> None:
    folder.put(NAME, b"{")
    folder.read()
    folder.put(f"second_{NAME}", b"{")
    assert folder.read() == [f"second_{NAME}"]


@pytest.mark.usefixtures("at_rest")
def test_one_of_the_same_size_and_time_is_read_again(folder: Folder) -> None:
    path = folder.put(NAME, b"{")
    folder.read()
    before = path.stat()
    path.write_bytes(b"[")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (folder.read(), len(folder.set_aside)) == ([NAME], 1)


@pytest.mark.usefixtures("at_rest")
def test_one_that_is_put_in_its_place_is_read_again(folder: Folder) -> None:
    path = folder.put(NAME, b"{")
    folder.read()
    aside = folder.put("aside", b"[")
    aside.replace(path)
    assert folder.read() == [NAME]


def test_one_that_was_written_just_now_is_read_until_it_rests(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.put(NAME, b"{")
    assert folder.read() == [NAME]
    assert (folder.read(), folder.set_aside) == ([NAME], []), "its bytes are known, and told once"
    monkeypatch.setattr(receipts, "_AT_REST_S", -3600)
    assert folder.read() == [NAME]
    assert folder.read() == []


@pytest.mark.usefixtures("at_rest")
def test_one_that_cannot_be_read_is_tried_again(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.put(NAME, b"{")
    with monkeypatch.context() as failing:
        failing.setattr(Path, "read_bytes", lambda _: (_ for _ in ()).throw(OSError("I/O error")))
        assert folder.read() == [NAME]
    assert (folder.read(), len(folder.set_aside)) == ([NAME], 1)
    assert folder.read() == []


@pytest.mark.usefixtures("at_rest")
def test_what_is_gone_is_forgotten_and_read_when_it_comes_back(folder: Folder, ledger: Ledger) -> None:
    path = folder.put(NAME, b"{")
    folder.read()
    path.rename(folder.path / "elsewhere")
    assert folder.read() == []
    assert ledger.rows("SELECT * FROM receipts_seen") == []
    (folder.path / "elsewhere").rename(path)
    assert (folder.read(), folder.set_aside) == ([NAME], []), "its bytes are known"


@pytest.mark.usefixtures("at_rest")
def test_names_that_are_no_text_are_told_apart(folder: Folder) -> None:
    names = [os.fsdecode(b"\xff.receipt.json"), "\\xff.receipt.json", "æ.receipt.json"]
    for name in names:
        folder.put(name, b"{")
    assert len(folder.read()) == len(names)
    assert len(folder.set_aside) == len(names) - 1, "two have the same name in the ledger, and the same bytes"


def test_a_folder_that_cannot_be_looked_at_is_told_and_stops_no_poll(folder: Folder) -> None:
    folder.path.rmdir()
    folder.path.write_bytes(b"a file")
    assert folder.read() == []
    assert folder.set_aside == [f"receipts cannot be looked at: Not a directory {folder.path}"]


@pytest.mark.usefixtures("at_rest")
def test_what_points_nowhere_is_tried_again(folder: Folder) -> None:
    (folder.path / NAME).symlink_to(folder.path / "nowhere")
    assert folder.read() == [NAME]
    folder.put("nowhere", b"{")
    assert (folder.read(), len(folder.set_aside)) == ([NAME], 1)


def test_the_folder_is_made_for_core_banking_to_write_to(tmp_path: Path, ledger: Ledger) -> None:
    read_receipts(ledger, tmp_path / "new", NOW)
    assert oct((tmp_path / "new").stat().st_mode & 0o777) == "0o770"
