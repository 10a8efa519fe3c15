"""One writer at a time: an advisory lock on a file, which the kernel drops when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from konkurs_pipeline.errors import StoreBusyError
from konkurs_pipeline.storage.files import PRIVATE_FILE, storage_errors

_STEP_S = 0.1


@contextmanager
def held(path: Path, *, wait_s: float = 0) -> Iterator[None]:
    """Hold the lock at `path`; raises `StoreBusyError` if another process has it still after `wait_s` seconds."""
    with storage_errors(f"opening {path}"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        # Try at least once more: `is_held` holds a free lock for an instant.
        _acquire(descriptor, path, time.monotonic() + max(wait_s, _STEP_S))
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock at `path` now."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _acquire(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                message = f"another run holds the store ({path}): nothing was done. Try again when it has ended"
                raise StoreBusyError(message) from None
            time.sleep(_STEP_S)
        else:
            return
