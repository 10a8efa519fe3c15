"""The ledger as a database: long lists as one parameter, and the row groups that a run writes again."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.ledger.connection import EACH
from konkurs_pipeline.storage.ledger.database import Ledger


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    opened = Ledger(tmp_path_factory.mktemp("ledger") / "ledger.duckdb")
    yield opened
    opened.close()


def printed_by_a_process(script: str, path: Path, **environ: str) -> str:
    """Run a script on the ledger at `path` in a process of its own; returns its output."""
    ended = subprocess.run(  # noqa: S603 -- own script
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environ},
    )
    return ended.stdout


@given(texts=st.lists(st.text(st.characters(codec="utf-8"))))
def test_texts_in_one_parameter_arrive_unchanged(ledger: Ledger, texts: list[str]) -> None:
    assert [text for (text,) in ledger.rows(f"SELECT {EACH}", [texts])] == texts


def test_a_run_writes_only_the_last_row_group_of_a_long_table(tmp_path: Path) -> None:
    path = tmp_path / "it's a ledger" / "ledger.duckdb"
    ledger = Ledger(path)
    ledger.execute("INSERT INTO outbox_content SELECT range, 'jsonl'::BLOB, 'manifest'::BLOB FROM range(40000)")
    ledger.close()
    again = Ledger(path)
    again.execute("INSERT INTO outbox_content VALUES (40000, ''::BLOB, ''::BLOB)")
    ((groups,),) = again.rows("SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('outbox_content')")
    again.close()
    assert groups >= 40000 / 8192
    assert sorted(file.name for file in path.parent.iterdir()) == ["ledger.duckdb", "ledger.duckdb.sha256"]


def test_data_larger_than_the_memory_goes_to_a_file_beside_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "ledger.duckdb"
    ledger = Ledger(path)
    assert ledger.rows("SELECT current_setting('temp_directory')") == [(f"{path}.tmp",)]
    ledger.close()


_FULL = """
import resource, sys
from pathlib import Path
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.ledger.database import Ledger

path = Path(sys.argv[1])
ledger = Ledger(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(f"{path.name}.wal").stat().st_size, resource.RLIM_INFINITY))
try:
    with ledger.transaction():
        ledger.execute("INSERT INTO receipts_seen VALUES (?, NULL)", ["x" * 100_000])
except StoreError as error:
    print(error)
"""


def test_a_log_that_cannot_be_written_is_reported_with_the_cure(tmp_path: Path) -> None:
    printed = printed_by_a_process(_FULL, tmp_path / "ledger" / "ledger.duckdb")
    assert "ledger.duckdb failed (TransactionException). Make room" in printed


def test_an_existing_key_is_never_overwritten_and_rows_are_read_in_key_order(tmp_path: Path) -> None:
    day = dt.date(2018, 9, 3)
    row = {"started_at": dt.datetime(2018, 9, 3, 10, tzinfo=dt.UTC), "from_workday": day, "to_workday": day}
    ledger = Ledger(tmp_path / "ledger" / "ledger.duckdb")
    ledger.append("polls", [{**row, "run_id": run_id} for run_id in ("c", "a", "b")])
    with pytest.raises(duckdb.ConstraintException):
        ledger.append("polls", [{**row, "run_id": "a"}])
    assert ledger.read("polls")["run_id"].to_list() == ["a", "b", "c"]
    ledger.close()


def test_a_version_of_a_receipt_may_be_noted_twice_and_answers_may_come_at_once(tmp_path: Path) -> None:
    at = dt.datetime(2018, 9, 3, 10, tzinfo=dt.UTC)
    answer = {"run_id": "r", "resource": "/x", "fetched_at": at, "sha256": "0" * 64, "byte_count": 1}
    ledger = Ledger(tmp_path / "ledger" / "ledger.duckdb")
    ledger.append("answers", [answer])
    ledger.append("answers", [answer])
    assert ledger.read("answers").height == 2
    ledger.close()


_IN_OSLO = """
import sys
from pathlib import Path
from konkurs_pipeline.storage.ledger.database import Ledger

ledger = Ledger(Path(sys.argv[1]))
print(*ledger.rows("SELECT TIMESTAMPTZ '2018-09-03 12:00:00+00', strftime(TIMESTAMPTZ '2018-09-03 12:00:00+00', '%H:%M')")[0])
"""


def test_times_are_utc_in_any_time_zone_of_the_machine(tmp_path: Path) -> None:
    printed = printed_by_a_process(_IN_OSLO, tmp_path / "ledger" / "ledger.duckdb", TZ="Europe/Oslo")
    assert printed == "2018-09-03 12:00:00+00:00 12:00\n"


def test_an_untrusted_ledger_stays_untrusted_until_somebody_trusts_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "ledger.duckdb"
    Ledger(path).close()
    old = path.read_bytes()
    ledger = Ledger(path)
    ledger.execute("INSERT INTO receipts_seen VALUES ('a name', NULL)")
    ledger.close()
    path.write_bytes(old)
    for _ in range(2):
        ledger = Ledger(path)
        assert ledger.untrusted_reason is not None
        ledger.close()
    ledger = Ledger(path)
    ledger.trust()
    ledger.close()
    ledger = Ledger(path)
    assert ledger.untrusted_reason is None
    ledger.close()


def test_rows_that_cannot_be_read_are_named_with_the_cure(tmp_path: Path) -> None:
    """The bytes of a table are wrong, and DuckDB finds it out only when it reads them."""
    path = tmp_path / "ledger" / "ledger.duckdb"
    ledger = Ledger(path)
    rows = "SELECT uuid()::VARCHAR, now(), sha256(range::VARCHAR), '', uuid()::VARCHAR FROM range(40000)"
    ledger.execute(f"INSERT INTO answers (run_id, fetched_at, sha256, resource, kept_sha256) {rows}")
    ledger.close()
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = bytes(byte ^ 1 for byte in content[middle : middle + 4096])
    path.write_bytes(content)
    ledger = Ledger(path)
    with pytest.raises(StoreError, match="restore the file from a copy"):
        ledger.read("answers")
    with suppress(StoreError):
        ledger.close()


def test_only_the_owner_can_open_the_file_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Ledger(tmp_path / "ledger" / "ledger.duckdb").close()
    finally:
        os.umask(before)
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in (tmp_path / "ledger").iterdir()} == {
        "ledger.duckdb": "0o600",
        "ledger.duckdb.sha256": "0o600",
    }


_OPENED_BY_ANOTHER = """
import sys
from pathlib import Path
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.ledger.database import Ledger

try:
    Ledger(Path(sys.argv[1]))
except StoreError as error:
    print(error)
"""


def test_a_ledger_that_another_program_has_open_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "ledger.duckdb"
    ledger = Ledger(path)
    assert "is open in another program" in printed_by_a_process(_OPENED_BY_ANOTHER, path)
    ledger.close()
