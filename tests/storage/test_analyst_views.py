"""`konkurs.duckdb` (docs/analysts.md): the promised views and columns, a comment on each, and readers that delay no run."""

from __future__ import annotations

import datetime as dt
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from konkurs_pipeline.domain.workdays import Window
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.ledger.polls import begin, count_notices
from konkurs_pipeline.storage.store import Store, open_store

DAY = dt.date(2018, 9, 3)
NOW = dt.datetime(2018, 9, 3, 12, tzinfo=dt.UTC)
WINDOW = Window(DAY, DAY, DAY)
TEXT, DATE, INSTANT, COUNT = "VARCHAR", "DATE", "TIMESTAMP WITH TIME ZONE", "BIGINT"
PROMISED: dict[str, dict[str, str]] = {
    "raw_notices": {
        "uuid": TEXT,
        "workday": DATE,
        "type": TEXT,
        "registered_at": INSTANT,
        "registered_at_text": TEXT,
        "ruling_date": DATE,
        "debtor_id": TEXT,
        "debtor_kind": TEXT,
        "first_seen_at": INSTANT,
        "payload": TEXT,
    },
    "expanded_datasets": {"uuid": TEXT, "workday": DATE, "fetched_at": INSTANT, "payload": TEXT},
    "debtors": {
        "notice_uuid": TEXT,
        "workday": DATE,
        "national_id": TEXT,
        "id_kind": TEXT,
        "role": TEXT,
        "name": TEXT,
    },
    "customer_matches": {
        "notice_uuid": TEXT,
        "workday": DATE,
        "customer_ref": TEXT,
        "matched_via": TEXT,
        "national_id": TEXT,
        "found_at": INSTANT,
    },
    "actions": {
        "action_id": TEXT,
        "action": TEXT,
        "customer_ref": TEXT,
        "account_no": TEXT,
        "notice_uuid": TEXT,
        "reason": TEXT,
        "caused_by": TEXT,
        "decided_at": INSTANT,
        "status": TEXT,
        "seq": COUNT,
        "exported_at": INSTANT,
        "confirmed_at": INSTANT,
    },
    "estates": {
        "debtor_id": TEXT,
        "opening_uuid": TEXT,
        "state": TEXT,
        "ruling_date": DATE,
        "registered_at": INSTANT,
        "state_since": INSTANT,
    },
    "polls": {
        "run_id": TEXT,
        "started_at": INSTANT,
        "ended_at": INSTANT,
        "from_workday": DATE,
        "to_workday": DATE,
        "outcome": TEXT,
        "notices_seen": COUNT,
        "notices_new": COUNT,
        "detail": TEXT,
    },
    "documents": {
        "notice_uuid": TEXT,
        "workday": DATE,
        "fetched_at": INSTANT,
        "name": TEXT,
        "postal_code": TEXT,
        "postal_place": TEXT,
        "konkursgrunnlag": TEXT,
        "avviklingskode": TEXT,
        "avslutningskode": TEXT,
        "innstillingsdato": DATE,
        "fristdag": DATE,
        "fordringsfrist": DATE,
        "tingrett": TEXT,
        "bostyrer_name": TEXT,
        "konkursbo_orgnr": TEXT,
        "linked_unit_count": COUNT,
    },
    "quarantine": {
        "uuid": TEXT,
        "workday": DATE,
        "reason": TEXT,
        "detail": TEXT,
        "payload": TEXT,
        "first_seen_at": INSTANT,
        "resolved_at": INSTANT,
    },
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an open store that has published once, still empty."""
    environ = {"KONKURS_DATA_DIR": str(tmp_path / "it's data"), "KONKURS_API_URL": "http://127.0.0.1:1"}
    with open_store(load_settings(environ, dotenv=tmp_path / "none")) as opened:
        opened.publish()
        yield opened


@pytest.fixture
def analyst(store: Store) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(store.layout.analyst_database), read_only=True) as con:
        yield con


@pytest.mark.parametrize("view", PROMISED)
def test_each_promised_view_has_its_columns_and_types_even_when_empty(
    analyst: duckdb.DuckDBPyConnection, view: str
) -> None:
    described = {name: kind for name, kind, *_ in analyst.execute(f"DESCRIBE {view}").fetchall()}
    assert {name: described.get(name) for name in PROMISED[view]} == PROMISED[view]
    assert analyst.execute(f"SELECT count(*) FROM {view}").fetchall() == [(0,)]  # noqa: S608 -- names of this file


def test_every_view_and_column_has_a_comment(analyst: duckdb.DuckDBPyConnection) -> None:
    views = analyst.execute("SELECT view_name, comment FROM duckdb_views() WHERE NOT internal").fetchall()
    assert {name for name, _ in views} >= set(PROMISED)
    assert [name for name, comment in views if not comment] == []
    columns = analyst.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND coalesce(comment, '') = ''"
    ).fetchall()
    assert columns == []


def test_an_open_reader_sees_new_rows_at_once_and_keeps_no_run_waiting(
    store: Store, analyst: duckdb.DuckDBPyConnection
) -> None:
    for n in range(1, 4):
        begin(store.ledger, f"run-{n}", WINDOW, NOW)
        count_notices(store.ledger, f"run-{n}", seen=n, new=0)
        store.publish()
        assert analyst.execute("SELECT max(notices_seen) FROM polls").fetchall() == [(n,)]


READER = """
import duckdb, sys
con = duckdb.connect(sys.argv[1], read_only=True)
for _ in sys.stdin:
    print(con.execute("SELECT count(*) FROM polls").fetchone()[0], flush=True)
"""


def test_a_reader_in_another_process_neither_stops_runs_nor_breaks(store: Store) -> None:
    command = [sys.executable, "-c", READER, str(store.layout.analyst_database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:  # noqa: S603 -- our own interpreter
        assert reader.stdin is not None
        assert reader.stdout is not None
        for n in range(1, 4):
            begin(store.ledger, f"run-{n}", WINDOW, NOW)
            store.publish()
            reader.stdin.write("\n")
            reader.stdin.flush()
            assert reader.stdout.readline() == f"{n}\n"
        reader.stdin.close()
    assert reader.returncode == 0


def test_the_file_is_not_touched_by_a_run_that_changes_no_definition(store: Store) -> None:
    path = store.layout.analyst_database
    before = path.stat()
    begin(store.ledger, "run-1", WINDOW, NOW)
    store.publish()
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert stat.S_IMODE(before.st_mode) == 0o600


def test_a_missing_file_is_made_again(store: Store) -> None:
    store.layout.analyst_database.unlink()
    store.publish()
    with duckdb.connect(str(store.layout.analyst_database), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM actions").fetchall() == [(0,)]


def test_the_ledger_is_not_the_analysts_file(store: Store) -> None:
    assert store.layout.ledger != store.layout.analyst_database
    assert store.layout.ledger.parent != store.layout.analyst_database.parent
