"""Finds canaries in bytes in any encoding: with separators, in UTF-16, base64 or hex, as a binary number, compressed.

It searches a file as it is and then its content: a gzip or zlib stream unpacked, an SQLite file row by row.
"""

from __future__ import annotations

import base64
import gzip
import re
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.canary.cast import NAME_WORD

_BETWEEN_DIGITS: Final = re.compile(rb"(?<=[0-9])(?:%20|&nbsp;|\xc2\xa0|\xe2\x80\xaf|[ ._/+:,'\"-]){1,3}(?=[0-9])")
_DIGITS: Final = re.compile(rb"[0-9]{9,}")
_SQLITE: Final = b"SQLite format 3\x00"
_BESIDE_SQLITE: Final = ("-wal", "-shm")
_GZIP: Final = b"\x1f\x8b\x08"
_ZLIB_STARTS: Final = (b"\x78\x01", b"\x78\x9c", b"\x78\xda", b"\x78\x5e")


def canaries_in(content: bytes, canaries: Mapping[str, str]) -> set[str]:
    """Return the paths (values of `canaries`) whose numbers (keys) stand in `content`, and whether a name does."""
    found: set[str] = set()
    for layer in _layers(content):
        found |= _paths_in(layer, canaries) | _paths_in(layer.replace(b"\0", b""), canaries)
        found |= {path for number, path in canaries.items() if any(form in layer for form in _encodings(number))}
        if any(form in layer for form in _encodings(NAME_WORD.title())):
            found.add("a name")
    return found


def _paths_in(content: bytes, canaries: Mapping[str, str]) -> set[str]:
    found = {canaries[number] for number in _numbers_in(content, canaries)}
    return found | {"a name"} if NAME_WORD.encode() in content.lower() else found


def _numbers_in(content: bytes, numbers: Collection[str]) -> set[str]:
    lengths = {len(number) for number in numbers}
    runs = chain(_DIGITS.findall(content), _DIGITS.findall(_BETWEEN_DIGITS.sub(b"", content)))
    windows = (
        run[start : start + length].decode()
        for run in set(runs)
        for length in lengths
        for start in range(len(run) - length + 1)
    )
    return {window for window in windows if window in numbers}


def _encodings(text: str) -> Iterator[bytes]:
    plain = text.encode()
    for before in range(3):
        coded = base64.b64encode(bytes(before) + plain)
        # The characters at both ends depend on the bytes beside them.
        yield coded[-(-before * 4 // 3) : (before + len(plain)) * 4 // 3]
    yield plain.hex().encode()
    if text.isdecimal():
        yield int(text).to_bytes(8, "little")
        yield int(text).to_bytes(8, "big")


def _layers(content: bytes) -> Iterator[bytes]:
    yield content
    for start in (at.start() for at in re.finditer(re.escape(_GZIP), content)):
        with suppress(OSError, EOFError, zlib.error):
            yield gzip.decompress(content[start:])
    if content.startswith(_ZLIB_STARTS):
        with suppress(zlib.error):
            yield zlib.decompress(content)


def canaries_in_file(path: Path, canaries: Mapping[str, str]) -> set[str]:
    """Search a file as it is; if it is an SQLite database, search every value too."""
    content = path.read_bytes()
    if content.startswith(_SQLITE):
        # As it is too: a free page still holds deleted rows.
        return _paths_in(content, canaries) | canaries_in(b"\n".join(_values_of(path)), canaries)
    if path.name.endswith(_BESIDE_SQLITE):
        # Its content is among the database's values.
        return _paths_in(content, canaries)
    return canaries_in(content, canaries)


def _values_of(path: Path) -> Iterator[bytes]:
    """Yield the values of a database, unpacked, from a copy: opening the file would change it."""
    with TemporaryDirectory() as folder:
        for part in path.parent.glob(f"{path.name}*"):
            shutil.copy(part, folder)
        with closing(sqlite3.connect(Path(folder, path.name))) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                for row in database.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 -- the file's own names
                    yield from (_unpacked(value) for value in row if isinstance(value, str | bytes))


def _unpacked(value: str | bytes) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    with suppress(zlib.error):
        return zlib.decompress(content)
    return content


def names_under(folder: Path) -> Iterator[bytes]:
    """Yield the name of every file and folder under `folder`."""
    yield from (str(path.relative_to(folder)).encode(errors="surrogateescape") for path in folder.rglob("*"))


def files_under(folder: Path, but: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield the files under `folder`, except those that `but` names."""
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and not but(path))
