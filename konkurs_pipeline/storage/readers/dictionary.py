"""The data dictionary (docs/data_dictionary.md), from the tables as `schemas` declares them: `make docs` writes it.

What belongs here: the form of the page. What does not: facts about a column (schemas).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Final

from konkurs_pipeline.schemas.table import ColumnFacts, Privacy, facts
from konkurs_pipeline.schemas.tables import JOURNALS, KEYS, LAKE, LEDGER, Table
from konkurs_pipeline.schemas.views import VIEW_KEYS, VIEWS
from konkurs_pipeline.storage.readers.as_of import COMMENTS

_SOURCES: Final = {
    "lake": "lake, one Parquet file a month",
    "ledger": "ledger, published after each run",
    "journal": "a journal beside the ledger, shown at once",
    "view": "nowhere, made when it is read",
}
_HEAD: Final = """# Data dictionary

Made by `make docs` from the tables as the code declares them (konkurs_pipeline/schemas); a test says that it is current.
How to use the views, and ready questions: [analysts.md](analysts.md).

- **null**: whether the column may be null; its meaning says what null means.
- **term**: the Norwegian term of the service or the bank's file that the value comes from; empty: our own.
- **personal**: what it may tell of a person, which decides what a pseudonymised copy (`konkurs publish`) has in its place:
  *identifier*: a keyed pseudonym; *reference*: itself, unless it has the form of an identifier; *text*: itself, such
  numbers masked; *name*, *address*, *document*, *hash*: it is left out.
- Instants (`_at`) are TIMESTAMPTZ, in UTC; `_date` and `workday` are Norwegian calendar dates.
"""


def data_dictionary() -> str:
    """Return the page, Markdown."""
    tables = {**LAKE, **LEDGER, **JOURNALS, **VIEWS}
    parts = [_HEAD, *(_section(name, table) for name, table in tables.items()), _macros()]
    return "\n".join(parts)


def _section(name: str, table: type[Table]) -> str:
    columns = facts(table)
    source = _SOURCES[
        "lake" if name in LAKE else "ledger" if name in LEDGER else "journal" if name in JOURNALS else "view"
    ]
    key = VIEW_KEYS[name] if name in VIEWS else KEYS[name]
    personal = [f"`{column}`" for column, facts in columns.items() if facts.privacy is not Privacy.NONE]
    head = (
        f"## {name}\n\n{inspect.cleandoc(table.__doc__ or '')}\n\n"
        f"Key: {', '.join(f'`{column}`' for column in key)}. Kept in: {source}. "
        f"Personal, or may hold what is: {', '.join(personal) or 'nothing'}.\n\n"
        "| column | type | null | term | personal | meaning |\n|---|---|---|---|---|---|\n"
    )
    return head + "".join(_row(column, facts) for column, facts in columns.items())


def _row(column: str, facts: ColumnFacts) -> str:
    personal = facts.privacy.value if facts.privacy not in (None, Privacy.NONE) else ""
    return (
        f"| `{column}` | {facts.sql_type} | {'yes' if facts.is_nullable else ''} | {facts.source or ''} | {personal} | "
        f"{''.join(_meaning(facts))} |\n"
    )


def _meaning(facts: ColumnFacts) -> Iterator[str]:
    yield facts.description.replace("|", "\\|")
    not_described = [value for value in facts.allowed if value not in facts.description]
    if not_described:
        yield f"; one of {', '.join(f'`{value}`' for value in facts.allowed)}"


def _macros() -> str:
    rows = "".join(f"| `{name}(t)` | {comment} |\n" for name, comment in COMMENTS.items())
    return (
        f"## As of\n\nTable macros: `FROM estates_as_of('2018-07-01 12:00')`.\n\n| macro | gives |\n|---|---|\n{rows}"
    )


if __name__ == "__main__":
    sys.stdout.write(data_dictionary())
