"""The ledger as a database: texts given as one parameter, and what a run that adds a row has written anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.storage.ledger import EACH, Ledger


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    opened = Ledger(tmp_path_factory.mktemp("ledger") / "ledger.duckdb")
    yield opened
    opened.close()


@given(texts=st.lists(st.text(st.characters(codec="utf-8"))))
def test_texts_given_as_one_parameter_arrive_as_they_are(ledger: Ledger, texts: list[str]) -> None:
    assert [text for (text,) in ledger.rows(f"SELECT {EACH}", [texts])] == texts


def test_a_long_table_stands_in_many_groups_of_rows_of_which_a_run_writes_the_last(tmp_path: Path) -> None:
    path = tmp_path / "it's a ledger" / "ledger.duckdb"
    ledger = Ledger(path)
    ledger.execute("INSERT INTO outbox_content SELECT range, 'jsonl'::BLOB, 'manifest'::BLOB FROM range(40000)")
    ledger.close()
    again = Ledger(path)
    again.execute("INSERT INTO outbox_content VALUES (40000, ''::BLOB, ''::BLOB)")
    ((groups,),) = again.rows("SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('outbox_content')")
    again.close()
    assert groups >= 40000 / 8192
    assert [name.name for name in path.parent.iterdir()] == ["ledger.duckdb", "ledger.duckdb.sha256"]
