"""A full or read-only disk: the run reports it in one line with the cure, and after the repair nothing is missing.

The disk is a small tmpfs in a mount namespace of the processes, which needs no special rights.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from tests.cli.conftest import CommandResult
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import Bank
from tests.processes.bank import RUN, BankOfProcesses, Commands
from tests.processes.conftest import SOAKING, on_tuesday
from tests.processes.core_banking import Row

pytestmark = pytest.mark.long
IN_NAMESPACE: Final = ("unshare", "--user", "--map-root-user", "--mount")
PLENTY: Final = 256 << 20
PAGE: Final = 4096


@dataclass
class Disk:
    """A disk that only the processes see, and the bank with its data, or a part of it, on that disk."""

    bank: BankOfProcesses
    place: Path

    def fill(self, files: Path) -> None:
        """Mount the disk and copy a folder's files there with their rights."""
        self._do("mount", "-t", "tmpfs", "-o", f"size={PLENTY}", "tmpfs", str(self.place))
        self._do("cp", "-a", f"{files}/.", str(self.place))

    def leave_room(self, size: int) -> None:
        """Leave so many bytes free."""
        held = os.statvfs(self.bank.commands.root / self.place.relative_to("/"))
        self._remount(f"size={(held.f_blocks - held.f_bfree) * held.f_frsize + size}")

    def make_room(self) -> None:
        self._remount(f"size={PLENTY}")

    def make_read_only(self) -> None:
        self._remount("ro")

    def make_writable(self) -> None:
        self._remount("rw")

    def _remount(self, option: str) -> None:
        self._do("mount", "-o", f"remount,{option}", str(self.place))

    def _do(self, *command: str) -> None:
        done = self.bank.start(*command).result()
        assert done.code == 0, done.err


NewDisk = Callable[[str], Disk]


@pytest.fixture(scope="module")
def own_mounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Start processes in a namespace where they can mount a disk."""
    there = tmp_path_factory.mktemp("there")
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(there)]
    if shutil.which("unshare") is None or subprocess.run([*IN_NAMESPACE, *mount], check=False).returncode:  # noqa: S603
        pytest.skip("this machine lets nobody mount a disk in a namespace of their own (unshare --user --mount)")
    with Commands(*IN_NAMESPACE) as commands:
        yield commands


@pytest.fixture
def new_disk(own_mounts: Commands, monday: Bank, new_bank: NewBank, tmp_path: Path) -> NewDisk:
    """Return a factory of disks: one for the whole data folder, or for a folder in it."""

    def make(part: str) -> Disk:
        notes = tmp_path / "notes"
        notes.mkdir()
        bank = new_bank(tmp_path / "data")
        bank.go_on_from(monday)
        disk = Disk(on_tuesday(bank, own_mounts, notes), bank.folder / part)
        disk.place.mkdir(exist_ok=True)
        disk.fill(monday.folder / part)
        return disk

    return make


def complaint(ended: CommandResult) -> str:
    """Return the first line on stderr of a failed run."""
    first, *_ = ended.err.splitlines() or [""]
    assert (ended.code, first[:9]) == (1, "konkurs: "), ended
    assert "Traceback" not in ended.err
    return first


def _left(part: str, *pages: int) -> list[tuple[str, int]]:
    return [(part, count) for count in pages]


def _case(value: object) -> str:
    return f"{value} pages left" if isinstance(value, int) else str(value) or "everything"


# The free room, so that a different write fails each time: at the beginning, in the lake, at the hand-over.
# Below 1024 pages the disks of the store and of Dagster are too full to begin.
LONG: Final = pytest.mark.long
FULL: Final = [
    pytest.param("", 0, marks=LONG),
    pytest.param("lake", 2, marks=LONG),
    ("outbox", 1),
]
MORE: Final = [
    *_left("", *range(1020, 1700, 40)),
    *_left("lake", *range(1, 30, 2)),
    *_left("ledger", *range(0, 60, 4)),
    *_left("published", *range(6)),
    *_left("dagster", *range(1020, 1140, 8)),
]


@pytest.mark.parametrize(("part", "pages"), FULL, ids=_case)
def test_a_full_disk_fails_the_run_with_the_cure_and_with_room_nothing_is_missing(
    undisturbed: list[Row], new_disk: NewDisk, part: str, pages: int
) -> None:
    disk = new_disk(part)
    disk.leave_room(pages * PAGE)
    ended = disk.bank(*RUN)
    _is_made_good(disk, undisturbed)
    assert "Make room" in complaint(ended)


def test_a_block_does_not_wait_for_room_in_dagsters_history(undisturbed: list[Row], new_disk: NewDisk) -> None:
    disk = new_disk("dagster")
    disk.leave_room(16 * PAGE)
    ended = disk.bank(*RUN)
    assert ended.code == 0, ended.err
    assert "Dagster's history" in ended.err
    assert "Make room" in ended.err
    assert disk.bank.received() == undisturbed
    _is_made_good(disk, undisturbed)


@pytest.mark.skipif(not SOAKING, reason="every amount of room takes minutes: make soak-processes")
@pytest.mark.parametrize(("part", "pages"), MORE if SOAKING else MORE[:1], ids=_case)
def test_a_nearly_full_disk_loses_and_doubles_nothing(
    undisturbed: list[Row], new_disk: NewDisk, part: str, pages: int
) -> None:
    disk = new_disk(part)
    disk.leave_room(pages * PAGE)
    ended = disk.bank(*RUN)
    assert ended.code in {0, 1}
    _is_made_good(disk, undisturbed)
    assert ended.code == 0 or "Make room" in complaint(ended)


def _is_made_good(disk: Disk, undisturbed: list[Row]) -> None:
    got = disk.bank.received()
    assert got == undisturbed[: len(got)], "a file with a manifest is whole, also on a full disk"
    disk.make_room()
    disk.bank.runs_well()
    assert disk.bank.received() == undisturbed


def test_a_read_only_outbox_stops_the_run_before_it_decides(undisturbed: list[Row], new_disk: NewDisk) -> None:
    disk = new_disk("outbox")
    before = disk.bank.received()
    disk.make_read_only()
    ended = complaint(disk.bank(*RUN))
    assert "Read-only" in ended
    assert "mend the rights" in ended
    disk.make_writable()
    assert disk.bank.received() == before
    assert_nothing_decided(disk.bank)
    disk.bank.runs_well()
    assert disk.bank.received() == undisturbed


def test_a_file_in_the_place_of_the_outbox_stops_the_run_before_it_decides(
    undisturbed: list[Row], tuesday: BankOfProcesses
) -> None:
    outbox, aside = tuesday.bank.settings.outbox_dir, tuesday.notes / "aside"
    outbox.rename(aside)
    outbox.write_bytes(b"")
    assert str(outbox) in complaint(tuesday(*RUN))
    assert_nothing_decided(tuesday)
    outbox.unlink()
    aside.rename(outbox)
    tuesday.runs_well()
    assert tuesday.received() == undisturbed


def assert_nothing_decided(bank: BankOfProcesses) -> None:
    """Monday's file is the last that the ledger knows of."""
    files = pl.read_parquet(max((bank.data / "published").glob("outbox_files.*.parquet")))
    assert files["seq"].to_list() == [1]
