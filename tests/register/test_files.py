from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from konkurs_pipeline.errors import RegisterError
from konkurs_pipeline.register.files import COLUMNS, RegisterKind, read_register_file
from tests.register.bank import BRREG_COMPANY, BRREG_PERSON, csv_of

HEADER = COLUMNS[RegisterKind.CUSTOMERS]
ROWS = [("C1", BRREG_PERSON, "", "Åse; Øst, jr."), ("C2", BRREG_COMPANY, "", "")]
GOOD = csv_of(HEADER, ROWS)


def read(tmp_path: Path, content: bytes, *, name: str = "customers.csv") -> pl.DataFrame:
    path = tmp_path / name
    path.write_bytes(content)
    return read_register_file(path, RegisterKind.CUSTOMERS).frame


def refusal(tmp_path: Path, content: bytes, *, name: str = "customers.csv") -> str:
    with pytest.raises(RegisterError) as caught:
        read(tmp_path, content, name=name)
    assert caught.value.__suppress_context__
    return str(caught.value)


def parquet(data: dict[str, pl.Series]) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(data).write_parquet(buffer)
    return buffer.getvalue()


def columns(**changed: pl.Series) -> dict[str, pl.Series]:
    texts = {name: pl.Series([row[place] for row in ROWS]) for place, name in enumerate(HEADER)}
    return {**texts, **changed}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD, id="commas"),
        pytest.param(csv_of(HEADER, ROWS, separator=";"), id="semicolons"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, id="byte order mark"),
        pytest.param(csv_of(HEADER, ROWS, end="\r\n"), id="CRLF"),
        pytest.param(csv_of([" Customer_Ref", "NATIONAL_ID ", "former_ids", "Name"], ROWS), id="header's case"),
        pytest.param(
            csv_of([f'"{name}"' for name in HEADER], []).replace(b'"""', b'"') + GOOD.split(b"\n", 1)[1],
            id="quoted header",
        ),
        pytest.param(csv_of([*HEADER, "", "branch"], [(*row, "x", "9") for row in ROWS]), id="additional columns"),
        pytest.param(csv_of(reversed(HEADER), [row[::-1] for row in ROWS]), id="another order"),
        pytest.param(GOOD.rstrip(b"\n"), id="no last line end"),
        pytest.param(GOOD + b"\r\n\n", id="empty lines at the end"),
    ],
)
def test_every_way_to_write_the_csv_is_read_the_same(tmp_path: Path, content: bytes) -> None:
    frame = read(tmp_path, content)

    assert frame.rows() == ROWS
    assert frame.columns == list(HEADER)


def test_identifiers_stay_text_with_their_zeros_and_their_blanks(tmp_path: Path) -> None:
    rows = [("007", f" {BRREG_PERSON}", "", "1e5"), ("NA", "null", "", "")]

    assert read(tmp_path, csv_of(HEADER, rows)).rows() == rows


def test_a_name_may_run_over_two_lines(tmp_path: Path) -> None:
    rows = [("C1", BRREG_PERSON, "", "Kunde AS,\nc/o Kunde")]

    assert read(tmp_path, csv_of(HEADER, rows)).rows() == rows


def test_the_hash_is_of_the_bytes_and_the_identity_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_bytes(GOOD)

    file = read_register_file(path, RegisterKind.CUSTOMERS)

    assert file.sha256 == hashlib.sha256(GOOD).hexdigest()
    assert (file.identity.size, file.identity.inode) == (len(GOOD), path.stat().st_ino)
    assert file.identity.mtime_ns == path.stat().st_mtime_ns


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(csv_of(HEADER, []), "no rows", id="header only"),
        pytest.param(csv_of(HEADER, []).rstrip(), "no rows", id="header only, no line end"),
        pytest.param(csv_of(HEADER[:3], [row[:3] for row in ROWS]), "lacks name", id="lacks a column"),
        pytest.param(csv_of(ROWS[0], ROWS), "lacks customer_ref, national_id", id="no header"),
        pytest.param(
            csv_of([*HEADER, "NAME"], [(*row, "") for row in ROWS]),
            "name more than once",
            id="a column twice",
        ),
        pytest.param(csv_of(HEADER, ROWS).decode().encode("latin-1"), "not UTF-8", id="Latin-1"),
        pytest.param(GOOD.decode().encode("utf-16"), "NUL", id="UTF-16"),
        pytest.param(GOOD.replace(b"C2", b"C\0"), "NUL", id="NUL byte"),
        pytest.param(GOOD + b"C3,1\n", "fewer fields", id="too few fields"),
        pytest.param(GOOD + b"C3\n", "fewer fields", id="cut short in a row"),
        pytest.param(csv_of(HEADER, [ROWS[0]]) + b"\n" + b"C2,1,,\n", "fewer fields", id="an empty line between"),
        pytest.param(GOOD + b"C3,1,,,\n", "more fields", id="too many fields"),
        pytest.param(GOOD + b'C3,1,,"Ola\n', "quotation mark", id="a quote never closed"),
        pytest.param(GOOD + b'C3,1,,"Ola\nC4,2,,Kari"\n', "whole rows", id="a quote closed a row later"),
        pytest.param(GOOD.replace(b"\n", b"\r"), "CR alone", id="CR line ends"),
    ],
)
def test_a_damaged_csv_is_refused_whole(tmp_path: Path, content: bytes, reason: str) -> None:
    text = refusal(tmp_path, content)

    assert text.startswith("customers.csv is refused: ")
    assert reason in text
    assert BRREG_PERSON not in text


def test_a_quote_that_swallows_a_row_is_refused() -> None:
    """Polars alone would read this without an error and lose C4."""
    frame = pl.read_csv(GOOD + b'C3,1,,"Ola\nC4,2,,Kari"\n', infer_schema=False)

    assert frame["customer_ref"].to_list() == ["C1", "C2", "C3"]


def test_the_refusal_does_not_quote_the_csv_reader(tmp_path: Path) -> None:
    assert BRREG_PERSON not in refusal(tmp_path, GOOD + f'C3,"{BRREG_PERSON}"x,,\n'.encode())


@pytest.mark.parametrize("name", ["customers.parquet", "customers.PQ"])
def test_parquet_with_text_columns_is_read(tmp_path: Path, name: str) -> None:
    content = parquet({**columns(former_ids=pl.Series([None, None])), "branch": pl.Series([1, 2])})

    assert read(tmp_path, content, name=name).rows() == ROWS


def test_dictionary_encoded_text_in_parquet_is_text(tmp_path: Path) -> None:
    content = parquet(columns(name=pl.Series(["Åse; Øst, jr.", None], dtype=pl.Categorical)))

    assert read(tmp_path, content, name="customers.parquet").rows() == ROWS


def test_parquet_may_give_is_blocked_as_a_boolean(tmp_path: Path) -> None:
    path = tmp_path / "accounts.parquet"
    names = COLUMNS[RegisterKind.ACCOUNTS]
    texts = {name: pl.Series(["x", "y", "z"]) for name in names}
    path.write_bytes(parquet({**texts, "is_blocked": pl.Series([True, False, None])}))

    frame = read_register_file(path, RegisterKind.ACCOUNTS).frame

    assert frame["is_blocked"].to_list() == ["true", "false", ""]


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Float64, pl.Decimal(11, 0)], ids=["integers", "floats", "decimals"])
def test_parquet_with_numbers_for_identifiers_is_refused(tmp_path: Path, dtype: pl.DataType) -> None:
    numbers = pl.Series([int(row[1]) for row in ROWS]).cast(dtype)

    text = refusal(tmp_path, parquet(columns(national_id=numbers)), name="customers.parquet")

    assert "national_id is no text column" in text
    assert "leading zeros" in text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(parquet(columns())[:-20], "no readable Parquet", id="cut short"),
        pytest.param(GOOD, "no readable Parquet", id="a CSV"),
        pytest.param(parquet({k: v for k, v in columns().items() if k != "name"}), "lacks name", id="a column less"),
        pytest.param(parquet({k: v.head(0) for k, v in columns().items()}), "no rows", id="no rows"),
        pytest.param(parquet(columns(name=pl.Series(["a\0", ""]))), "NUL", id="NUL character"),
    ],
)
def test_damaged_parquet_is_refused_whole(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in refusal(tmp_path, content, name="customers.parquet")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(GOOD), id="written again"),
        pytest.param(
            lambda path: path.with_name("new").write_bytes(GOOD) and path.with_name("new").replace(path),
            id="renamed over",
        ),
        pytest.param(lambda path: path.unlink(), id="removed"),
    ],
)
def test_a_file_replaced_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], object]
) -> None:
    read_bytes = Path.read_bytes

    def read_then_damage(path: Path) -> bytes:
        content = read_bytes(path)
        damage(path)
        return content

    monkeypatch.setattr(Path, "read_bytes", read_then_damage)

    assert "changed while it was read" in refusal(tmp_path, GOOD)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegisterError, match="is not a file"):
        read_register_file(tmp_path, RegisterKind.CUSTOMERS)


def test_an_identifier_in_the_file_name_is_masked(tmp_path: Path) -> None:
    assert BRREG_PERSON not in refusal(tmp_path, b"", name=f"customers {BRREG_PERSON}.csv")
