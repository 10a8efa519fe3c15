"""The view `documents` reads any expanded dataset through any map as `DatasetMap` does."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.domain.documents.datasets import ASSUMED_PATHS, DatasetMap
from konkurs_pipeline.storage.readers.documents import documents_query

COLUMNS = ["konkursgrunnlag", "fristdag", "konkursbo_orgnr", "linked_unit_count"]
KEYS = st.sampled_from(["a", "b", "it's", "å ø", "x-y", "0", "[]"])
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from(["", "B", "2018-05-30", "910 425\u00a0463", "æ'\"\\"])
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
PATHS = st.lists(st.lists(st.tuples(KEYS, st.booleans()), min_size=1, max_size=3), max_size=3).map(
    lambda paths: tuple(".".join(key + ("[]" if each else "") for key, each in path) for path in paths)
)


CON = duckdb.connect()
ONE = "(SELECT 'u' AS uuid, DATE '2018-06-08' AS workday, now() AS fetched_at, ?::VARCHAR AS payload)"


def read(payload: str, fields: DatasetMap) -> dict[str, Any]:
    """Return the row of one document."""
    (row,) = CON.execute(documents_query(fields, COLUMNS, ONE), [payload]).fetchall()
    return dict(zip(COLUMNS, row, strict=True))


@given(st.dictionaries(KEYS, TREES, max_size=4), PATHS, PATHS)
def test_the_view_finds_texts_and_linked_units_where_the_map_finds_them(
    document: dict[str, Any], texts: tuple[str, ...], units: tuple[str, ...]
) -> None:
    fields = DatasetMap({**ASSUMED_PATHS, "grounds": texts, "konkursbo_id": texts, "linked_units": units})
    row = read(json.dumps(document), fields)
    assert row["konkursgrunnlag"] == fields.text(document, "grounds")
    assert row["konkursbo_orgnr"] == fields.text(document, "konkursbo_id")
    assert row["linked_unit_count"] == len(fields.linked_units(document))


UNREADABLE = ['{"konkursgrunnlag": "\\ud800"}', "[]", "3", "null", "{", '{"fristdag": "30.05.2018"}', "[" * 2000]


@pytest.mark.parametrize("payload", UNREADABLE)
def test_an_unreadable_document_is_a_row_of_nulls_and_breaks_no_other(payload: str) -> None:
    row = read(payload, DatasetMap())
    assert (row["konkursgrunnlag"], row["fristdag"], row["linked_unit_count"]) == (None, None, 0)


@pytest.mark.parametrize("path", ["", "a..b", "*", 'a"b', "a\\b", "a\u0000b"])
def test_a_path_that_duckdb_cannot_name_finds_nothing_and_does_not_break_the_view(path: str) -> None:
    fields = DatasetMap({**ASSUMED_PATHS, "grounds": (path, "konkursgrunnlag"), "linked_units": (path,)})
    assert read('{"konkursgrunnlag": "B", "*": "T"}', fields)["konkursgrunnlag"] == "B"
