"""The search itself: it must find canaries, or the other tests here could not fail."""

from __future__ import annotations

import base64
import gzip
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.canary.cast import EMAIL, NAME
from tests.canary.search import canaries_in, canaries_in_file
from tests.pipeline.kit import company, person

NUMBER: Final = person("sought")
FIRM: Final = company("sought")
SOUGHT: Final = {NUMBER: "here", FIRM: "there"}

DRESSES: Final[dict[str, bytes]] = {
    "as it is": f"debitor {NUMBER}.".encode(),
    "among digits": f"00{NUMBER}99".encode(),
    "in two parts": f"{NUMBER[:6]} {NUMBER[6:]}".encode(),
    "as a date": f"{NUMBER[:2]}.{NUMBER[2:4]}.{NUMBER[4:6]} {NUMBER[6:]}".encode(),
    "with a hard space": f"{NUMBER[:6]}\u00a0{NUMBER[6:]}".encode(),
    "percent-encoded": f"{NUMBER[:6]}%20{NUMBER[6:]}".encode(),
    "as a number": f"{NUMBER}.0".encode(),
    "UTF-16, little end first": NUMBER.encode("utf-16-le"),
    "UTF-16, big end first": NUMBER.encode("utf-16-be"),
    **{f"base64, {n} before": base64.b64encode(b"x" * n + NUMBER.encode() + b"yz") for n in range(4)},
    "hex": NUMBER.encode().hex().encode(),
    "gzip": b"head" + gzip.compress(NUMBER.encode()),
    "zlib": zlib.compress(NUMBER.encode()),
    "binary": b"\xff" + int(NUMBER).to_bytes(8, "little") + b"\xff",
}


@pytest.mark.parametrize("content", DRESSES.values(), ids=DRESSES)
def test_a_number_is_found_in_every_encoding(content: bytes) -> None:
    assert canaries_in(content, SOUGHT) == {"here"}


@pytest.mark.parametrize(
    "text", [FIRM, f"{FIRM[:3]} {FIRM[3:6]} {FIRM[6:]}", f"NO{FIRM}MVA"], ids=["bare", "in groups", "for VAT"]
)
def test_an_organisation_number_is_found(text: str) -> None:
    assert canaries_in(text.encode(), SOUGHT) == {"there"}


@pytest.mark.parametrize("text", [NAME, NAME.upper(), EMAIL, base64.b64encode(NAME.encode()).decode()])
def test_a_name_is_found(text: str) -> None:
    assert canaries_in(text.encode(), SOUGHT) == {"a name"}


def test_other_numbers_are_not_found() -> None:
    text = f"{person('another')} {NUMBER[:-1]} 2018-09-03T10:00:00.123456Z kanari"
    assert canaries_in(text.encode(), SOUGHT) == set()


def test_a_database_is_searched_value_by_value_with_its_log(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE events (body BLOB)")
        database.execute("INSERT INTO events VALUES (?)", [zlib.compress(NUMBER.encode())])
        database.commit()
        assert canaries_in_file(path, SOUGHT) == {"here"}
