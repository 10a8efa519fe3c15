"""The query of the view `documents`: the fields of an expanded dataset as columns, found where the dataset map says.

It reads a document as `domain.datasets.DatasetMap` does: of several paths the first that holds a text that is not empty.
A test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from konkurs_pipeline.domain.datasets import DatasetMap

# Column → field of the dataset map.
_TEXTS: Final[Mapping[str, str]] = {
    "name": "debtor_name",
    "postal_code": "postal_code",
    "postal_place": "postal_place",
    "konkursgrunnlag": "grounds",
    "avviklingskode": "liquidation_code",
    "avslutningskode": "closing_code",
    "tingrett": "court_name",
    "bostyrer_name": "trustee_name",
    "konkursbo_orgnr": "estate_id",
}
_DATES: Final[Mapping[str, str]] = {
    "innstillingsdato": "recommendation_date",
    "fristdag": "fristdag",
    "fordringsfrist": "fordringsfrist",
}


def documents_query(fields: DatasetMap, columns: Sequence[str], datasets: str) -> str:
    """Return the query that reads `columns` of every document in `datasets`, a table expression of `expanded_datasets`."""
    known = {"notice_uuid": "uuid", "workday": "workday", "fetched_at": "fetched_at"}
    known |= {column: _first_text(fields.paths[field]) for column, field in _TEXTS.items()}
    known |= {column: f"TRY_CAST({_first_text(fields.paths[field])} AS DATE)" for column, field in _DATES.items()}
    known["linked_unit_count"] = _count_objects(fields.paths["linked_units"])
    selected = ",\n    ".join(f'{known[column]} AS "{column}"' for column in columns)
    # What DuckDB cannot parse, such as half a surrogate pair, must not break the view for the documents beside it.
    readable = f"SELECT *, CASE WHEN json_valid(payload) THEN payload END AS document FROM {datasets}"  # noqa: S608 -- own names
    return f"SELECT {selected}\nFROM ({readable})"


def _first_text(paths: Sequence[str]) -> str:
    found = [_text_at(path) for path in paths if _is_readable(path)]
    return f"coalesce({', '.join(found)}, NULL::VARCHAR)" if found else "NULL::VARCHAR"


def _text_at(path: str) -> str:
    place = _json_path(path)
    texts = f"[v ->> '$' FOR v IN json_extract(document, {place}) IF json_type(v) = 'VARCHAR' AND v ->> '$' <> '']"
    if "[]" in path:
        return f"({texts})[1]"
    return f"CASE WHEN json_type(document, {place}) = 'VARCHAR' THEN nullif(document ->> {place}, '') END"


def _count_objects(paths: Sequence[str]) -> str:
    places = [_json_path(f"{path}[]") for path in paths if _is_readable(path)]
    counts = [f"len([v FOR v IN json_extract(document, {place}) IF json_type(v) = 'OBJECT'])" for place in places]
    return " + ".join(f"coalesce({count}, 0)" for count in counts) or "0::BIGINT"


def _is_readable(path: str) -> bool:
    """Whether DuckDB's JSON paths can name it: `*` is a pattern there, and a quote or backslash cannot be escaped."""
    return path.isprintable() and not set(path) & {"*", '"', "\\"}


def _json_path(path: str) -> str:
    steps = ((key.removesuffix("[]"), "[*]" if key.endswith("[]") else "") for key in path.split("."))
    text = "$" + "".join(f'."{key}"{each}' for key, each in steps)
    return "'" + text.replace("'", "''") + "'"
