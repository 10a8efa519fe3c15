"""A receipts folder that nobody empties: unchanged receipts are not read again, and no change is missed."""

from __future__ import annotations

import datetime as dt
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from konkurs_pipeline.storage.handoff import receipts, receipts_folder, settled_receipts
from konkurs_pipeline.storage.handoff.outbox import RECEIPT_SUFFIX
from konkurs_pipeline.storage.handoff.receipts import read_receipts
from konkurs_pipeline.storage.ledger.database import Ledger

NOW: Final = dt.datetime(2018, 9, 3, 10, tzinfo=dt.UTC)
NAME: Final = "KONKURS_DEMO_demo_00000001_20180903T100000Z.receipt.json"


class Folder:
    """A receipts folder, and the names of the files that were read."""

    def __init__(self, path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self._ledger, self._read = path, ledger, list[str]()
        path.mkdir()
        really_read = receipts._read  # noqa: SLF001 -- the counted function

        def noted(file: Path, limit: int) -> bytes:
            self._read.append(file.name)
            return really_read(file, limit)

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
    """Make every file count as written long ago."""
    monkeypatch.setattr(receipts_folder, "_AT_REST_S", -3600)


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
def test_a_receipt_written_again_with_the_same_size_and_time_is_read_again(folder: Folder) -> None:
    path = folder.put(NAME, b"{")
    folder.read()
    before = path.stat()
    path.write_bytes(b"[")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (folder.read(), len(folder.set_aside)) == ([NAME], 1)


@pytest.mark.usefixtures("at_rest")
def test_a_receipt_that_replaces_another_is_read(folder: Folder) -> None:
    path = folder.put(NAME, b"{")
    folder.read()
    aside = folder.put("aside", b"[")
    aside.replace(path)
    assert folder.read() == [NAME]


def test_a_receipt_written_just_now_is_read_until_it_rests(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.put(NAME, b"{")
    assert folder.read() == [NAME]
    assert (folder.read(), folder.set_aside) == ([NAME], []), "its bytes are known and it is reported once"
    monkeypatch.setattr(receipts_folder, "_AT_REST_S", -3600)
    assert folder.read() == [NAME]
    assert folder.read() == []


@pytest.mark.usefixtures("at_rest")
def test_an_unreadable_receipt_is_tried_again(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.put(NAME, b"{")
    with monkeypatch.context() as failing:
        failing.setattr(receipts, "_read", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "I/O error")))
        folder.read()
        assert folder.set_aside == [f"receipt set aside: {NAME}: it cannot be read: I/O error"]
        folder.read()
        assert folder.set_aside == [], "it is reported once"
    assert (folder.read(), len(folder.set_aside)) == ([NAME], 1)
    assert folder.read() == []


@pytest.mark.usefixtures("at_rest")
def test_a_removed_receipt_is_forgotten_and_read_when_it_comes_back(folder: Folder, ledger: Ledger) -> None:
    path = folder.put(NAME, b"{")
    folder.read()
    path.rename(folder.path / "elsewhere")
    assert folder.read() == []
    assert ledger.rows("SELECT * FROM receipts_seen") == []
    (folder.path / "elsewhere").rename(path)
    assert (folder.read(), folder.set_aside) == ([NAME], []), "its bytes are known"


@pytest.mark.usefixtures("at_rest")
def test_names_that_are_not_text_are_distinguished(folder: Folder) -> None:
    names = [os.fsdecode(b"\xff.receipt.json"), "\\xff.receipt.json", "æ.receipt.json"]
    for name in names:
        folder.put(name, b"{")
    assert len(folder.read()) == len(names)
    assert len(folder.set_aside) == len(names) - 1, "two have the same name in the ledger, and the same bytes"


def test_an_unreadable_folder_is_reported_and_stops_no_poll(folder: Folder) -> None:
    folder.path.rmdir()
    folder.path.write_bytes(b"a file")
    assert folder.read() == []
    assert folder.set_aside == [f"receipts cannot be read: Not a directory {folder.path}"]


def test_a_folder_that_cannot_be_made_is_reported_and_stops_no_poll(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "a file").write_bytes(b"")
    (reason,) = read_receipts(ledger, tmp_path / "a file" / "receipts", NOW)
    assert reason.startswith("receipts cannot be read: creating the folder")


@pytest.mark.usefixtures("at_rest")
def test_no_link_is_ever_followed(folder: Folder) -> None:
    folder.put("elsewhere", b"{")
    (folder.path / NAME).symlink_to(folder.path / "elsewhere")
    (folder.path / f"second_{NAME}").symlink_to("/")
    folder.read()
    assert len(folder.set_aside) == 2
    assert all("it is a link" in reason for reason in folder.set_aside)
    assert (folder.read(), folder.set_aside) == ([], []), "it is reported once and not read again"


@pytest.mark.parametrize("sign", ["\x1b[2J", "\x07", "\u202e", "\n", "\u2028", "\r"], ids=ascii)
def test_a_name_that_would_write_on_a_terminal_is_escaped_everywhere(folder: Folder, ledger: Ledger, sign: str) -> None:
    folder.put(f"a{sign}b.receipt.json", b"{")
    folder.read()
    ((name,),) = ledger.rows("SELECT name FROM receipts")
    assert name.isprintable()
    assert all(reason.isprintable() for reason in folder.set_aside)
    assert (folder.read(), folder.set_aside) == ([f"a{sign}b.receipt.json"], []), "it is known by its escaped name"


@pytest.mark.usefixtures("at_rest")
def test_a_receipt_that_needs_a_person_is_marked_when_it_is_gone_and_when_it_comes_back(
    folder: Folder, ledger: Ledger
) -> None:
    path = folder.put(NAME, b"{")
    folder.read()
    assert ledger.rows("SELECT gone_at FROM receipts") == [(None,)]
    path.unlink()
    folder.read()
    assert ledger.rows("SELECT gone_at FROM receipts") == [(NOW,)]
    folder.put(NAME, b"{")
    folder.read()
    assert ledger.rows("SELECT gone_at FROM receipts") == [(None,)]


# Receipts that are too large for the memory


def test_a_receipt_larger_than_its_outbox_file_allows_is_not_read(folder: Folder) -> None:
    folder.put(NAME, b'{"actions":[' + b"{}," * (20 * 1024 * 1024) + b"{}]}")
    (_, reason) = folder.read(), folder.set_aside[0]
    assert "it has 62914" in reason
    assert "expected: 1048576 at most" in reason


def test_a_receipt_that_killed_a_run_is_reported_and_not_read_again(
    folder: Folder, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.put(NAME, b'{"code":"' + b"x" * receipts._LEAST_LIMIT + b'"}')  # noqa: SLF001 -- the mark of a reading under way
    monkeypatch.setattr(receipts, "_LEAST_LIMIT", 2 * receipts._LEAST_LIMIT)  # noqa: SLF001
    with monkeypatch.context() as dying:
        dying.setattr(receipts, "parse_receipt", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            folder.read()
        assert ledger.rows("SELECT outcome FROM receipts") == [("reading",)]
        folder.read()
        assert "a run ended while it read this receipt" in folder.set_aside[0]
    old = path.stat()
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns + 1))
    folder.read()
    assert "cannot be read as a receipt" in folder.set_aside[0], "a new copy is read"
    assert ledger.rows("SELECT outcome FROM receipts") == [("set_aside",)]


def test_the_next_run_reads_a_small_receipt_of_a_killed_run(
    folder: Folder, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.put(NAME, b"{")
    with monkeypatch.context() as dying:
        dying.setattr(receipts, "parse_receipt", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            folder.read()
    assert ledger.rows("SELECT * FROM receipts") == []
    folder.read()
    assert "cannot be read as a receipt" in folder.set_aside[0]


def test_the_folder_is_made_for_core_banking_to_write_to(tmp_path: Path, ledger: Ledger) -> None:
    read_receipts(ledger, tmp_path / "new", NOW)
    assert oct((tmp_path / "new").stat().st_mode & 0o777) == "0o770"


@pytest.fixture
def two_are_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the newest two receipts at every run, instead of a thousand."""
    monkeypatch.setattr(settled_receipts, "_ALWAYS_LOOKED_AT", 2)


def _numbered(number: int) -> str:
    return NAME.replace("00000001", f"{number:08}")


class LongFolder:
    """Five receipts that a day's first run read. The outbox file of the second has an action."""

    def __init__(self, folder: Folder, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._ledger = folder, ledger
        with_action = (2, _numbered(2).removesuffix(RECEIPT_SUFFIX), 1)
        values = "(?, NULL, ?, NULL, NULL, NULL, NULL, ?)"
        columns = "(seq, file_id, base_name, created_at, run_id, sha256, prev_sha256, action_count)"
        ledger.execute(f"INSERT INTO outbox_files {columns} VALUES {values}", with_action)  # noqa: S608 -- own
        for number in range(1, 6):
            folder.put(_numbered(number), b"{")
        self.looked_at = list[str]()
        really = receipts_folder.versions_of

        def noted(path: Path, names: Iterable[str]) -> dict[str, str | None]:
            self.looked_at = list(names)
            return really(path, self.looked_at)

        monkeypatch.setattr(receipts, "versions_of", noted)

    def look(self) -> list[int]:
        """Read the receipts as a run does; returns the numbers of the checked ones."""
        self._folder.read()
        return sorted(int(name.split("_")[3]) for name in self.looked_at)


@pytest.fixture
def long(folder: Folder, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> LongFolder:
    made = LongFolder(folder, ledger, monkeypatch)
    assert made.look() == [1, 2, 3, 4, 5]
    return made


@pytest.mark.usefixtures("at_rest", "two_are_new")
def test_after_the_first_run_of_a_day_old_receipts_without_an_action_are_not_checked(long: LongFolder) -> None:
    assert long.look() == [2, 4, 5]


@pytest.mark.usefixtures("at_rest", "two_are_new", "long")
@pytest.mark.parametrize("number", [2, 4])
def test_a_changed_receipt_is_read_if_it_is_new_or_has_an_action(folder: Folder, number: int) -> None:
    folder.put(_numbered(number), b"[ ")
    assert folder.read() == [_numbered(number)]


@pytest.mark.usefixtures("at_rest", "two_are_new", "long")
def test_a_new_name_among_the_old_is_read(folder: Folder) -> None:
    for strange in (f"KONKURS_DEMO_demo_{name}.receipt.json" for name in ("00000000", "00000001x", "00000002x")):
        folder.put(strange, b"{")
        assert folder.read() == [strange]


@pytest.mark.usefixtures("at_rest", "two_are_new", "long")
def test_a_new_name_after_all_others_is_read(folder: Folder) -> None:
    for strange in ("KONKURS_DEMO_demo_00000006x.receipt.json", "æ.receipt.json", "zzz.receipt.json"):
        folder.put(strange, b"{")
        assert folder.read() == [strange]


@pytest.mark.usefixtures("at_rest", "two_are_new")
def test_a_folder_that_lists_its_names_in_another_order_is_checked_whole(
    long: LongFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_order = receipts_folder.receipts_in
    monkeypatch.setattr(receipts, "receipts_in", lambda path: in_order(path)[::-1])
    assert long.look() == [1, 2, 3, 4, 5]
    assert long.look() == [2, 4, 5]


@pytest.mark.usefixtures("at_rest", "two_are_new")
def test_the_next_day_every_receipt_is_checked(
    long: LongFolder, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert long.look() == [2, 4, 5]
    folder.put(_numbered(1), b"[ ")
    assert folder.read() == []
    monkeypatch.setattr("tests.storage.test_receipts_folder.NOW", NOW + dt.timedelta(days=1))
    assert folder.read() == [_numbered(1)]


@pytest.mark.usefixtures("at_rest", "two_are_new")
def test_a_removed_old_receipt_is_noticed(long: LongFolder, folder: Folder, ledger: Ledger) -> None:
    (folder.path / _numbered(1)).unlink()
    assert long.look() == [2, 3, 4, 5]
    assert ledger.rows("SELECT name FROM receipts WHERE gone_at IS NOT NULL") == [(_numbered(1),)]


@pytest.mark.usefixtures("two_are_new")
def test_a_receipt_that_was_not_at_rest_settles_no_day(long: LongFolder) -> None:
    assert long.look() == [1, 2, 3, 4, 5]
