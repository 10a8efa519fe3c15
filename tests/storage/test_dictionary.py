"""The data dictionary agrees with the code, and gives what a reader must know of each table."""

from __future__ import annotations

from pathlib import Path

import pytest

from konkurs_pipeline.schemas.table import facts
from konkurs_pipeline.schemas.tables import JOURNALS, KEYS, LAKE, LEDGER, Table
from konkurs_pipeline.schemas.views import VIEW_KEYS, VIEWS
from konkurs_pipeline.storage.readers.dictionary import data_dictionary

PAGE = Path(__file__).parents[2] / "docs" / "data_dictionary.md"
TABLES = {**LAKE, **LEDGER, **JOURNALS, **VIEWS}


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == data_dictionary(), "run `make docs`"


@pytest.mark.parametrize(("name", "table"), TABLES.items(), ids=TABLES)
def test_each_table_names_its_grain_and_its_key(name: str, table: type[Table]) -> None:
    assert "One row per" in (table.__doc__ or "")
    assert set({**KEYS, **VIEW_KEYS}[name]) <= set(facts(table))


def test_a_column_names_its_source_and_its_allowed_values() -> None:
    row = next(line for line in data_dictionary().splitlines() if line.startswith("| `debtor_kind`"))
    assert "`orgnr`" in row
    row = next(line for line in data_dictionary().splitlines() if line.startswith("| `ruling_date`"))
    assert "| DATE | yes | kjennelsesdato |" in row
