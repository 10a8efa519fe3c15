"""The receipts folder: which receipts are there, and the bytes of one.

Another user writes to the folder, so nothing in it is trusted. We follow no link, wait for no pipe, read no file beyond
its limit, and make each name harmless for a terminal. What does not belong here: what a receipt says (contracts/receipt).
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from konkurs_pipeline.storage.handoff.outbox import RECEIPT_SUFFIX

# Longer than one tick of any file system's clock.
_AT_REST_S: Final = 5
# The largest limit of any receipt.
MOST_BYTES: Final = 64 * 1024 * 1024
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NoReceiptError(ValueError):
    """The thing with a receipt's name is no file of a receipt's size; the text says what it is."""


def receipts_in(folder: Path) -> list[str]:
    """Return the names of the receipts in the folder, in no order. Raises `OSError`."""
    return [name for name in os.listdir(folder) if name.endswith(RECEIPT_SUFFIX)]  # noqa: PTH208 -- names: 83 000


def versions_of(folder: Path, names: Iterable[str]) -> dict[str, str | None]:
    """Return a version of each of these receipts that changes with the file, without reading it. Raises `OSError`.

    Null: the file is gone again, or so new that another write could fall into the same tick of the clock.
    """
    at_rest_since = time.time() - _AT_REST_S
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return {name: _version(name, descriptor, at_rest_since) for name in names}
    finally:
        os.close(descriptor)


def _version(name: str, folder: int, at_rest_since: float) -> str | None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
    if max(found.st_mtime, found.st_ctime) > at_rest_since:
        return None
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the bytes of a receipt of at most `limit` bytes.

    Raises `NoReceiptError` if it is something else, and `OSError` where it cannot be read now.
    """
    if path.is_symlink():
        message = "it is a link, and links are not followed: put the file itself there"
        raise NoReceiptError(message)
    with open(os.open(path, _OPEN), "rb") as file:  # noqa: PTH123 -- a Path cannot be opened without following links
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            message = "it is not a file"
            raise NoReceiptError(message)
        content = file.read(limit + 1)
    if len(content) > limit:
        message = f"it has {found.st_size} bytes; expected: {limit} at most for the file it names"
        raise NoReceiptError(message)
    return content


def shown_name(name: str) -> str:
    r"""Return a file name as text that can be stored and printed: control characters are escaped, as in `\x1b`."""
    text = name if name.isascii() else os.fsencode(name).decode(errors="backslashreplace")
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()
