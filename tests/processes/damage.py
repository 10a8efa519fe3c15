"""One wrong bit in a file, and the right one again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# The beginning of a file has so many bytes.
_EDGE: Final = 8


@dataclass(frozen=True)
class Bit:
    """A bit of a file, by the place of its byte. The same seed gives the same bit."""

    place: int
    bit: int


def bits_of(path: Path, count: int, *, seed: int = 1) -> list[Bit]:
    """Return bits all over a file: at both its ends, and `count` - 2 between them."""
    chance = random.Random(f"{seed} {path.name.split('_')[-1]} {count}")  # noqa: S311 -- a seeded choice of places
    size = path.stat().st_size
    between = [chance.randrange(part * size // count, (part + 1) * size // count) for part in range(count - 2)]
    return [Bit(place, chance.randrange(8)) for place in (chance.randrange(min(_EDGE, size)), *between, size - 1)]


@contextmanager
def flipped(path: Path, bit: Bit) -> Iterator[None]:
    """Flip one bit of a file while the context is open. Nobody else may change the file meanwhile."""
    whole = path.read_bytes()
    wrong = flip(path, bit)
    try:
        yield
        assert path.read_bytes() == wrong, f"{path.name} was changed by a reader"
    finally:
        _overwrite(path, whole)


def flip(path: Path, bit: Bit) -> bytes:
    """Flip one bit of a file; returns the damaged bytes."""
    content = bytearray(path.read_bytes())
    content[bit.place] ^= 1 << bit.bit
    _overwrite(path, bytes(content))
    return bytes(content)


def _overwrite(path: Path, content: bytes) -> None:
    """Change the bytes in place and keep the file's times, as a failing disk does."""
    with path.open("r+b") as file:
        file.write(content)
