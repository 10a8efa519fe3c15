"""The query of the view `documents`: the fields of an expanded dataset as columns, by the paths of the dataset map.

It reads a document as `DatasetMap` does: of several paths, the first with a text that is not empty. A test compares the
two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from konkurs_pipeline.domain.documents.datasets import DatasetMap

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
    "konkursbo_orgnr": "konkursbo_id",
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
    known["konkursbo_orgnr"] = _number(known["konkursbo_orgnr"])
    known["linked_unit_count"] = _count_objects(fields.paths["linked_units"])
    selected = ",\n    ".join(f'{known[column]} AS "{column}"' for column in columns)
    # If DuckDB cannot parse a document (half a surrogate pair, say), the view must still show the others.
    readable = f"SELECT *, CASE WHEN json_valid(payload) THEN payload END AS document FROM {datasets}"  # noqa: S608 -- own names
    return f"SELECT {selected}\nFROM ({readable})"


def _first_text(paths: Sequence[str]) -> str:
    found = [_text_at(path) for path in paths if _is_readable(path)]
    return f"coalesce({', '.join(found)}, NULL::VARCHAR)" if found else "NULL::VARCHAR"


def _text_at(path: str) -> str:
    if "[]" in path:
        return f"[v ->> '$' FOR v IN {_values_at(path)} IF json_type(v) = 'VARCHAR' AND (v ->> '$') <> ''][1]"
    place = _quoted("$" + "".join(f'."{key}"' for key in path.split(".")))
    return f"CASE WHEN json_type(document, {place}) = 'VARCHAR' THEN nullif(document ->> {place}, '') END"


def _number(text: str) -> str:
    """Return the expression that removes the spaces from a number, and leaves other text as it is."""
    digits = (
        f"regexp_replace({text}, '[\\s\\p{{Z}}\\x{{1c}}-\\x{{1f}}\\x{{85}}\\x{{200b}}\\x{{2060}}\\x{{feff}}]', '', 'g')"
    )
    return f"CASE WHEN regexp_full_match({digits}, '[0-9]{{9}}([0-9]{{2}})?') THEN {digits} ELSE {text} END"


def _count_objects(paths: Sequence[str]) -> str:
    values = [_values_at(f"{path}[]") for path in paths if _is_readable(f"{path}[]")]
    counts = [f"len([v FOR v IN {each} IF json_type(v) = 'OBJECT'])" for each in values]
    return " + ".join(f"coalesce({count}, 0)" for count in counts) or "0::BIGINT"


def _values_at(path: str) -> str:
    """Return the expression that lists the values at a path, key by key: DuckDB's `[*]` treats a text as a list of one."""
    values = "[document::JSON]"
    for step in path.split("."):
        key = step.removesuffix("[]")
        place = _quoted(f'$."{key}"')
        values = f"[json_extract(x, {place}) FOR x IN {values} IF json_type(x) = 'OBJECT']"
        if step.endswith("[]"):
            elements = "CASE json_type(x) WHEN 'ARRAY' THEN json_extract(x, '$[*]') ELSE [x] END"
            values = f"flatten([{elements} FOR x IN {values}])"
    return values


def _is_readable(path: str) -> bool:
    """Whether a JSON path of DuckDB can name it: `*` is a pattern there, and a quote or backslash cannot be escaped."""
    keys = [step.removesuffix("[]") for step in path.split(".")]
    return all(keys) and path.isprintable() and not set(path) & {"*", '"', "\\"}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
