"""A store's version is raised with each change of shape. Newer code migrates an old store; older code refuses a new one."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import polars as pl
import pytest

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.tables import LAKE, LEDGER
from konkurs_pipeline.settings import Settings, load_settings
from konkurs_pipeline.storage.files import hash_of
from konkurs_pipeline.storage.lake.hashes import write_sealed_parquet
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.marker import OLDEST_VERSION, STORE_VERSION, check_marker
from konkurs_pipeline.storage.migrations import LAKE_VALUES, LEDGER_VALUES
from konkurs_pipeline.storage.store import layout_of, open_store
from tests.pipeline.kit import MONDAY, TUESDAY, Bank, company
from tests.storage.store_shape import recorded, shape_of_today

_HOW = (
    "the shape of the store differs from the one recorded for konkurs-store/{0}. If konkurs-store/{0} is not released yet: "
    "`make shapes`. If it is: raise STORE_VERSION in storage/marker.py first. See CONTRIBUTING, A column"
)


def settings_of(folder: Path, **more: str) -> Settings:
    environ = {"KONKURS_DATA_DIR": str(folder / "data"), "KONKURS_API_URL": "http://127.0.0.1:1"}
    return load_settings({**environ, **more}, dotenv=folder / "none")


def test_the_shape_is_the_recorded_one_of_this_version(tmp_path: Path) -> None:
    assert shape_of_today(tmp_path) == recorded(STORE_VERSION), _HOW.format(STORE_VERSION)


@pytest.mark.parametrize("version", range(OLDEST_VERSION, STORE_VERSION))
def test_every_change_since_an_earlier_version_has_a_migration(version: int) -> None:
    before, now = recorded(version), recorded(STORE_VERSION)
    given = {("ledger", *key) for key in LEDGER_VALUES} | {("lake", *key) for key in LAKE_VALUES}
    lacking = [
        (part, table, column)
        for part, tables in now.items()
        for table in tables.keys() & before[part].keys()
        for column, kind in tables[table].items()
        if not _follows_by_itself(before[part][table].get(column), kind) and (part, table, column) not in given
    ]
    assert lacking == [], "give the value of old rows in storage/migrations.py"


def _follows_by_itself(before: str | None, now: str) -> bool:
    """Return whether old rows fit the column `now`: an equal one, or a new one that may be null."""
    return now.endswith(" null") if before is None else before in {now, now.removesuffix(" null")}


def take_back(layout: Layout, version: int) -> None:
    """Give a store the shape of `version`: only its tables and columns, and its marker."""
    shape = recorded(version)
    with duckdb.connect(str(layout.ledger)) as con:
        for table in LEDGER:
            columns = shape["ledger"].get(table)
            if columns is None:
                con.execute(f"DROP TABLE {table}")
            else:
                names = ", ".join(f'"{c}"' for c in columns if c in recorded(STORE_VERSION)["ledger"][table])
                con.execute(f"CREATE TABLE older AS SELECT {names} FROM {table} ORDER BY rowid")  # noqa: S608 -- own names
                con.execute(f"DROP TABLE {table}")
                con.execute(f"ALTER TABLE older RENAME TO {table}")
    layout.ledger.with_name("ledger.duckdb.sha256").unlink()
    for table in LAKE:
        for path in layout.table(table).glob("[0-9]*.parquet"):
            rows = pl.read_parquet(path)
            write_sealed_parquet(path, rows.select([c for c in shape["lake"][table] if c in rows.columns]))
    marker = json.loads(layout.marker.read_text())
    layout.marker.write_text(json.dumps({**marker, "store": f"konkurs-store/{version}"}))


@pytest.mark.parametrize("version", range(OLDEST_VERSION, STORE_VERSION))
def test_a_store_of_an_earlier_version_is_migrated_without_loss(bank: Bank, version: int) -> None:
    debtor = company("debtor")
    bank.customer("K-1", debtor)
    bank.notice("aapning", debtor)
    assert bank.poll(MONDAY).decided() == [("BLOCK", "K-1", "estate_open")]
    take_back(bank.layout, version)
    assert bank.poll(TUESDAY).actions == [], "old decisions stay"
    assert json.loads(bank.layout.marker.read_text())["store"] == f"konkurs-store/{STORE_VERSION}"
    with open_store(bank.settings) as store:
        assert {name: dict(columns) for name, columns in store.ledger.columns().items()}.keys() >= LEDGER.keys()
        assert store.read("raw_notices").height == 1
        assert store.read("actions")["status"].to_list() == ["exported"]


@pytest.mark.parametrize(
    ("store", "cure"),
    [
        ("konkurs-store/99", "newer version"),
        ("konkurs-store/0", "too old"),
        ("something else", "too old"),
    ],
)
def test_a_store_that_this_program_cannot_read_is_refused_and_left_alone(tmp_path: Path, store: str, cure: str) -> None:
    settings = settings_of(tmp_path)
    with open_store(settings):
        pass
    layout = layout_of(settings)
    before = layout.ledger.read_bytes()
    layout.marker.write_text(json.dumps({**json.loads(layout.marker.read_text()), "store": store}))
    with pytest.raises(StoreError, match=cure), open_store(settings):
        pass
    with pytest.raises(StoreError, match=cure):
        check_marker(settings, layout)
    assert layout.ledger.read_bytes() == before


def test_a_command_that_only_reads_an_older_store_names_the_command_that_migrates_it(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with open_store(settings):
        pass
    marker = layout_of(settings).marker
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "store": f"konkurs-store/{OLDEST_VERSION}"}))
    with pytest.raises(StoreError, match="`konkurs run` brings the store forward"):
        check_marker(settings, layout_of(settings))


def test_a_restored_ledger_of_an_earlier_shape_is_migrated(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with open_store(settings) as store:
        before = store.ledger.columns()
    path = layout_of(settings).ledger
    with duckdb.connect(str(path)) as con:
        con.execute("ALTER TABLE polls DROP COLUMN notices_new")
        con.execute("INSERT INTO polls VALUES ('r', now(), now(), '2018-09-03', '2018-09-03', 'new', 1, NULL)")
    path.with_name("ledger.duckdb.sha256").unlink()
    with open_store(settings) as store:
        assert store.ledger.columns() == before, "the order of columns too"
        assert store.read("polls").select("run_id", "notices_seen", "notices_new").rows() == [("r", 1, None)]


def test_a_ledger_that_no_migration_can_complete_is_too_old(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with open_store(settings):
        pass
    path = layout_of(settings).ledger
    with duckdb.connect(str(path)) as con:
        con.execute("ALTER TABLE polls DROP COLUMN started_at")
    path.with_name("ledger.duckdb.sha256").unlink()
    with pytest.raises(StoreError, match=r"Polls lacks started_at.*too old"), open_store(settings):
        pass


def test_a_register_snapshot_of_an_earlier_shape_is_still_used(bank: Bank) -> None:
    debtor = company("debtor")
    bank.customer("K-1", debtor)
    bank.poll(MONDAY)
    with open_store(bank.settings) as store:
        snapshot = store.snapshots.current()
        assert snapshot is not None
    path = snapshot.folder / "accounts.parquet"
    pl.read_parquet(path).drop("is_blocked").write_parquet(path)
    facts = json.loads((snapshot.folder / "snapshot.json").read_text())
    facts["tables_sha256"]["accounts.parquet"] = hash_of(path.read_bytes())
    (snapshot.folder / "snapshot.json").write_text(json.dumps(facts))
    take_back(bank.layout, OLDEST_VERSION)
    bank.notice("aapning", debtor, TUESDAY)
    assert bank.poll(TUESDAY).decided() == [("BLOCK", "K-1", "estate_open")]


def test_a_store_belongs_to_one_service(tmp_path: Path) -> None:
    """Otherwise a poll would decide on another service's notices, such as Brreg's test notices, beside the stored ones."""
    with open_store(settings_of(tmp_path)):
        pass
    other = settings_of(tmp_path, KONKURS_API_URL="http://localhost:1")
    with (
        pytest.raises(StoreError, match=r"service 127\.0\.0\.1, and KONKURS_API_URL names localhost"),
        open_store(other),
    ):
        pass
    moved = settings_of(tmp_path, KONKURS_API_URL="http://127.0.0.1:2")
    with open_store(moved):
        pass
