"""What `konkurs recover` repairs apart from an old ledger (tests/processes/test_old_ledger.py), and what it does not."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.integrity import inspect
from konkurs_pipeline.enquiries.party.lookup import look_up
from konkurs_pipeline.errors import StoreError, UsageError
from konkurs_pipeline.schemas.tables import Debtors, RawNotices, frame
from konkurs_pipeline.steps.recovery import rebuild_lost_months
from konkurs_pipeline.storage.handoff import receipts_folder
from konkurs_pipeline.storage.handoff.recovery import Recovered, recover
from konkurs_pipeline.storage.lake.hashes import write_sealed_parquet
from konkurs_pipeline.storage.lake.versions import all_in
from konkurs_pipeline.storage.ledger import file_versions
from tests.pipeline.kit import MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Bank, company


@pytest.fixture
def polled(bank: Bank) -> Bank:
    """Return a bank that has blocked on Monday, and kept a copy of its ledger before Tuesday."""
    bank.customer("K-1", company("firm"))
    bank.notice("aapning", company("firm"), MONDAY)
    bank.poll(MONDAY)
    shutil.copytree(bank.layout.ledger.parent, bank.folder / "copy")
    bank.customer("K-2", company("second"))
    bank.notice("aapning", company("second"), TUESDAY)
    bank.poll(TUESDAY)
    return bank


def recovered(bank: Bank) -> Recovered:
    with bank.store(allow_untrusted=True) as store:
        return recover(store.layout, store.ledger, store.outbox, by="Kari", reason="checked", now=utc_now())


def wrong(bank: Bank) -> list[str]:
    with bank.store(allow_untrusted=True) as store:
        return [problem for part in inspect(store) for problem in part.problems]


def restore_old_ledger(bank: Bank) -> None:
    shutil.rmtree(bank.layout.ledger.parent)
    shutil.copytree(bank.folder / "copy", bank.layout.ledger.parent)


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".manifest.json"])
def test_a_changed_file_stops_the_run_and_recover_writes_it_again(polled: Bank, ending: str) -> None:
    path = min(polled.settings.outbox_dir.glob(f"*{ending}"))
    whole = path.read_bytes()
    path.write_bytes(whole + b"\n")
    error = polled.try_poll(WEDNESDAY)
    assert isinstance(error, StoreError)
    assert path.name in str(error)
    assert recovered(polled) == Recovered(mended=[path.name])
    assert path.read_bytes() == whole
    assert polled.poll(WEDNESDAY).actions == []
    assert wrong(polled) == []


def test_a_missing_file_is_not_written_again(polled: Bank) -> None:
    min(polled.settings.outbox_dir.glob("*.csv")).unlink()
    with pytest.raises(UsageError, match="nothing to recover"):
        recovered(polled)
    polled.poll(WEDNESDAY)
    assert any("is gone from the outbox" in problem for problem in wrong(polled))


def test_without_published_tables_the_outbox_shows_an_old_ledger_and_a_person_reopens(
    polled: Bank,
) -> None:
    for path in polled.layout.published.iterdir():
        path.write_bytes(b"damaged")
    restore_old_ledger(polled)
    assert isinstance(polled.try_poll(WEDNESDAY), StoreError)
    assert len(recovered(polled).taken_over) == 1
    polled.notice("sletting", company("second"), WEDNESDAY)
    assert polled.poll(WEDNESDAY).decided() == [("REVIEW", "K-2", "blocked_before")]
    assert wrong(polled) == []


def test_a_file_that_breaks_the_chain_is_not_taken_over(polled: Bank) -> None:
    polled.poll(WEDNESDAY)
    shutil.rmtree(polled.layout.published)
    for path in polled.settings.outbox_dir.glob("*_00000002_*"):
        path.unlink()
    restore_old_ledger(polled)
    with pytest.raises(StoreError, match="does not follow"):
        recovered(polled)
    assert isinstance(polled.try_poll(WEDNESDAY), StoreError), "the ledger is still untrusted"


def test_receipts_are_read_again_if_published_tables_are_taken_over(
    polled: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts_folder, "_AT_REST_S", -3600)
    (polled.settings.receipts_dir / "K.receipt.json").write_bytes(b"{")
    polled.poll(TUESDAY)
    shutil.rmtree(polled.folder / "copy")
    shutil.copytree(polled.layout.ledger.parent, polled.folder / "copy")
    polled.poll(WEDNESDAY)
    polled.published_file("receipts").unlink()
    restore_old_ledger(polled)
    recovered(polled)
    polled.poll(WEDNESDAY)
    assert polled.published("receipts")["name"].to_list() == ["K.receipt.json"]


def test_an_unreadable_outbox_stops_the_run_with_the_cure(polled: Bank) -> None:
    polled.settings.outbox_dir.rename(polled.folder / "outbox aside")
    polled.settings.outbox_dir.write_bytes(b"a file")
    error = polled.try_poll(WEDNESDAY)
    assert isinstance(error, StoreError)
    assert "looking at the outbox" in str(error)


def test_a_full_disk_stops_a_command_before_it_begins(polled: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    with pytest.raises(StoreError, match="Make room"), polled.store():
        pass


def test_a_month_without_its_rows_is_refused(polled: Bank) -> None:
    with polled.store() as store:
        assert store.lake.replace("debtors", [MONDAY], frame(Debtors, [])) == [MONDAY]
        assert store.lake.workdays("debtors") == [TUESDAY]
        assert store.lake.replace("debtors", [MONDAY, TUESDAY], frame(Debtors, [])) == [TUESDAY]
        assert store.lake.months("debtors") == []
        assert store.lake.read("debtors", [TUESDAY]).is_empty()


def as_version_1(polled: Bank, *, files: Sequence[str]) -> Path:
    """Put the notices in the files of an early version: a file a month, or a file a workday."""
    folder = polled.layout.table("raw_notices")
    with polled.store() as store:
        for name in files:
            days = [MONDAY, TUESDAY] if len(name) == len("2018-09") else [date.fromisoformat(name)]
            write_sealed_parquet(folder / f"{name}.parquet", store.lake.read("raw_notices", days))
        file_versions.forget(store.ledger, "raw_notices", "2018-09")
    for path in all_in(folder):
        path.unlink()
    marker = polled.layout.marker
    marker.write_text(marker.read_text().replace("konkurs-store/2", "konkurs-store/1"))
    return folder


@pytest.mark.parametrize(
    "files",
    [["2018-09"], [str(MONDAY), str(TUESDAY)], ["2018-09", str(TUESDAY)]],
    ids=["a month", "its days", "killed halfway into taking in its days"],
)
def test_the_files_of_version_1_are_read(polled: Bank, files: list[str]) -> None:
    with polled.store() as store:
        before = store.lake.read("raw_notices")
    folder = as_version_1(polled, files=files)
    with polled.store() as store:
        assert store.lake.read("raw_notices").equals(before)
    assert sorted(path.name for path in folder.iterdir()) == ["2018-09.000001.parquet", "_schema.parquet"]


def test_a_damaged_file_of_version_1_is_refused(polled: Bank) -> None:
    damaged = as_version_1(polled, files=[str(MONDAY)]) / f"{MONDAY}.parquet"
    damaged.write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=damaged.name), polled.store():
        pass
    assert damaged.is_file()


def test_another_valid_file_in_place_of_the_newest_is_refused(polled: Bank) -> None:
    path = polled.lake_file("raw_notices", MONDAY)
    shutil.copy(polled.lake_file("debtors", MONDAY), path)
    with polled.store() as store, pytest.raises(StoreError, match=path.name):
        store.lake.read("raw_notices", columns=["payload"])


def test_an_older_copy_of_the_notices_loses_none(polled: Bank) -> None:
    """The copy is valid, so only the ledger knows that it is not the newest."""
    folder = polled.layout.table("raw_notices")
    older = {path.name: path.read_bytes() for path in all_in(folder)}
    polled.notice("aapning", company("third"), WEDNESDAY)
    polled.poll(WEDNESDAY)
    for path in all_in(folder):
        path.unlink()
    for name, content in older.items():
        (folder / name).write_bytes(content)
    with pytest.raises(StoreError, match="is gone, and an older version is not taken for it"):
        look_up(polled.layout, company("third"), utc_now())
    assert "is gone, and an older version is not taken for it" in str(polled.try_poll(THURSDAY))
    assert any("is gone" in problem for problem in wrong(polled))


def test_a_version_that_a_killed_run_wrote_without_a_note_is_used(polled: Bank) -> None:
    with polled.store() as store:
        newest = file_versions.known(store.ledger, "raw_notices")
        store.lake.replace("raw_notices", [MONDAY], frame(RawNotices, []))
        file_versions.note(store.ledger, "raw_notices", "2018-09", newest["2018-09"])
    with polled.store() as store:
        assert store.lake.workdays("raw_notices") == [TUESDAY]


@pytest.mark.parametrize("table", ["raw_notices", "expanded_datasets"])
def test_a_missing_month_is_made_again_from_the_kept_answers(polled: Bank, table: str) -> None:
    with polled.store() as store:
        before = store.lake.read(table)
    for path in all_in(polled.layout.table(table)):
        path.unlink()
    with polled.store(allow_untrusted=True) as store:
        assert len(rebuild_lost_months(store, polled.settings)) == 1
        assert store.lake.read(table).equals(before)
    assert polled.poll(WEDNESDAY).actions == []
