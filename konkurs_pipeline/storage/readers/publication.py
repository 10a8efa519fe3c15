"""Makes a stand-alone copy of the tables for others (`konkurs publish`), with comments and the "as of" macros.

A pseudonymised copy is for people who may not see national identifiers. Each column declares what a copy does with it
(schemas/table.Privacy). A pseudonym is HMAC-SHA256 with the bank's key. So a person has the same pseudonym in every table
and copy, and nobody can try out numbers without the key. Ids and hashes that are computed from identifiers or accounts
are replaced or left out too: an action_id with its notice and customer would confirm a guessed account number. The copy
is still personal data: somebody with the key or the register can tell whom a row is about.

It reads what runs published, without the lock. What does not belong here: the privacy of a column (schemas).
"""

from __future__ import annotations

import datetime as dt
import hmac
import inspect
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from konkurs_pipeline.errors import StoreError, UsageError
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.schemas.table import ColumnFacts, Privacy, facts
from konkurs_pipeline.schemas.tables import JOURNALS, LAKE, LEDGER, Table
from konkurs_pipeline.schemas.views import VIEWS
from konkurs_pipeline.storage import lock
from konkurs_pipeline.storage.files import make_private_folder, private_files, put_whole, storage_errors
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.ledger.connection import connect, sql_text
from konkurs_pipeline.storage.readers.as_of import macros
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.readers.query import write_rows

_SHORTEST_KEY: Final = 32
_PSEUDONYM_LENGTH: Final = 32
_HOW_TO_MAKE_A_KEY: Final = (
    "Make one with `(umask 077; head -c 32 /dev/urandom > KEY)` and keep it as long as the copies"
)
_KEPT: Final = frozenset({Privacy.NONE, Privacy.IDENTIFIER, Privacy.REFERENCE, Privacy.WORD})
_ABOUT: Final = "publication"
_ABOUT_COMMENT: Final = (
    "What this copy is. One row. key_check tells two keys apart and nothing of either; null: a full copy."
)


@dataclass(frozen=True)
class Pseudonyms:
    """Pseudonyms under one key. `check` tells whether two copies have the same key."""

    key: bytes

    def of(self, identifier: str) -> str:
        """Return the pseudonym of an identifier, always the same."""
        return hmac.digest(self.key, identifier.encode(), "sha256").hex()[:_PSEUDONYM_LENGTH]

    @property
    def check(self) -> str:
        """Return a text that differs between keys and tells nothing about them."""
        return hmac.digest(self.key, b"konkurs-publication/1", "sha256").hex()[:16]


def read_key(path: Path) -> Pseudonyms:
    """Return the pseudonyms of the key in a file; raises `UsageError` if it is no key, or others may read it."""
    try:
        key, mode = path.read_bytes(), stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        message = f"the key file {path} cannot be read ({error.strerror}). {_HOW_TO_MAKE_A_KEY}"
        raise UsageError(message) from None
    if mode & 0o077:
        message = f"the key file {path} has the rights {mode:04o}: others may read it. Expected 0600: `chmod 600`"
        raise UsageError(message)
    if len(key) < _SHORTEST_KEY:
        message = f"the key file {path} holds {len(key)} bytes; expected {_SHORTEST_KEY} or more. {_HOW_TO_MAKE_A_KEY}"
        raise UsageError(message)
    return Pseudonyms(key)


def publish_copy(
    layout: Layout, target: Path, about: Mapping[str, object], pseudonyms: Pseudonyms | None, now: dt.datetime
) -> dict[str, int]:
    """Write a copy of the store to `target` (0600), pseudonymised if `pseudonyms` are given; returns rows by table.

    `about`: what the copy says about itself beside the time. Replaces only a copy of the same kind and key. Raises
    `UsageError` where something else stands there, `StoreError` where the store is damaged or the copy cannot be written.
    """
    _refuse_other(target, pseudonyms)
    with lock.held(layout.publishing.with_suffix(".lock")), private_files():
        shutil.rmtree(layout.publishing, ignore_errors=True)
        make_private_folder(layout.publishing)
        try:
            built = layout.publishing / "copy.duckdb"
            counts = _build(layout, built, about, pseudonyms, now)
            put_whole(built, target)
        finally:
            shutil.rmtree(layout.publishing, ignore_errors=True)
    return counts


def _build(
    layout: Layout, path: Path, about: Mapping[str, object], pseudonyms: Pseudonyms | None, now: dt.datetime
) -> dict[str, int]:
    published, counts = Published(layout), dict[str, int]()
    with _made(path) as con:
        _say_what_it_is(con, about, pseudonyms, now)
        for name, table in {**LAKE, **LEDGER, **JOURNALS, **VIEWS}.items():
            rows = _made_rows(layout, name, path.parent) if name in VIEWS else published.read(name)
            counts[name] = _copy(con, name, table, _shown(rows, table, pseudonyms), path.parent)
        for statement in macros([column for column, _ in _columns(LEDGER["actions"], pseudonyms)]):
            con.execute(statement)
    return counts


def _refuse_other(target: Path, pseudonyms: Pseudonyms | None) -> None:
    """Raise `UsageError` unless `target` is free or a copy of the same kind and key: its readers rely on that."""
    if not target.parent.is_dir():
        message = f"there is no folder {target.parent}: make it, or name another file"
        raise UsageError(message)
    if not target.exists():
        return
    try:
        with connect(target, read_only=True) as con:
            row = con.execute(f"SELECT key_check FROM {_ABOUT}").fetchone()  # noqa: S608 -- own constant
    except (StoreError, duckdb.Error):
        row = None
    if row is None:
        message = f"{target} is not a copy that this command made, and is left as it is: name another file"
        raise UsageError(message)
    if row != (pseudonyms.check if pseudonyms else None,):
        message = (
            f"{target} is {_kind(row[0])}, asked for was {_kind(pseudonyms.check if pseudonyms else None)}: its readers "
            "would see other numbers, or what they may not. Name another file, or remove it first"
        )
        raise UsageError(message)


def _kind(key_check: str | None) -> str:
    return f"pseudonymised with the key {key_check}" if key_check else "a full copy"


def _made(path: Path) -> duckdb.DuckDBPyConnection:
    with storage_errors(f"writing {path}"):
        return connect(path)


def _say_what_it_is(
    con: duckdb.DuckDBPyConnection, about: Mapping[str, object], pseudonyms: Pseudonyms | None, now: dt.datetime
) -> None:
    row = {**about, "published_at": now, "key_check": pseudonyms.check if pseudonyms else None}
    types = ", ".join(
        f"{name} {'TIMESTAMPTZ' if isinstance(value, dt.datetime) else 'VARCHAR'}" for name, value in row.items()
    )
    con.execute(f"CREATE TABLE {_ABOUT} ({types})")
    con.execute(f"INSERT INTO {_ABOUT} VALUES ({', '.join('?' * len(row))})", list(row.values()))  # noqa: S608 -- own names
    con.execute(f"COMMENT ON TABLE {_ABOUT} IS '{_ABOUT_COMMENT}'")


def _columns(table: type[Table], pseudonyms: Pseudonyms | None) -> Iterator[tuple[str, ColumnFacts]]:
    """Yield the columns of a copy. A column that declares no privacy is left out."""
    for name, declared in facts(table).items():
        if pseudonyms is None or declared.privacy in _KEPT:
            yield name, declared


def _made_rows(layout: Layout, view: str, passing: Path) -> pl.DataFrame:
    """Return the rows of a view that is made from other tables; through Parquet, as there is no pyarrow."""
    file = passing / f"{view}.made.parquet"
    write_rows(layout, f"FROM {view}", file)
    rows = pl.read_parquet(file)
    file.unlink()
    return rows


def _shown(rows: pl.DataFrame, table: type[Table], pseudonyms: Pseudonyms | None) -> pl.DataFrame:
    if pseudonyms is None:
        return rows
    replaced: dict[Privacy, Callable[[str], str]] = {
        Privacy.IDENTIFIER: pseudonyms.of,
        Privacy.REFERENCE: lambda value: value if redact(value) == value else pseudonyms.of(value),
    }
    columns = []
    for column, declared in _columns(table, pseudonyms):
        if declared.privacy is Privacy.WORD:
            is_known = rows[column].is_in(sorted(declared.words))
            columns.append(pl.select(pl.when(is_known).then(rows[column])).to_series().alias(column))
        else:
            replace = replaced.get(declared.privacy) if declared.privacy else None
            columns.append(_each(rows[column], replace) if replace else rows[column])
    return pl.DataFrame(columns)


def _each(column: pl.Series, replace: Callable[[str], str]) -> pl.Series:
    """Replace each value of a column; null stays null."""
    values = column.drop_nulls().unique().to_list()
    return column.replace_strict(values, [replace(value) for value in values], default=None, return_dtype=pl.String)


def _copy(con: duckdb.DuckDBPyConnection, name: str, table: type[Table], rows: pl.DataFrame, passing: Path) -> int:
    """Make one table, with its comments. Through Parquet: a frame cannot be handed over in memory without pyarrow."""
    file = passing / f"{name}.parquet"
    with storage_errors(f"writing {file}"):
        rows.write_parquet(file)
    try:
        con.execute(f"CREATE TABLE {name} AS FROM read_parquet({sql_text(str(file))})")
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        message = f"the copy cannot be written ({type(error).__name__}): make room and publish again"
        raise StoreError(message) from None
    file.unlink()
    con.execute(f"COMMENT ON TABLE {name} IS {sql_text(inspect.cleandoc(table.__doc__ or ''))}")
    for column, declared in facts(table).items():
        if column in rows.columns:
            con.execute(f'COMMENT ON COLUMN {name}."{column}" IS {sql_text(declared.description)}')
    return rows.height
