"""The ready questions for analysts over all years, beside the same questions on a store with one Parquet file a table.

The questions are the files docs/questions/*.sql; without them, the examples in docs/analysts.md.
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from bench.processes import Series
from bench.report import measurement, progress
from bench.scale import Scale
from bench.stores import Case
from konkurs_pipeline.domain.documents.datasets import DatasetMap
from konkurs_pipeline.schemas.tables import LAKE
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.analyst_views import ensure_views

GOAL: Final = 5.0
_ROOT: Final = Path(__file__).parents[1]
_EXAMPLE: Final = re.compile(r"\*\*([^*\n]+)\*\*\n\n```sql\n(.+?)\n```", re.DOTALL)


def measure(folder: Path, scale: Scale) -> None:
    """Measure and print."""
    case = Case(folder, scale.years, scale.customers)
    case.prepare()
    case.restore()
    store = Layout(case.live, case.live / "outbox", case.live / "receipts")
    alone = _in_single_files(store, folder / "single")
    progress("asking the analysts' questions")
    for name, sql in questions().items():
        found, floor = Series(), Series()
        for _ in range(max(scale.runs, 3)):
            floor.add(*_asked(alone, sql))
            found.add(*_asked(store, sql))
        measurement(f"analysts: {name}", found, floor, GOAL, years=case.years)


def questions() -> dict[str, str]:
    """Return the questions by name."""
    files = sorted((_ROOT / "docs" / "questions").glob("*.sql"))
    if files:
        return {path.stem: path.read_text(encoding="utf-8") for path in files}
    return dict(_EXAMPLE.findall((_ROOT / "docs" / "analysts.md").read_text(encoding="utf-8")))


def _in_single_files(store: Layout, folder: Path) -> Layout:
    """Return an analyst store in which each lake table is one file. The product's own code makes the views."""
    shutil.rmtree(folder, ignore_errors=True)
    alone = Layout(folder, folder / "outbox", folder / "receipts")
    for name in LAKE:
        alone.table(name).mkdir(parents=True)
        files = sorted(store.table(name).glob("*.parquet"))
        pl.concat([pl.read_parquet(file) for file in files]).write_parquet(alone.table(name) / "all.parquet")
    shutil.copytree(store.published, alone.published)
    ensure_views(alone, DatasetMap())
    return alone


def _asked(store: Layout, sql: str) -> tuple[float, float]:
    """Return wall and CPU seconds of opening the file, asking and reading the whole answer."""
    began, cpu = time.perf_counter(), time.process_time()
    with duckdb.connect(str(store.analyst_database), read_only=True) as con:
        con.execute(sql).fetchall()
    return time.perf_counter() - began, time.process_time() - cpu
