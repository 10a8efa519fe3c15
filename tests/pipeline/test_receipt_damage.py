"""Receipts of every odd kind (docs/outbox.md): a receipt that breaks the contract is set aside, reported, and stops nothing.

The everyday kinds are in test_receipts.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.evidence.proofs import Agreement, FileVerifier
from konkurs_pipeline.enquiries.status import current_status
from konkurs_pipeline.storage.files import hash_of
from konkurs_pipeline.storage.handoff.receipts import read_receipts
from konkurs_pipeline.storage.readers.published import Published
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, Polled, company, records
from tests.pipeline.odd_receipts import UNREADABLE, whole, with_action
from tests.pipeline.test_receipts import AT, give, ids, receipt, statuses

# Core banking may write anything. A poll that waits longer than this for a receipt counts as stuck.
_PATIENCE_S: Final = 20.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("receipts")


@pytest.fixture(scope="module")
def monday(new_bank: NewBank, folder: Path) -> Bank:
    """Return a bank whose first file blocks two accounts of one customer. Tests copy it."""
    bank = new_bank(folder / "data")
    bank.customer("K-1", company("firm"))
    bank.account("K-1")
    bank.notice("aapning", company("firm"))
    bank.poll(MONDAY)
    bank.folder.rename(folder / "kept")
    bank.folder = folder / "kept"
    return bank


@pytest.fixture
def exported(monday: Bank, folder: Path, new_bank: NewBank) -> Bank:
    """Return a bank that stands where `monday` stands, in its folder."""
    bank = new_bank(folder / "data")
    shutil.rmtree(bank.folder, ignore_errors=True)
    return bank.go_on_from(monday)


def read(bank: Bank, *contents: dict[str, object] | bytes) -> list[str]:
    """Give these receipts one by one, each read as at the start of a run; returns the reasons of those set aside."""
    set_aside = []
    with bank.store() as store:
        for content in contents:
            give(bank, content)
            set_aside += read_receipts(store.ledger, bank.settings.receipts_dir, utc_now())
        store.publish()
    return set_aside


def path_of(bank: Bank) -> Path:
    return bank.settings.receipts_dir / f"{bank.shown()[0].stem}.receipt.json"


def assert_set_aside(bank: Bank, polled: Polled, says: str = "it ") -> None:
    assert polled.outcome == "nothing_new", "no receipt stops a poll"
    assert polled.detail is not None
    assert "receipt set aside" in polled.detail
    assert says in polled.detail
    assert statuses(bank) == ["exported", "exported"]
    assert current_status(bank.settings, utc_now()).receipts_set_aside == 1


# Receipts that break the contract


@pytest.fixture(scope="module")
def heap(monday: Bank, new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bank, Polled]:
    """Return a bank and the result of its poll over all these receipts and a good one, the last."""
    bank = new_bank(tmp_path_factory.mktemp("heap") / "data").go_on_from(monday)
    for name, made in UNREADABLE.items():
        give(bank, made(bank), name=f"{name}.receipt.json")
    give(bank, receipt(bank, ["APPLIED", "REJECTED"]))
    return bank, bank.poll(TUESDAY)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_receipt_that_breaks_the_contract_is_set_aside_with_the_reason(heap: tuple[Bank, Polled], name: str) -> None:
    bank, polled = heap
    (row,) = bank.published("receipts").filter(pl.col("name") == f"{name}.receipt.json").to_dicts()
    assert row["outcome"] == "set_aside"
    assert row["detail"].startswith("it cannot be read as a receipt (konkurs-receipt/1): ")
    assert polled.detail is not None
    assert f"receipt set aside: {name}.receipt.json: it cannot be read" in polled.detail


def test_many_unreadable_receipts_stop_neither_the_poll_nor_the_good_one_among_them(
    heap: tuple[Bank, Polled],
) -> None:
    bank, polled = heap
    assert polled.outcome == "nothing_new"
    assert statuses(bank) == ["applied", "rejected"]
    assert current_status(bank.settings, utc_now()).receipts_set_aside == len(UNREADABLE)


EDGES_OF_TIME = ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"]


@pytest.mark.parametrize("at", EDGES_OF_TIME)
def test_a_time_outside_the_range_of_utc_sets_the_receipt_aside_and_stops_no_poll(exported: Bank, at: str) -> None:
    give(exported, with_action(at=at)(exported))
    assert exported.try_poll(TUESDAY) is None
    assert statuses(exported) == ["exported", "exported"]


@pytest.mark.parametrize(
    "text", ["\x00", "x" * 1_000_000, "\u2028", "'; DROP TABLE actions; --"], ids=["NUL", "long", "line", "SQL"]
)
def test_an_action_id_or_code_may_hold_any_text_and_stops_no_poll(exported: Bank, text: str) -> None:
    first = {"action_id": ids(exported)[0], "status": "REJECTED", "code": text, "at": AT}
    stranger = {"action_id": text, "status": "APPLIED", "code": None, "at": AT}
    give(exported, receipt(exported, actions=[first, stranger]))
    assert exported.try_poll(TUESDAY) is None
    assert statuses(exported) in (["rejected", "exported"], ["exported", "exported"])


# Receipts that are no readable file


def too_large(path: Path, bank: Bank) -> None:
    path.write_bytes(whole(bank).ljust(70 * 1024 * 1024))


def link_to_itself(path: Path, _: Bank) -> None:
    path.symlink_to(path)


def link_to_nowhere(path: Path, _: Bank) -> None:
    path.symlink_to(path.with_name("nowhere"))


NO_FILES: Final[dict[str, Callable[[Path, Bank], object]]] = {
    "70 MB": too_large,
    "a folder": lambda path, _: path.mkdir(),
    "a link to nowhere": link_to_nowhere,
    "a link to itself": link_to_itself,
    "a pipe": lambda path, _: os.mkfifo(path),
}


@pytest.mark.parametrize("made", NO_FILES.values(), ids=NO_FILES)
def test_an_unreadable_file_is_set_aside_and_the_poll_does_not_wait_for_it(
    exported: Bank, made: Callable[[Path, Bank], object]
) -> None:
    path = path_of(exported)
    made(path, exported)
    waited = threading.Event()

    def let_go() -> None:
        # A reader of a pipe waits until somebody writes, so this makes the test fail instead of hang.
        waited.set()
        if path.is_fifo():
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))

    patience = threading.Timer(_PATIENCE_S, let_go)
    patience.start()
    try:
        polled = exported.poll(TUESDAY)
    finally:
        patience.cancel()
    assert not waited.is_set(), "the poll waited for a receipt"
    assert_set_aside(exported, polled)


def test_a_receipt_that_replaces_an_unreadable_file_is_read(exported: Bank) -> None:
    path_of(exported).mkdir()
    assert_set_aside(exported, exported.poll(TUESDAY))
    path_of(exported).rmdir()
    assert read(exported, whole(exported)) == []
    assert statuses(exported) == ["applied", "applied"]


def test_a_receipt_whose_name_is_no_utf_8_is_set_aside_and_stops_no_poll(exported: Bank) -> None:
    name = os.fsencode(exported.settings.receipts_dir) + b"/KONKURS_\xff.receipt.json"
    with open(name, "wb") as file:  # noqa: PTH123 -- a Path cannot have bytes as its name
        file.write(whole(exported))
    assert exported.try_poll(TUESDAY) is None
    assert statuses(exported) == ["exported", "exported"]


# One after the other


def test_a_half_written_receipt_is_read_again_once_it_is_whole(exported: Bank) -> None:
    content = whole(exported)
    (reason,) = read(exported, content[: len(content) // 2], content)
    assert "cannot be read" in reason
    assert statuses(exported) == ["applied", "applied"]


ACTION_STORIES = [
    pytest.param([["APPLIED"], ["REJECTED"]], "applied", id="applied, then rejected"),
    pytest.param([["ALREADY_APPLIED"], ["REJECTED"]], "already_applied", id="already applied, then rejected"),
    pytest.param([["REJECTED"], ["APPLIED"]], "applied", id="rejected, then applied"),
    pytest.param([["REJECTED"], ["PENDING"]], "rejected", id="rejected, then pending"),
    pytest.param([["APPLIED", "REJECTED"]], "rejected", id="applied and rejected in one receipt"),
    pytest.param([["REJECTED", "APPLIED"]], "applied", id="rejected and applied in one receipt"),
]


@pytest.mark.parametrize(("story", "status"), ACTION_STORIES)
def test_a_carried_out_action_stays_so_in_any_order_of_the_receipts(
    exported: Bank, story: list[list[str]], status: str
) -> None:
    """A sletting must reopen a BLOCK that may stand, so the receipt that confirms it counts."""
    first = ids(exported)[0]
    for given in story:
        actions = [{"action_id": first, "status": one, "code": None, "at": AT} for one in given]
        assert read(exported, receipt(exported, actions=actions)) == []
    assert statuses(exported) == [status, "exported"]


def test_a_rejected_file_stays_rejected_until_a_later_receipt_names_its_actions(exported: Bank) -> None:
    read(exported, receipt(exported, status="REJECTED", code="F1"), receipt(exported))
    assert statuses(exported) == ["rejected", "rejected"], "a receipt without actions does not change them"
    read(exported, receipt(exported, ["APPLIED", "APPLIED"]))
    assert statuses(exported) == ["applied", "applied"]


def test_a_file_that_is_rejected_after_an_action_was_applied_leaves_that_action_applied(exported: Bank) -> None:
    read(exported, receipt(exported, ["APPLIED"]), receipt(exported, status="REJECTED", code="F1"))
    assert statuses(exported) == ["applied", "rejected"]


def test_the_receipt_of_a_rejected_file_may_name_carried_out_actions(exported: Bank) -> None:
    read(exported, receipt(exported, ["APPLIED"], status="REJECTED", code="F1"))
    assert statuses(exported) == ["applied", "rejected"]


def test_a_receipt_of_the_second_file_cannot_answer_actions_of_the_first(exported: Bank) -> None:
    exported.customer("K-2", company("second"))
    exported.notice("aapning", company("second"), TUESDAY)
    exported.poll(TUESDAY)
    second = exported.shown()[1]
    said = receipt(exported, ["APPLIED", "APPLIED", "APPLIED"])
    said["file_id"] = records(second)[0]["file_id"]
    said["sha256"] = hash_of(second.read_bytes())
    (exported.settings.receipts_dir / f"{second.stem}.receipt.json").write_text(json.dumps(said), encoding="utf-8")
    exported.poll(WEDNESDAY)
    assert statuses(exported) == ["exported", "exported", "applied"]


def test_a_receipt_for_a_committed_file_is_read_after_the_file_is_written(exported: Bank) -> None:
    """The process was killed between the commit and the writing. The next run writes the file first, then reads receipts."""
    path = exported.shown()[0]
    content = whole(exported)
    for part in path.parent.glob(f"{path.stem}.*"):
        part.unlink()
    with exported.store() as store:
        store.ledger.execute("INSERT INTO outbox_pending VALUES (1, ?)", [path.stem])
    (exported.settings.receipts_dir / f"{path.stem}.receipt.json").write_bytes(content)
    assert exported.poll(TUESDAY).detail is None
    assert path.is_file()
    assert statuses(exported) == ["applied", "applied"]


def test_the_evidence_page_follows_no_link(exported: Bank, tmp_path: Path) -> None:
    """Core banking may replace its receipt by a link. The page must not read the file behind it."""
    read(exported, whole(exported))
    path = path_of(exported)
    content = path.read_bytes()
    verifier = FileVerifier(exported.layout, Published(exported.layout))
    assert verifier.receipt("receipt", path.name, hash_of(content)).agreement is Agreement.AGREES
    (tmp_path / "elsewhere").write_bytes(content)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    assert verifier.receipt("receipt", path.name, hash_of(content)).agreement is Agreement.NOT_FOUND
