"""A long table is published in parts: a poll writes only the changed part, and readers see one table."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from konkurs_pipeline.domain.documents.datasets import DatasetMap
from konkurs_pipeline.schemas.tables import LAKE
from konkurs_pipeline.storage.lake.settling import mend_empty_files
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger.connection import ROWS_WRITTEN_TOGETHER
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.ledger.folders_left import is_as_left, note_left
from konkurs_pipeline.storage.readers.analyst_views import ensure_views
from konkurs_pipeline.storage.readers.published import Published, knows_published, publish, published_problems
from konkurs_pipeline.storage.readers.query import ask

ROWS = 2 * ROWS_WRITTEN_TOGETHER + 1


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "data", tmp_path / "data" / "outbox", tmp_path / "data" / "receipts")
    for table in LAKE:
        made.table(table).mkdir(parents=True)
    return made


@pytest.fixture
def ledger(layout: Layout) -> Ledger:
    opened = Ledger(layout.ledger)
    columns = "lpad(i::VARCHAR, 8, '0') AS run_id, TIMESTAMPTZ '2018-09-03' AS started_at"
    days = "DATE '2018-09-03' AS from_workday, DATE '2018-09-03' AS to_workday"
    opened.execute(f"INSERT INTO polls BY NAME SELECT {columns}, {days} FROM range({ROWS}) t(i)")  # noqa: S608 -- own text
    publish(opened, layout.published)
    return opened


def files(layout: Layout) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in layout.published.glob("polls*.parquet")}


def test_a_new_row_rewrites_the_last_part_only(layout: Layout, ledger: Ledger) -> None:
    before = files(layout)
    assert sorted(before) == ["polls-0001.000001.parquet", "polls-0002.000001.parquet", "polls.000001.parquet"]
    day = dt.date(2018, 9, 3)
    row = {
        "run_id": "new",
        "started_at": dt.datetime(2018, 9, 3, tzinfo=dt.UTC),
        "from_workday": day,
        "to_workday": day,
    }
    ledger.append("polls", [row])
    publish(ledger, layout.published)
    assert files(layout).keys() - before.keys() == {"polls-0002.000002.parquet"}
    assert Published(layout).read("polls")["run_id"].to_list()[-1] == "new"


def test_a_changed_old_row_rewrites_its_part(layout: Layout, ledger: Ledger) -> None:
    before = files(layout)
    ledger.execute("UPDATE polls SET detail = 'changed' WHERE run_id = '00000007'")
    publish(ledger, layout.published)
    assert files(layout).keys() - before.keys() == {"polls.000002.parquet"}
    assert Published(layout).read("polls").filter(run_id="00000007")["detail"].to_list() == ["changed"]


def test_without_a_change_nothing_is_written(layout: Layout, ledger: Ledger) -> None:
    before = {path: path.stat().st_mtime_ns for path in layout.published.iterdir()}
    publish(ledger, layout.published)
    assert {path: path.stat().st_mtime_ns for path in layout.published.iterdir()} == before


def test_readers_and_analysts_see_one_table(layout: Layout, ledger: Ledger) -> None:
    mend_empty_files(layout)
    ensure_views(layout, DatasetMap())
    assert Published(layout).read("polls", columns=["run_id"])["run_id"].n_unique() == ROWS
    assert ask(layout, "SELECT count(DISTINCT run_id), count(*) FROM polls").rows == [(ROWS, ROWS)]
    assert ask(layout, "SELECT count(*) FROM second_source").rows == [(0,)]
    assert published_problems(ledger, layout.published) == []


def test_deleted_rows_leave_their_part_empty(layout: Layout, ledger: Ledger) -> None:
    ledger.execute("DELETE FROM polls WHERE run_id >= '00000005'")
    publish(ledger, layout.published)
    assert Published(layout).read("polls").select(pl.col("run_id").sort())["run_id"].to_list() == [
        f"{number:08}" for number in range(5)
    ]


def test_a_damaged_part_is_reported_and_published_again(layout: Layout, ledger: Ledger) -> None:
    part = layout.published / "polls-0001.000001.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    assert [line for line in published_problems(ledger, layout.published) if part.name in line]
    publish(ledger, layout.published)
    assert published_problems(ledger, layout.published) == []
    assert Published(layout).read("polls").height == ROWS


def test_a_ledger_that_did_not_write_the_newest_part_is_recognised(layout: Layout, ledger: Ledger) -> None:
    assert knows_published(ledger, layout.published, "polls")
    (layout.published / "polls-0002.000001.parquet").rename(layout.published / "polls-0002.000002.parquet")
    assert not knows_published(ledger, layout.published, "polls")
    (layout.published / "polls-0002.000002.parquet").rename(layout.published / "polls-0003.000001.parquet")
    assert not knows_published(ledger, layout.published, "polls")


def test_a_folder_is_unchanged_until_a_name_comes_or_goes(layout: Layout, ledger: Ledger) -> None:
    folder = layout.receipts
    assert not is_as_left(ledger, folder), "the folder does not exist"
    folder.mkdir()
    assert not is_as_left(ledger, folder), "nothing was noted"
    (folder / "first").touch()
    note_left(ledger, folder)
    assert is_as_left(ledger, folder)
    (folder / "second").touch()
    assert not is_as_left(ledger, folder)
    note_left(ledger, folder)
    (folder / "first").unlink()
    assert not is_as_left(ledger, folder)


def test_a_name_that_comes_right_after_the_note_is_noticed_with_a_coarse_clock(
    layout: Layout, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux stamps files with a clock that advances every 4 to 10 ms."""
    coarsest_ns = 10_000_000
    monkeypatch.setattr(
        "konkurs_pipeline.storage.ledger.folders_left._version",
        lambda folder: str(folder.stat().st_mtime_ns // coarsest_ns),
    )
    folder = layout.receipts
    folder.mkdir()
    for number in range(20):
        note_left(ledger, folder)
        (folder / str(number)).touch()
        assert not is_as_left(ledger, folder)


def test_on_a_file_system_without_folder_times_nothing_is_noted(
    layout: Layout, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout.receipts.mkdir()
    monkeypatch.setattr("konkurs_pipeline.storage.ledger.folders_left._version", lambda _: "always the same")
    note_left(ledger, layout.receipts)
    assert not is_as_left(ledger, layout.receipts)
