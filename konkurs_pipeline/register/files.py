"""Reads one register file, CSV or Parquet, into a frame of text, or refuses it whole.

The bytes are read once: hash and frame come from the same bytes, and the file must not change meanwhile. What belongs
here: damage of the file as a file (encoding, fields, columns, types). What does not: what the values mean
(register/rules). No error quotes the file, not even its header: a file without a header starts with a customer.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import polars as pl

from konkurs_pipeline.contracts.register import AccountRow, CustomerRow
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.register.refusal import refuse
from konkurs_pipeline.storage.register.accepted import FileIdentity


class RegisterKind(StrEnum):
    """Which of the bank's two files."""

    CUSTOMERS = "customers"
    ACCOUNTS = "accounts"


def _columns(row: type[CustomerRow | AccountRow], *, required: bool) -> tuple[str, ...]:
    return tuple(name for name, field in row.model_fields.items() if field.is_required() is required)


_ROWS: Final[Mapping[RegisterKind, type[CustomerRow | AccountRow]]] = {
    RegisterKind.CUSTOMERS: CustomerRow,
    RegisterKind.ACCOUNTS: AccountRow,
}
COLUMNS: Final = {kind: _columns(row, required=True) for kind, row in _ROWS.items()}
# If the file lacks one of these columns, it counts as empty in each row.
OPTIONAL_COLUMNS: Final = {kind: _columns(row, required=False) for kind, row in _ROWS.items()}
_PARQUET_SUFFIXES: Final = frozenset({".parquet", ".pq"})
_CHUNK: Final = 1 << 24
# Columns of a Parquet file that need not be text: a cast to text loses nothing.
_OWN_TYPES: Final = {"is_blocked": pl.Boolean, "opened_at": pl.Date}


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """One file as read: `frame` has all columns of its kind, also the optional ones, as text; empty: not given."""

    name: str
    kind: RegisterKind
    sha256: str
    identity: FileIdentity
    frame: pl.DataFrame


def identity_of(path: Path) -> FileIdentity | None:
    """Return an identity that changes with the file, without reading it; None: no such file.

    Raises `RegisterError` if its state cannot be read or it is no file.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        refuse(
            redact(path.name),
            f"it cannot be looked at ({os.strerror(error.errno or 0)})",
            "Mend the path or its rights",
        )
    if not stat.S_ISREG(found.st_mode):
        refuse(redact(path.name), "it is not a file", "Give the path of a CSV or Parquet file")
    return FileIdentity(str(path.absolute()), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def read_register_file(path: Path, kind: RegisterKind) -> RegisterFile:
    """Read a register file whole.

    CSV is UTF-8 (BOM or not), `,` or `;`, LF or CRLF, with a header; `.parquet` and `.pq` are Parquet with
    text columns. Header names are trimmed and case does not count; further columns are ignored. Nothing is
    stripped from the values. Raises `RegisterError` for every damage, and for a file that changed while it
    was read.
    """
    name = redact(path.name)
    before = identity_of(path)
    data = _bytes_of(path, name)
    if before is None or identity_of(path) != before:
        refuse(
            name,
            "it changed while it was read",
            "Write it under another name and rename it; the next run reads it",
        )
    if not data:
        refuse(name, "it is empty", "Export it again")
    digest = hashlib.sha256(data).hexdigest()
    is_parquet = path.suffix.lower() in _PARQUET_SUFFIXES
    frame = _parquet_frame(data, name, kind) if is_parquet else _csv_frame(data, name, kind)
    if frame.is_empty():
        refuse(name, "it has a header and no rows", "Export it again")
    return RegisterFile(name, kind, digest, before, _with_optional_columns(frame, kind))


def _with_optional_columns(frame: pl.DataFrame, kind: RegisterKind) -> pl.DataFrame:
    lacking = [column for column in OPTIONAL_COLUMNS[kind] if column not in frame.columns]
    return frame.with_columns(pl.lit("").alias(column) for column in lacking)


def _bytes_of(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        refuse(name, "it is not there", "Put it there, or correct its path in the settings")
    except OSError as error:
        refuse(name, f"it cannot be read ({os.strerror(error.errno or 0)})", "Mend its rights")


def _wanted(header: list[str], name: str, kind: RegisterKind) -> dict[str, int]:
    """Return the place of each column of `kind` in the header."""
    names = [text.strip().lower() for text in header]
    columns = COLUMNS[kind]
    lacking = [column for column in columns if column not in names]
    if lacking:
        refuse(
            name,
            f"it lacks {_listed(lacking)} among its {len(names)} columns",
            f"It needs a header with {_listed(columns)}",
        )
    known = [column for column in (*columns, *OPTIONAL_COLUMNS[kind]) if column in names]
    doubled = [column for column in known if names.count(column) > 1]
    if doubled:
        refuse(name, f"it has {_listed(doubled)} more than once", "Keep one of them")
    return {column: names.index(column) for column in known}


def _listed(columns: tuple[str, ...] | list[str]) -> str:
    return ", ".join(columns)


def _csv_frame(data: bytes, name: str, kind: RegisterKind) -> pl.DataFrame:
    _refuse_other_encodings(data, name)
    if data.endswith((b"\n\n", b"\n\r\n")):
        data = data.rstrip(b"\r\n")
    header, separator = _header(data, name, kind)
    wanted = _wanted(header, name, kind)
    if b"\r" + separator.encode() in data:
        # polars would strip it without a word, and so repair a damaged value.
        refuse(name, "a field ends with a carriage return", "Export it again, with LF or CRLF line ends")
    frame = _parse_csv(data, separator, len(header), name)
    _refuse_ragged(frame, data, separator, name)
    return frame.select(pl.nth(place).alias(column) for column, place in wanted.items())


def _refuse_other_encodings(data: bytes, name: str) -> None:
    cure = "Export it as CSV in UTF-8"
    if b"\0" in data:
        refuse(name, "it holds NUL bytes, so it is no CSV in UTF-8 (UTF-16, or a damaged copy)", cure)
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    try:
        for start in range(0, len(view), _CHUNK):
            decoder.decode(view[start : start + _CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        refuse(name, "it is not UTF-8 (Latin-1 or Windows-1252, most likely)", cure)


def _header(data: bytes, name: str, kind: RegisterKind) -> tuple[list[str], str]:
    line = io.BytesIO(data).readline().decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    if "\r" in line:
        refuse(name, "its lines end with CR alone", "Export it with LF or CRLF line ends")
    readings = [(_fields(line, separator), separator) for separator in (",", ";")]
    return max(readings, key=lambda reading: sum(text.strip().lower() in COLUMNS[kind] for text in reading[0]))


def _fields(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error:
        return []


def _parse_csv(data: bytes, separator: str, width: int, name: str) -> pl.DataFrame:
    try:
        return pl.read_csv(
            data,
            separator=separator,
            infer_schema=False,
            empty_string_is_null=False,
            new_columns=[f"column_{place}" for place in range(width)],
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError):
        # polars' own message quotes the line at which it stopped.
        refuse(
            name,
            "a row has more fields than the header, or a quotation mark that does not close",
            f"Export it again, with fields that hold {separator} or a quotation mark quoted",
        )


def _refuse_ragged(frame: pl.DataFrame, data: bytes, separator: str, name: str) -> None:
    """Refuse rows with too few fields: polars fills them up without a word, so a file cut short would pass.

    Every separator in the bytes stands between two fields or inside one.
    """
    cure = "Export it again"
    body = data.count(separator.encode(), data.find(b"\n") + 1) if b"\n" in data else 0
    parting = frame.height * (frame.width - 1)
    inside = 0
    for column in frame.get_columns() if b'"' in data else ():
        held = column.filter(column.str.contains(separator, literal=True))
        counts = held.str.count_matches(separator, literal=True)
        inside += int(counts.sum())
        # If a quotation mark closes on a later row, the parser takes the rows between into one field without a word.
        if (held.str.contains("\n", literal=True) & (counts >= frame.width - 1)).any():
            refuse(name, "a field holds whole rows: a quotation mark does not close where it should", cure)
    if body != parting + inside:
        refuse(name, "a row has fewer fields than the header (cut short, or an empty line)", cure)


def _parquet_frame(data: bytes, name: str, kind: RegisterKind) -> pl.DataFrame:
    try:
        schema = pl.read_parquet_schema(io.BytesIO(data))
        places = list(schema)
        wanted = _wanted(places, name, kind)
        _refuse_numbers({column: schema[places[place]] for column, place in wanted.items()}, name)
        frame = pl.read_parquet(data, columns=list(wanted.values()))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        refuse(name, "it is no readable Parquet file", "Export it again")
    named = {places[place]: column for column, place in wanted.items()}
    frame = frame.rename(named).select(pl.col(column).cast(pl.String).fill_null("") for column in wanted)
    if frame.select(pl.any_horizontal(pl.all().str.contains("\0", literal=True).any())).item():
        refuse(name, "it holds NUL characters", "Export it again")
    return frame


def _refuse_numbers(types: dict[str, pl.DataType], name: str) -> None:
    texts = (pl.String, pl.Categorical, pl.Enum, pl.Null)
    wrong = [
        column for column, dtype in types.items() if not (isinstance(dtype, texts) or dtype == _OWN_TYPES.get(column))
    ]
    if wrong:
        refuse(
            name,
            f"{_listed(wrong)} is no text column, and identifiers kept as numbers have lost leading zeros",
            "Export these columns as text from the source on",
        )
