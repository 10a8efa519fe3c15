"""`konkurs.duckdb`: views, with comments, over the lake and over what the ledger publishes, and the "as of" macros.

The file holds definitions only, so it changes when a definition or the folder changes, never because of a run; then it is
replaced whole. Analysts may keep it open as long as they like.
"""

from __future__ import annotations

import inspect
from pathlib import Path

from konkurs_pipeline.domain.datasets import DatasetMap
from konkurs_pipeline.schemas.requests import ControlRequests
from konkurs_pipeline.schemas.tables import LAKE, LEDGER, Table, dtypes
from konkurs_pipeline.schemas.views import Documents
from konkurs_pipeline.storage.control_requests import requests_query
from konkurs_pipeline.storage.files import PRIVATE_FILE, hash_of, replace_atomically, write_bytes_atomically
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger.database import connect
from konkurs_pipeline.storage.readers.as_of import macros
from konkurs_pipeline.storage.readers.documents import documents_query


def ensure_views(layout: Layout, fields: DatasetMap) -> None:
    """Make `konkurs.duckdb` hold today's definitions: it is replaced where it has others, such as another dataset map."""
    layout.control_requests.touch(PRIVATE_FILE)
    statements = list(_statements(layout, fields))
    wanted = hash_of("\n".join(statements).encode())
    if _definitions_of(layout.analyst_database) == wanted:
        return
    replace_atomically(layout.analyst_database, lambda path: _build(path, statements))
    write_bytes_atomically(_stamp(layout.analyst_database), wanted.encode())


def _definitions_of(path: Path) -> str | None:
    """Return the hash of the definitions in the file, kept beside it; null where there is no file."""
    return _stamp(path).read_text() if path.is_file() and _stamp(path).is_file() else None


def _stamp(path: Path) -> Path:
    return path.with_name(f".{path.name}.definitions")


def _build(path: Path, statements: list[str]) -> None:
    path.unlink()
    with connect(path) as con:
        for statement in statements:
            con.execute(statement)
    path.chmod(PRIVATE_FILE)


def _statements(layout: Layout, fields: DatasetMap) -> list[str]:
    statements = []
    for name, table in LAKE.items():
        statements += _view(name, table, _from_files(table, f"{layout.table(name)}/*.parquet"))
    for name, table in LEDGER.items():
        statements += _view(name, table, _from_files(table, f"{layout.published}/{name}.parquet"))
    statements += _view("control_requests", ControlRequests, requests_query(_text(str(layout.control_requests))))
    documents = documents_query(fields, list(dtypes(Documents)), "expanded_datasets")
    statements += _view("documents", Documents, documents)
    return [*statements, *macros()]


def _from_files(table: type[Table], files: str) -> str:
    columns = ", ".join(f'"{column}"' for column in dtypes(table))
    return f"SELECT {columns} FROM read_parquet({_text(files)})"  # noqa: S608 -- own names


def _view(name: str, table: type[Table], query: str) -> list[str]:
    comments = {c: column.description for c, column in table.to_schema().columns.items()}
    return [
        f"CREATE VIEW {name} AS {query}",
        f"COMMENT ON VIEW {name} IS {_text(inspect.cleandoc(table.__doc__ or ''))}",
        *(f'COMMENT ON COLUMN {name}."{c}" IS {_text(said or "")}' for c, said in comments.items()),
    ]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
