"""Writes files whole: under a temporary name, synced, then renamed."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final

from polars.exceptions import PolarsError

from konkurs_pipeline.errors import StoreError

PRIVATE_FOLDER: Final = 0o700
PRIVATE_FILE: Final = 0o600
TEMPORARY_SUFFIX: Final = ".tmp"
# A poll writes some hundred KiB, and Dagster's history of it as much again.
_ROOM_NEEDED: Final = 4 * 1024 * 1024
# There is nothing of that name, or a socket, or a link to nothing.
_NO_FILE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Raise an error of the file system as a `StoreError` that says what was being done and what to do."""
    try:
        yield
    except (OSError, PolarsError) as error:
        # On a full disk polars says that the file is out of specification.
        reason = error.strerror if isinstance(error, OSError) else None
        where = error.filename if isinstance(error, OSError) else None
        message = f"{doing} failed: {reason or type(error).__name__} {where or ''}".rstrip()
        message += ". Make room, or mend the rights of the folder, and run again: nothing is lost"
        raise StoreError(message) from None


def make_private_folder(folder: Path, *, mode: int = PRIVATE_FOLDER) -> None:
    """Create `folder` and its missing parents, for their owner alone unless `mode` says otherwise."""
    with storage_errors(f"creating the folder {folder}"):
        for absent in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
            absent.mkdir(exist_ok=True)
            _set_mode(absent, mode)


def replace_atomically(
    path: Path, write: Callable[[Path], object], *, mode: int = PRIVATE_FILE, aside: Path | None = None
) -> None:
    """Let `write` fill a temporary file, sync it, and rename it to `path`.

    `aside`: the folder of the temporary file, on the same disk; default: that of `path`. Raises `StoreError` if the
    file system refuses; `path` is then as it was.
    """
    name = f".{path.name}.{os.getpid()}.{threading.get_ident()}{TEMPORARY_SUFFIX}"
    temporary = (aside or path.parent) / name
    with storage_errors(f"writing {path}"):
        try:
            temporary.touch(mode=mode, exist_ok=True)
            write(temporary)
            # Some writers create the file again, with rights of their own.
            _set_mode(temporary, mode)
            _sync(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        # A network share may refuse this; the file itself is on disk.
        with suppress(OSError):
            _sync(path.parent)


def _set_mode(path: Path, mode: int) -> None:
    """Set a file's rights. If a share of core banking refuses, that is no error: a block must not wait for it."""
    try:
        path.chmod(mode)
    except OSError:
        if mode in {PRIVATE_FILE, PRIVATE_FOLDER}:
            raise


def refusals_of(folder: Path) -> list[str]:
    """Return what the file system of a folder refuses: setting rights, syncing the folder. The trial leaves no file."""
    refused = []
    probe = folder / f".probe.{os.getpid()}{TEMPORARY_SUFFIX}"
    try:
        probe.touch()
        try:
            probe.chmod(0o640)
        except OSError as error:
            refused.append(f"chmod ({error.strerror})")
        try:
            _sync(folder)
        except OSError as error:
            refused.append(f"fsync of the folder ({error.strerror})")
    finally:
        probe.unlink(missing_ok=True)
    return refused


@contextmanager
def private_files() -> Iterator[None]:
    """Inside the block, every file that is created (also by a library) is for its owner alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def put_whole(source: Path, target: Path) -> None:
    """Copy a file to another place, whole or not at all, for its owner alone; a kill leaves nothing there.

    Raises `StoreError` if the file system refuses.
    """
    with storage_errors(f"writing {target}"):
        try:
            descriptor = os.open(target.parent, os.O_TMPFILE | os.O_WRONLY, PRIVATE_FILE)
        except OSError:
            # This file system has no files without a name.
            replace_atomically(target, lambda temporary: shutil.copyfile(source, temporary))
            return
        with os.fdopen(descriptor, "wb") as unnamed, source.open("rb") as content:
            shutil.copyfileobj(content, unnamed)
            unnamed.flush()
            os.fsync(unnamed.fileno())
            named = target.with_name(f".{target.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
            named.unlink(missing_ok=True)
            # `src_dir_fd` is not needed for an absolute path. With it Python follows the link to the file.
            os.link(f"/proc/self/fd/{unnamed.fileno()}", named, src_dir_fd=unnamed.fileno(), follow_symlinks=True)
            named.replace(target)


def write_bytes_atomically(path: Path, content: bytes, *, mode: int = PRIVATE_FILE, aside: Path | None = None) -> None:
    """Put `content` at `path`, whole or not at all; `aside` as in `replace_atomically`."""
    replace_atomically(path, lambda temporary: temporary.write_bytes(content), mode=mode, aside=aside)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that a killed process left in `folder`, and DuckDB's logs of them."""
    with storage_errors(f"tidying {folder}"):
        for name in names_in(folder):
            if name.startswith(".") and name.removesuffix(".wal").endswith(TEMPORARY_SUFFIX):
                (folder / name).unlink(missing_ok=True)


def names_in(folder: Path) -> list[str]:
    """Return the names in `folder`, in no order; none if it is absent. Raises `OSError`.

    Names, not paths: an outbox that nobody empties has a quarter of a million files after ten years.
    """
    try:
        return os.listdir(folder)  # noqa: PTH208
    except FileNotFoundError:
        return []


def require_room(folder: Path) -> None:
    """Raise `StoreError` if the disk under `folder` has less room than the smallest run needs."""
    with storage_errors(f"looking at {folder}"):
        free = shutil.disk_usage(folder).free
    if free < _ROOM_NEEDED:
        message = (
            f"the disk of {folder} has {free // 1024} KiB left; expected: {_ROOM_NEEDED // 1024} at least. "
            "Make room and run again: nothing was done"
        )
        raise StoreError(message)


def hash_of(content: bytes) -> str:
    """Return the SHA-256 of `content` in hex."""
    return sha256(content).hexdigest()


def hash_of_file(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def hash_if_file(path: str) -> str | None:
    """Return the SHA-256 of a small file in hex; null if there is no such file. Raises `OSError` if it cannot be read.

    A name and not a `Path`, opened at once: a run asks for 3 000. A pipe of that name is no file, and is not waited for.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            return hash_of(file.read())
    finally:
        os.close(descriptor)


def remove_folder(folder: Path) -> None:
    """Remove a folder with everything in it, if it exists. Raises `StoreError` if the file system refuses."""
    with storage_errors(f"removing {folder}"):
        if folder.exists():
            shutil.rmtree(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
