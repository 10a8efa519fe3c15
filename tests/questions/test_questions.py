"""Every ready question gives rows on generated data, and the page links it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from konkurs_pipeline.enquiries.questions import Question, questions
from konkurs_pipeline.schemas.tables import KEYS
from tests.questions.made_store import YEAR, analyst_of, answer, made_store

ANALYSTS = Path(__file__).parents[2] / "docs" / "analysts.md"


@pytest.fixture(scope="module")
def analyst(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return the views over the weeks around the moment that the questions ask about."""
    folder: Path = tmp_path_factory.mktemp("made") / "data"
    with analyst_of(made_store(folder, dt.date(YEAR, 9, 16), dt.date(YEAR, 10, 11))) as con:
        yield con


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.title)
def test_a_question_gives_rows_and_the_page_links_it(analyst: duckdb.DuckDBPyConnection, question: Question) -> None:
    names, rows = answer(analyst, question.sql)
    assert rows
    assert any(value not in {None, 0} for row in rows for value in row[1:])
    assert len(names) == len(set(names))
    page = ANALYSTS.read_text(encoding="utf-8")
    assert f"{question.number}. [{question.title}](questions/{question.file})" in page.splitlines()


@pytest.mark.parametrize("table", KEYS)
def test_the_key_in_the_dictionary_is_unique(analyst: duckdb.DuckDBPyConnection, table: str) -> None:
    keys = ", ".join(KEYS[table])
    assert answer(analyst, f"SELECT {keys} FROM {table} GROUP BY ALL HAVING count(*) > 1")[1] == []  # noqa: S608
