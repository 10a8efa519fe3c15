"""`konkurs.duckdb`: views, with comments, over the lake and over what the ledger publishes, and the "as of" macros.

The file holds definitions only. It is replaced whole if a definition or the folder changes, not because of a run.
Analysts may keep it open as long as they like.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Final

from konkurs_pipeline.domain.documents.datasets import DatasetMap
from konkurs_pipeline.schemas.requests import ControlRequests
from konkurs_pipeline.schemas.tables import LAKE, LEDGER, Table, dtypes
from konkurs_pipeline.schemas.views import Documents, FirstSeen
from konkurs_pipeline.storage.control_requests import requests_query
from konkurs_pipeline.storage.files import PRIVATE_FILE, hash_of, replace_atomically, write_bytes_atomically
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger.connection import connect, sql_text
from konkurs_pipeline.storage.readers.as_of import macros
from konkurs_pipeline.storage.readers.control_request_macro import control_request_macro
from konkurs_pipeline.storage.readers.documents import documents_query
from konkurs_pipeline.storage.readers.first_seen import FIRST_SEEN_QUERY

# The name of a published file without its version.
_PART: Final = "regexp_replace(file, '[.][0-9]+[.]parquet$', '')"


def ensure_views(layout: Layout, fields: DatasetMap) -> None:
    """If `konkurs.duckdb` is damaged or has other definitions than today's, replace it."""
    layout.control_requests.touch(PRIVATE_FILE)
    path, statements = layout.analyst_database, list(_statements(layout, fields))
    wanted = hash_of("\n".join(statements).encode())
    if _stamp_of(path) == f"{wanted} {_hash_or_no_file(path)}":
        return
    replace_atomically(path, lambda temporary: _build(temporary, statements))
    write_bytes_atomically(_stamp(path), f"{wanted} {_hash_or_no_file(path)}".encode())


def view_problems(layout: Layout) -> list[str]:
    """Return a line if `konkurs.duckdb` is not what the last run wrote; nothing if none was ever written."""
    path = layout.analyst_database
    stamp = _stamp_of(path)
    if stamp is None or stamp.endswith(f" {_hash_or_no_file(path)}"):
        return []
    return [f"{path} is damaged, gone, or was changed: the next run makes it again"]


def _stamp_of(path: Path) -> str | None:
    """Return the hashes of the definitions and of the file, which stand beside it; null if there are none."""
    return _stamp(path).read_text(encoding="utf-8", errors="replace") if _stamp(path).is_file() else None


def _hash_or_no_file(path: Path) -> str:
    return hash_of(path.read_bytes()) if path.is_file() else "no file"


def _stamp(path: Path) -> Path:
    return path.with_name(f".{path.name}.definitions")


def _build(path: Path, statements: list[str]) -> None:
    path.unlink()
    with connect(path) as con:
        # One transaction: a disk sync for each of some 300 statements would take longer than a poll.
        con.begin()
        for statement in statements:
            con.execute(statement)
        con.commit()
    path.chmod(PRIVATE_FILE)


def _statements(layout: Layout, fields: DatasetMap) -> list[str]:
    statements = []
    for name, table in LAKE.items():
        # A month has seven characters: yyyy-mm. The file without rows gives the columns before the first month.
        folder = layout.table(name)
        month = f"left(file, {len(f'{folder}/yyyy-mm')})"
        query = _newest(table, f"{folder}/*.parquet", f"{folder}/*.[0-9]*.parquet", month)
        statements += _view(name, table, query)
    for name, table in LEDGER.items():
        # `[-.]`: another table's name may begin with this one's.
        files = f"{layout.published}/{name}[-.]*.parquet"
        statements += _view(name, table, _newest(table, files, files, _PART))
    statements += _view("control_requests", ControlRequests, requests_query(sql_text(str(layout.control_requests))))
    documents = documents_query(fields, list(dtypes(Documents)), "expanded_datasets")
    statements += _view("documents", Documents, documents)
    statements += _view("first_seen", FirstSeen, FIRST_SEEN_QUERY)
    return [*statements, *macros(), *control_request_macro()]


def _newest(table: type[Table], files: str, versions: str, part: str) -> str:
    """Return the query for the rows of the newest version of each part; `part`: the part of a `file`, in SQL.

    DuckDB lists the folder for `newest` before it lists it for the rows, and an old version is removed minutes after a
    newer one came. So every file that `newest` names exists when its rows are read.
    """
    columns = ", ".join(f'd."{column}"' for column in dtypes(table))
    newest = f"SELECT max(file) AS file FROM glob({sql_text(versions)}) GROUP BY {part}"  # noqa: S608 -- own names
    rows = f"read_parquet({sql_text(files)}, filename = true) d ON d.filename = newest.file"
    return f"SELECT {columns} FROM ({newest}) newest JOIN {rows}"  # noqa: S608 -- own names


def _view(name: str, table: type[Table], query: str) -> list[str]:
    comments = {c: column.description for c, column in table.to_schema().columns.items()}
    return [
        f"CREATE VIEW {name} AS {query}",
        f"COMMENT ON VIEW {name} IS {sql_text(inspect.cleandoc(table.__doc__ or ''))}",
        *(f'COMMENT ON COLUMN {name}."{c}" IS {sql_text(text or "")}' for c, text in comments.items()),
    ]
