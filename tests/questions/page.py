"""docs/questions.md: the ready questions with their SQL, answers from a made year, and how long each takes over ten years.

    python -m tests.questions.page [--years N] > docs/questions.md

The questions are docs/questions/*.sql: a comment with the question and what to know of it, then one statement. What does
not belong here: the data (made_years).
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.store import open_store
from tests.questions.made_years import MadeYears

FOLDER: Final = Path(__file__).parents[2] / "docs" / "questions"
YEAR: Final = 2024
_SEED: Final = 1
_RUNS: Final = 3
_HEAD: Final = """# Questions, with their SQL and answers

For `data/konkurs.duckdb`: [how to open it](analysts.md), [every column](data_dictionary.md).
Each is a file in [questions/](questions/), and a test runs them all. Answers for Brreg's test notices, from `konkurs demo`,
are in [analysts.md](analysts.md).

**The answers here are of made data**: the notices of 2024 from the simulator's generator (seed 1), estates folded from
them by the product's code, and, drawn at random, one debtor in twenty a customer, polls, hand-overs and core banking's
answers. They show the form and the volume of an answer; the times in them are nobody's measurement.
"""


@dataclass(frozen=True)
class Question:
    """One file of docs/questions."""

    title: str
    note: str
    sql: str


def questions() -> list[Question]:
    """Return the questions in order."""
    return [_question(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.sql"))]


def _question(text: str) -> Question:
    lines = text.splitlines()
    comment = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    sql = "\n".join(line for line in lines if not line.startswith("--"))
    return Question(comment[0], " ".join(comment[1:]), sql)


def made_store(folder: Path, first: dt.date, last: dt.date) -> Layout:
    """Fill a new store in `folder` with made data of these days."""
    environ = {"KONKURS_DATA_DIR": str(folder), "KONKURS_API_URL": "http://127.0.0.1:1"}
    with open_store(load_settings(environ, dotenv=folder / "none")) as store:
        MadeYears(_SEED, first, last).write(store)
        return store.layout


def analyst_of(layout: Layout) -> duckdb.DuckDBPyConnection:
    """Open the views as an analyst does."""
    con = duckdb.connect(str(layout.analyst_database), read_only=True)
    con.execute("SET TimeZone = 'Europe/Oslo'")
    return con


def answer(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the names of the columns and the rows."""
    found = con.execute(sql)
    return [column[0] for column in found.description], found.fetchall()


def milliseconds(con: duckdb.DuckDBPyConnection, sql: str) -> float:
    """Return the median processor time, of all threads, to all rows: what else the machine does is not in it."""
    times = []
    for _ in range(_RUNS):
        began = time.process_time()
        con.execute(sql).fetchall()
        times.append(time.process_time() - began)
    return statistics.median(times) * 1000


def _table(names: list[str], rows: list[tuple[Any, ...]]) -> str:
    lines = [names, ["---"] * len(names), *([_shown(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(value: object) -> str:
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)


def page(years: int) -> str:
    """Return the page: answers from the year, times over so many years that end with it."""
    parts = [_HEAD]
    with tempfile.TemporaryDirectory() as folder:
        year = made_store(Path(folder) / "year", dt.date(YEAR, 1, 1), dt.date(YEAR, 12, 31))
        long = made_store(Path(folder) / "long", dt.date(YEAR - years + 1, 1, 1), dt.date(YEAR, 12, 31))
        with analyst_of(year) as one, analyst_of(long) as many:
            ((notices,),) = many.execute("SELECT count(*) FROM raw_notices").fetchall()
            parts.append(
                f"Times: processor time of all threads over {years} years, {notices:,} notices, median of {_RUNS}.\n"
            )
            for question in questions():
                took = milliseconds(many, question.sql)
                shown = _table(*answer(one, question.sql))
                parts += [f"## {question.title}", question.note, f"```sql\n{question.sql}\n```", shown]
                parts.append(f"{took:.0f} ms of processor time.")
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=10)
    sys.stdout.write(page(parser.parse_args().years))
