"""The lock, the layout, the published tables, the quarantine, the record of polls and the demo's own folder."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from konkurs_pipeline.domain.notices import QuarantineReason
from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.settings import Settings, load_settings
from konkurs_pipeline.storage import lock
from konkurs_pipeline.storage.demo import make_fresh
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger import polls, quarantine
from konkurs_pipeline.storage.ledger.quarantine import Entry
from konkurs_pipeline.storage.readers.published import Published, first_polled_workday, publish
from konkurs_pipeline.storage.store import Store, layout_of, open_store

NOW: Final = dt.datetime(2018, 9, 3, 10, tzinfo=dt.UTC)
MONDAY: Final = dt.date(2018, 9, 3)
TUESDAY: Final = dt.date(2018, 9, 4)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a demo bank without a store yet."""
    return load_settings({"KONKURS_DATA_DIR": str(tmp_path / "data")}, dotenv=tmp_path / "none")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """Return a new store."""
    with open_store(settings) as opened:
        yield opened


def test_a_program_waits_for_the_lock_until_its_holder_ends(tmp_path: Path) -> None:
    is_held, order = threading.Event(), list[str]()

    def hold() -> None:
        with lock.held(tmp_path / "lock"):
            is_held.set()
            is_waited_for.wait(timeout=10)
            order.append("first")

    is_waited_for = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(timeout=10)
    threading.Timer(0.15, is_waited_for.set).start()
    with lock.held(tmp_path / "lock", wait_s=30):
        order.append("second")
    holder.join()

    assert order == ["first", "second"]


def test_everything_but_the_hand_off_lies_in_the_data_folder(tmp_path: Path) -> None:
    layout = Layout(root=tmp_path / "data", outbox=tmp_path / "out", receipts=tmp_path / "in")
    names = [name for name, value in vars(Layout).items() if isinstance(value, property)]
    paths = {name: getattr(layout, name) for name in names}

    assert {"ledger", "lake", "simulator", "dagster", "published", "lock"} <= paths.keys()
    assert all(path.is_relative_to(layout.root) for path in paths.values())
    assert len(set(paths.values())) == len(paths)


def test_a_table_that_was_never_published_reads_as_empty(settings: Settings) -> None:
    published = Published(layout_of(settings))

    assert published.read("polls").height == 0
    assert published.read("raw_notices").height == 0
    assert first_polled_workday(layout_of(settings)) is None


def test_a_damaged_published_table_is_named(settings: Settings, store: Store) -> None:
    path = store.layout.published / "polls.000001.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"PAR1 damaged PAR1")

    with pytest.raises(StoreError, match=path.name):
        Published(layout_of(settings)).read("polls")


def test_the_first_polled_workday_is_that_of_the_first_poll_that_did_not_fail(store: Store) -> None:
    for run_id, day, outcome in (("a", MONDAY, Outcome.FAILED), ("b", TUESDAY, Outcome.NEW)):
        polls.record(store.ledger, run_id, (day, day), outcome, "said", NOW)
    publish(store.ledger, store.layout.published)

    assert first_polled_workday(store.layout) == TUESDAY


def test_each_record_of_a_poll_has_its_days_and_its_detail(store: Store) -> None:
    polls.record(store.ledger, "a", (MONDAY, TUESDAY), Outcome.PARTIAL, "taken over", NOW)
    [row] = store.ledger.read("polls").to_dicts()

    assert (row["from_workday"], row["to_workday"], row["outcome"]) == (MONDAY, TUESDAY, "partial")
    assert (row["started_at"], row["ended_at"], row["detail"]) == (NOW, NOW, "taken over")


def entry(payload: str = "{}") -> Entry:
    uid = "385fad87-b3e1-4542-a5ac-86c1b4e130af"
    return Entry(uid, MONDAY, QuarantineReason.CHANGED_NOTICE, "it says something else", payload, NOW)


def test_an_entry_is_opened_once_and_again_after_it_was_resolved(store: Store) -> None:
    ledger = store.ledger

    assert quarantine.record(ledger, [entry(), entry()]) == 1
    assert quarantine.record(ledger, [entry('{"later": 1}')]) == 0
    assert quarantine.open_entries(ledger) == [entry('{"later": 1}')], "the newest version"
    quarantine.resolve(ledger, [entry().entry_id], NOW)
    assert quarantine.open_entries(ledger) == []
    assert quarantine.record(ledger, [entry('{"later": 2}')]) == 1
    assert quarantine.open_entries(ledger) == [entry('{"later": 2}')]
    assert store.ledger.read("quarantine").height == 1


def test_the_demo_does_not_change_an_existing_register(settings: Settings) -> None:
    settings.customers.parent.mkdir(parents=True)
    settings.customers.write_bytes(b"the bank's own")

    make_fresh(settings)
    make_fresh(settings)

    assert settings.customers.read_bytes() == b"the bank's own"
    assert not settings.accounts.exists()


def test_the_demo_gives_a_new_folder_its_register(settings: Settings) -> None:
    make_fresh(settings)

    assert settings.customers.read_bytes().startswith(b"customer_ref")
    assert settings.accounts.read_bytes().startswith(b"account_no")
