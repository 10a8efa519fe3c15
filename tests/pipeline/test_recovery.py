"""What `konkurs recover` puts right beside an old ledger (tests/processes/test_old_ledger.py), and what it does not."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import polars as pl
import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.integrity import inspect
from konkurs_pipeline.errors import StoreError, UsageError
from konkurs_pipeline.schemas.tables import Debtors, frame
from konkurs_pipeline.storage.handoff import receipts_folder
from konkurs_pipeline.storage.handoff.recovery import Recovered, recover
from konkurs_pipeline.storage.lake.hashes import write_sealed_parquet
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, company


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
    with bank.store(in_doubt=True) as store:
        return recover(store.layout, store.ledger, store.outbox, by="Kari", reason="checked", now=utc_now())


def wrong(bank: Bank) -> list[str]:
    with bank.store(in_doubt=True) as store:
        return [problem for part in inspect(store) for problem in part.problems]


def restore_old_ledger(bank: Bank) -> None:
    shutil.rmtree(bank.layout.ledger.parent)
    shutil.copytree(bank.folder / "copy", bank.layout.ledger.parent)


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".manifest.json"])
def test_a_changed_file_stops_the_run_and_is_written_again_as_it_was(polled: Bank, ending: str) -> None:
    path = min(polled.settings.outbox_dir.glob(f"*{ending}"))
    whole = path.read_bytes()
    path.write_bytes(whole + b"\n")
    error = polled.try_poll(WEDNESDAY)
    assert isinstance(error, StoreError)
    assert path.name in str(error)
    assert recovered(polled) == Recovered([], [path.name])
    assert path.read_bytes() == whole
    assert polled.poll(WEDNESDAY).actions == []
    assert wrong(polled) == []


def test_a_file_that_is_gone_is_not_written_again(polled: Bank) -> None:
    min(polled.settings.outbox_dir.glob("*.csv")).unlink()
    with pytest.raises(UsageError, match="nothing to recover"):
        recovered(polled)
    polled.poll(WEDNESDAY)
    assert any("is gone from the outbox" in problem for problem in wrong(polled))


def test_without_the_published_tables_the_outbox_alone_tells_of_an_old_ledger_and_a_person_reopens(
    polled: Bank,
) -> None:
    for path in polled.layout.published.iterdir():
        path.write_bytes(b"damaged")
    restore_old_ledger(polled)
    assert isinstance(polled.try_poll(WEDNESDAY), StoreError)
    assert len(recovered(polled).taken_over) == 1
    polled.notice("sletting", company("second"), WEDNESDAY)
    assert polled.poll(WEDNESDAY).said() == [("REVIEW", "K-2", "blocked_before")]
    assert wrong(polled) == []


def test_a_file_that_does_not_follow_the_last_known_one_is_not_taken_over(polled: Bank) -> None:
    polled.poll(WEDNESDAY)
    shutil.rmtree(polled.layout.published)
    for path in polled.settings.outbox_dir.glob("*_00000002_*"):
        path.unlink()
    restore_old_ledger(polled)
    with pytest.raises(StoreError, match="does not follow"):
        recovered(polled)
    assert isinstance(polled.try_poll(WEDNESDAY), StoreError), "the ledger is in doubt as before"


def test_receipts_are_read_again_where_published_tables_are_taken(
    polled: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts_folder, "_AT_REST_S", -3600)
    (polled.settings.receipts_dir / "K.receipt.json").write_bytes(b"{")
    polled.poll(TUESDAY)
    shutil.rmtree(polled.folder / "copy")
    shutil.copytree(polled.layout.ledger.parent, polled.folder / "copy")
    polled.poll(WEDNESDAY)
    (polled.layout.published / "receipts.parquet").unlink()
    restore_old_ledger(polled)
    recovered(polled)
    polled.poll(WEDNESDAY)
    assert polled.published("receipts")["name"].to_list() == ["K.receipt.json"]


def test_an_outbox_that_cannot_be_looked_at_stops_the_run_with_the_cure(polled: Bank) -> None:
    polled.settings.outbox_dir.rename(polled.folder / "outbox aside")
    polled.settings.outbox_dir.write_bytes(b"a file")
    error = polled.try_poll(WEDNESDAY)
    assert isinstance(error, StoreError)
    assert "looking at the outbox" in str(error)


def test_a_full_disk_stops_a_command_before_it_begins(polled: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    with pytest.raises(StoreError, match="Make room"), polled.store():
        pass


def test_a_month_without_rows_has_no_file(polled: Bank) -> None:
    with polled.store() as store:
        assert store.lake.replace("debtors", [MONDAY], frame(Debtors, [])) == [MONDAY]
        assert store.lake.workdays("debtors") == [TUESDAY]
        assert store.lake.replace("debtors", [MONDAY, TUESDAY], frame(Debtors, [])) == [TUESDAY]
        assert store.lake.months("debtors") == []
        assert store.lake.read("debtors", [TUESDAY]).is_empty()


def test_a_file_a_day_of_an_earlier_version_is_taken_into_its_month(polled: Bank) -> None:
    folder = polled.layout.table("raw_notices")
    with polled.store() as store:
        before = store.lake.read("raw_notices")
        for day in (MONDAY, TUESDAY):
            write_sealed_parquet(folder / f"{day}.parquet", store.lake.read("raw_notices", [day]))
    polled.layout.partition("raw_notices", MONDAY).unlink()
    with polled.store() as store:
        assert store.lake.read("raw_notices").equals(before)
    assert sorted(path.name for path in folder.iterdir()) == ["2018-09.parquet", "_schema.parquet"]


def test_taking_days_into_their_month_was_killed_halfway_and_is_done_again(polled: Bank) -> None:
    """The month is written before its days are removed: what stands in both is there once."""
    folder = polled.layout.table("raw_notices")
    with polled.store() as store:
        before = store.lake.read("raw_notices")
        write_sealed_parquet(folder / f"{TUESDAY}.parquet", store.lake.read("raw_notices", [TUESDAY]))
    with polled.store() as store:
        assert store.lake.read("raw_notices").equals(before)


def test_a_damaged_file_a_day_is_not_taken_into_its_month(polled: Bank) -> None:
    damaged = polled.layout.table("raw_notices") / f"{MONDAY}.parquet"
    damaged.write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=damaged.name), polled.store():
        pass
    assert damaged.is_file()


def test_a_whole_file_of_another_table_is_told_by_its_table(polled: Bank) -> None:
    layout = polled.layout
    shutil.copy(layout.partition("debtors", MONDAY), layout.partition("raw_notices", MONDAY))
    with polled.store() as store, pytest.raises(StoreError, match="lake table raw_notices"):
        store.lake.read("raw_notices", columns=["payload"])
    assert pl.read_parquet(layout.partition("debtors", MONDAY)).height == 2
