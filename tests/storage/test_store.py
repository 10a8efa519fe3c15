"""The store as a whole: one writer, one bank and environment a folder, and a demo that removes only a demo's store."""

from __future__ import annotations

from pathlib import Path

import pytest

from konkurs_pipeline.errors import StoreBusyError, StoreError, UsageError
from konkurs_pipeline.settings import Settings, load_settings
from konkurs_pipeline.storage.demo import make_fresh
from konkurs_pipeline.storage.store import Store, layout_of, open_store


def settings_of(folder: Path, **changes: str) -> Settings:
    environ = {"KONKURS_DATA_DIR": str(folder / "data"), "KONKURS_API_URL": "http://127.0.0.1:1"}
    environ |= {f"KONKURS_{name.upper()}": value for name, value in changes.items()}
    return load_settings(environ, dotenv=folder / "none")


def test_a_second_writer_is_refused_and_the_lock_is_free_after_the_first(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with open_store(settings), pytest.raises(StoreBusyError, match="nothing was done"), open_store(settings):
        pass
    with open_store(settings):
        pass


@pytest.mark.parametrize(
    "other",
    [{"environment": "test"}, {"bank_id": "OTHER"}],
    ids=["another environment", "another bank"],
)
def test_a_folder_belongs_to_one_bank_and_environment(tmp_path: Path, other: dict[str, str]) -> None:
    with open_store(settings_of(tmp_path)):
        pass
    with pytest.raises(StoreError, match="KONKURS_DATA_DIR"), open_store(settings_of(tmp_path, **other)):
        pass


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"'], ids=repr)
def test_a_damaged_marker_is_reported_and_nothing_is_overwritten(tmp_path: Path, content: bytes) -> None:
    settings = settings_of(tmp_path)
    with open_store(settings):
        pass
    marker = layout_of(settings).marker
    marker.write_bytes(content)
    with pytest.raises(StoreError, match="nothing readable"), open_store(settings):
        pass
    assert marker.read_bytes() == content


def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with open_store(settings):
        pass
    ledger = layout_of(settings).ledger
    ledger.write_bytes(b"no database")
    with pytest.raises(StoreError, match=ledger.name), open_store(settings):
        pass


def insert_and_fail(store: Store) -> None:
    with store.ledger.transaction():
        store.ledger.execute("INSERT INTO outbox_pending VALUES (1, 'x')")
        store.ledger.append("polls", [{"run_id": "without all that a poll needs"}])


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with open_store(settings_of(tmp_path)) as store:
        with pytest.raises(StoreError):
            insert_and_fail(store)
        assert store.ledger.rows("SELECT * FROM outbox_pending") == []


def test_committed_rows_are_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with open_store(settings) as store:
        store.ledger.execute("INSERT INTO outbox_pending VALUES (1, 'x')")
    with open_store(settings) as store:
        assert store.ledger.rows("SELECT * FROM outbox_pending") == [(1, "x")]


def test_an_answer_with_one_wrong_bit_is_the_same_answer_or_is_named(tmp_path: Path) -> None:
    body = b'{"_links": {"self": {"href": "https://127.0.0.1/konkursvarsler"}}, "n": [1, 2, 3, 4, 5, 6]}' * 3
    with open_store(settings_of(tmp_path)) as store:
        digest = store.lake.answers.keep(body)
        path = store.lake.answers.path(digest)
        whole = path.read_bytes()
        for bit in range(len(whole) * 8):
            damaged = bytearray(whole)
            damaged[bit // 8] ^= 1 << bit % 8
            path.write_bytes(damaged)
            try:
                assert store.lake.answers.read(digest) == body
            except StoreError as error:
                assert path.name in str(error)  # noqa: PT017 -- both ends are right


def test_a_fresh_demo_empties_a_demo_store_and_keeps_the_bank_s_own_files(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    layout = layout_of(settings)
    with open_store(settings) as store:
        store.outbox.prepare(store.ledger)
        store.publish()
    strange = layout.outbox / "notes.txt"
    strange.write_text("kept", encoding="utf-8")
    (layout.outbox / "KONKURS_DEMO_demo_00000001_20180903T120000Z.jsonl").write_bytes(b"{}")
    make_fresh(settings)
    assert [path.name for path in layout.outbox.iterdir()] == ["notes.txt"]
    assert not layout.ledger.exists()
    assert settings.customers.is_file(), "the demo writes its register"


def test_a_demo_never_touches_a_store_that_is_no_demo_s(tmp_path: Path) -> None:
    bank = settings_of(tmp_path, environment="test")
    with open_store(bank):
        pass
    with pytest.raises(StoreError):
        make_fresh(settings_of(tmp_path))
    with pytest.raises(UsageError, match="demo"):
        make_fresh(bank)
    assert layout_of(bank).ledger.is_file()


def test_a_folder_with_a_ledger_and_no_marker_is_left_alone(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    layout = layout_of(settings)
    with open_store(settings):
        pass
    layout.marker.unlink()
    with pytest.raises(UsageError, match="does not say whose"):
        make_fresh(settings)
    assert layout.ledger.is_file()


def test_duckdb_keeps_no_bytes_of_a_replaced_file(tmp_path: Path) -> None:
    """The simulation found this (seed 1, on a disk that uses a freed inode again).

    DuckDB took a file for its predecessor, which had the same name, size, inode and second, and read bytes of both. That
    gave an error or, worse, wrong rows.
    """
    with open_store(settings_of(tmp_path)) as store:
        assert store.ledger.rows("SELECT current_setting('enable_external_file_cache')") == [(False,)]
