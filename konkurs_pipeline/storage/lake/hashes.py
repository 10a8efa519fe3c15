"""Files with a hash: if one bit of a file is wrong, the program finds it before it uses the file.

A Parquet file of the lake holds the hash of its own bytes, so one rename replaces file and hash. The ledger changes while
it is open: its hash stands in a file beside it while the ledger is closed.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import polars as pl

from konkurs_pipeline.storage.files import hash_of, hash_of_file, storage_errors, write_bytes_atomically

_KEY: Final = "konkurs.sha256"
# Stands in place of the hash while the hash is computed; it has the same length.
_NO_HASH: Final = b"0" * 64
# The metadata of a file that is about to be sealed.
UNSEALED: Final = {_KEY: _NO_HASH.decode()}
# Between a key and its value the Parquet footer has a type and a length, a byte each.
_BETWEEN: Final = 2


def write_sealed_parquet(path: Path, rows: pl.DataFrame) -> str:
    """Write `rows` to `path`, whole or not at all, with the hash of the file's bytes in its metadata; returns the hash."""
    buffer = io.BytesIO()
    rows.write_parquet(buffer, metadata=UNSEALED)
    content, digest = sealed(buffer.getvalue())
    write_bytes_atomically(path, content)
    return digest


def sealed(content: bytes) -> tuple[bytes, str]:
    """Return the bytes of a Parquet file with their hash in its metadata, and the hash; it was written with `UNSEALED`."""
    place, digest = _place_of_hash(content), hash_of(content)
    return content[:place] + digest.encode() + content[place + len(_NO_HASH) :], digest


def hash_if_whole(path: Path) -> str | None:
    """Return the hash that the file holds; null if the file cannot be read, or if a bit of it changed."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    place = _place_of_hash(content)
    if place < 0:
        return None
    end = place + len(_NO_HASH)
    found = hash_of(content[:place] + _NO_HASH + content[end:])
    return found if content[place:end] == found.encode() else None


def _place_of_hash(content: bytes) -> int:
    """Return the place of the hash, -1 if there is none. The metadata is at the end of a Parquet file."""
    key = content.rfind(_KEY.encode())
    place = key + len(_KEY) + _BETWEEN
    return place if key >= 0 and place + len(_NO_HASH) <= len(content) else -1


def seal_beside(path: Path) -> None:
    """Keep the hash of a closed file beside it."""
    write_bytes_atomically(_seal_of(path), hash_of_file(path).encode())


def break_seal(path: Path) -> None:
    """Forget the hash: the file is about to change. Raises `StoreError`."""
    with storage_errors(f"removing {_seal_of(path)}"):
        _seal_of(path).unlink(missing_ok=True)


def is_seal_broken(path: Path) -> bool:
    """Whether a hash is kept, and the file is gone or differs from it."""
    seal = _seal_of(path)
    return seal.is_file() and (not path.is_file() or seal.read_bytes() != hash_of_file(path).encode())


def _seal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
