"""docs/questions.md: the ready questions, their answers from a made year, and how long each takes over ten years.

    python -m tests.questions.page [--years N] > docs/questions.md

What does not belong here: the data (made_years).
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import duckdb

from konkurs_pipeline.enquiries.questions import Question, questions
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.store import open_store
from tests.questions.made_years import MadeYears

PAGE: Final = Path(__file__).parents[2] / "docs" / "questions.md"
YEAR: Final = 2024
_SEED: Final = 1
_RUNS: Final = 3
_HEAD: Final = """# Ready questions

`konkurs ask N` runs a question and prints its answer (`--csv`, `--json`). Its SQL is the file behind the heading, for
[any DuckDB client](analysts.md).

**The answers here are of made data**: the simulator's notices of 2024 (seed 1), folded by the product's code. One debtor in
twenty is a customer; polls, files and core banking's answers are drawn at random. They show the form of an answer, and no
measurement.
"""


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


def heading(question: Question) -> str:
    """Return the heading of a question: its number, and a link to its SQL."""
    return f"## {question.number}. [{question.title}](questions/{question.file})"


def page(years: int) -> str:
    """Return the page: answers from the year, times over so many years that end with it."""
    parts = [_HEAD]
    with tempfile.TemporaryDirectory() as folder:
        year = made_store(Path(folder) / "year", dt.date(YEAR, 1, 1), dt.date(YEAR, 12, 31))
        long = made_store(Path(folder) / "long", dt.date(YEAR - years + 1, 1, 1), dt.date(YEAR, 12, 31))
        with analyst_of(year) as one, analyst_of(long) as many:
            ((notices,),) = many.execute("SELECT count(*) FROM raw_notices").fetchall()
            parts.append(f"Times: processor time over {years} years, {notices:,} notices, median of {_RUNS}.\n")
            for question in questions():
                took = milliseconds(many, question.sql)
                shown = _table(*answer(one, question.sql))
                parts += [heading(question), f"{question.note} *{took:.0f} ms.*", shown]
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=10)
    sys.stdout.write(page(parser.parse_args().years))
