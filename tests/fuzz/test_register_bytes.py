"""Any bytes of a register file are taken unchanged or refused whole, and a refusal quotes nothing from them."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from konkurs_pipeline.errors import RegisterError
from konkurs_pipeline.register.files import (
    COLUMNS,
    OPTIONAL_COLUMNS,
    RegisterFile,
    RegisterKind,
    read_register_file,
)
from konkurs_pipeline.register.judgement import judge_register
from konkurs_pipeline.register.rules import Limits, judge_accounts
from konkurs_pipeline.register.spelling import read_accounts
from tests.fuzz.budget import fuzzed
from tests.fuzz.leaks import COMPANY, PERSON, shows_an_identifier
from tests.fuzz.mutations import damaged_bytes
from tests.register.bank import Row, account_rows, csv_of, customer_rows

CUSTOMERS: Final = RegisterKind.CUSTOMERS
ACCOUNTS: Final = RegisterKind.ACCOUNTS
ALL_COLUMNS: Final = {kind: [*COLUMNS[kind], *OPTIONAL_COLUMNS[kind]] for kind in RegisterKind}
ROWS: Final[Mapping[RegisterKind, Sequence[Row]]] = {
    CUSTOMERS: [*customer_rows(4), ("C9", PERSON, f"{COMPANY} {COMPANY}", 'Å "Ø"; Æ, Ltd'), ("C8", COMPANY, "", "")],
    ACCOUNTS: [
        *((*row, "") for row in account_rows(4)),
        ("97100000000", "C9", "co_owner", "", "2018-09-03"),
        ("97100000001", "C8", "OWNER", "TRUE", ""),
    ],
}
LONE_CR: Final = "\ue000"
ANY_SHARE: Final = Limits(synthetic_allowed=True, max_invalid=1.0)


def _parquet_of(kind: RegisterKind) -> bytes:
    buffer = io.BytesIO()
    # A missing value is empty in CSV and null in Parquet.
    frame = pl.DataFrame([[text or None for text in row] for row in ROWS[kind]], schema=ALL_COLUMNS[kind], orient="row")
    frame.write_parquet(buffer, compression="zstd" if kind is CUSTOMERS else "uncompressed")
    return buffer.getvalue()


def _csv_files(kind: RegisterKind) -> list[bytes]:
    return [
        csv_of(ALL_COLUMNS[kind], ROWS[kind]),
        b"\xef\xbb\xbf" + csv_of(ALL_COLUMNS[kind], ROWS[kind], separator=";", end="\r\n"),
        csv_of([*ALL_COLUMNS[kind], "more"], [(*row, "x") for row in ROWS[kind]]),
    ]


CSV: Final = {kind: _csv_files(kind) for kind in RegisterKind}
PARQUET: Final = {kind: _parquet_of(kind) for kind in RegisterKind}
KINDS: Final = st.sampled_from(RegisterKind)


def read(content: bytes, kind: RegisterKind, suffix: str = ".csv") -> RegisterFile | None:
    """Return the bytes as a register file, or None if it is refused, as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{kind}{suffix}"
        path.write_bytes(content)
        try:
            return read_register_file(path, kind)
        except RegisterError as error:
            assert not shows_an_identifier(error)  # noqa: PT017 -- a refusal is one of two good outcomes
            return None


def judge(file: RegisterFile, limits: Limits = ANY_SHARE) -> pl.DataFrame | None:
    """Return the judged rows, or None if they are refused, as they should be."""
    try:
        if file.kind is CUSTOMERS:
            return judge_register(file, None, limits, key=b"any").tables.customers
        known = file.frame.select(pl.col("customer_ref").unique(), national_id=pl.lit(PERSON))
        return judge_accounts(read_accounts(file.frame).frame, file.name, known, limits).accounts
    except RegisterError as error:
        assert not shows_an_identifier(error)  # noqa: PT017 -- as above
        return None


def rows_by_python(content: bytes, kind: RegisterKind) -> list[tuple[str, ...]]:
    """Return the rows by Python's own CSV reader, in the column order of the kind. A missing column is empty.

    A CR inside a line is an ordinary character for the register and for polars; for Python it ends a row.
    """
    text = re.sub(r"\r(?!\n|\Z)", LONE_CR, content.decode("utf-8-sig"))
    readings = [list(csv.reader(io.StringIO(text, newline=""), delimiter=separator)) for separator in ",;"]
    names, *rows = max(readings, key=lambda rows: sum(name.strip().lower() in COLUMNS[kind] for name in rows[0]))
    while rows and not rows[-1]:
        # The register allows empty lines at the end, but not between rows.
        rows.pop()
    named = [name.strip().lower() for name in names]
    places = [named.index(column) if column in named else None for column in ALL_COLUMNS[kind]]
    return [tuple("" if place is None else row[place].replace(LONE_CR, "\r") for place in places) for row in rows]


@st.composite
def damaged_csv_bytes(draw: st.DrawFn) -> tuple[RegisterKind, bytes]:
    """Return a damaged CSV file of a kind."""
    kind = draw(KINDS)
    return kind, draw(damaged_bytes(*CSV[kind]))


@st.composite
def damaged_parquet_bytes(draw: st.DrawFn) -> tuple[RegisterKind, bytes]:
    """Return a damaged Parquet file of a kind."""
    kind = draw(KINDS)
    return kind, draw(damaged_bytes(PARQUET[kind]))


@fuzzed(usual=80, cost=2)
@given(damaged_csv_bytes())
@example((CUSTOMERS, CSV[CUSTOMERS][1].replace(b";;Kunde 1", b"\r;;Kunde 1")))
def test_a_csv_file_is_read_as_python_reads_it_or_refused(file: tuple[RegisterKind, bytes]) -> None:
    kind, content = file
    taken = read(content, kind)

    if taken is not None:
        assert taken.frame.rows() == rows_by_python(content, kind)


@fuzzed(usual=40, cost=5)
@given(damaged_csv_bytes())
def test_no_row_of_a_file_is_lost_between_reading_and_judging(file: tuple[RegisterKind, bytes]) -> None:
    kind, content = file
    taken = read(content, kind)
    judged = judge(taken) if taken is not None else None

    if taken is not None and judged is not None:
        assert set(judged["customer_ref"]) == set(taken.frame["customer_ref"])


@fuzzed(usual=40, cost=5)
@given(KINDS, st.binary() | st.text('customer_ref,;national_id"\n\r 0123456789').map(str.encode))
@example(CUSTOMERS, b"customer_ref,national_id,former_ids,name\n" + b'"' * 1001)
@example(CUSTOMERS, b"customer_ref,national_id,former_ids,name\r\r\n")
@example(CUSTOMERS, b"\xef\xbb\xbf")
def test_any_bytes_are_a_register_or_refused(kind: RegisterKind, content: bytes) -> None:
    for suffix in (".csv", ".parquet"):
        taken = read(content, kind, suffix)
        assert taken is None or judge(taken) is None or taken.frame.columns == ALL_COLUMNS[kind]


@fuzzed(usual=80, cost=4)
@given(damaged_parquet_bytes())
def test_a_parquet_file_is_read_or_refused(file: tuple[RegisterKind, bytes]) -> None:
    kind, content = file
    taken = read(content, kind, ".parquet")

    if taken is not None:
        assert taken.frame.columns == ALL_COLUMNS[kind]
        assert all(dtype == pl.String for dtype in taken.frame.dtypes)
        assert not any(taken.frame.null_count().row(0))
        judge(taken)


@pytest.mark.parametrize("kind", RegisterKind)
def test_the_undamaged_files_are_read(kind: RegisterKind) -> None:
    """Otherwise every file would be refused, and the tests above would test nothing."""
    files = [*((content, ".csv") for content in CSV[kind]), (PARQUET[kind], ".parquet")]
    taken = [read(content, kind, suffix) for content, suffix in files]

    assert all(file is not None and file.frame.rows() == [tuple(row) for row in ROWS[kind]] for file in taken)
    assert all(file is not None and judge(file) is not None for file in taken)
