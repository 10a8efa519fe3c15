"""Kills and file system faults, at any place where the pipeline writes.

A boundary is a place where a process can die or a disk can be full: before and after each sync, rename, removal and written
file of the store, and each statement of the ledger. A number picks one boundary of a poll. After a kill every later boundary
kills again, so code that a dead process would not run leaves no trace.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.ledger.database import Ledger

T = TypeVar("T")


class KilledError(BaseException):
    """Stands for the kill of a process: nothing may catch it."""


class Disk:
    """The file system and ledger of one poll. `strike_at`: the number of the boundary to strike, from 1. None: never."""

    def __init__(self) -> None:
        self.boundaries = 0
        self.struck: Counter[str] = Counter()
        self._strike_at: int | None = None
        self._kind = ""
        self._is_dead = False
        self._ops_left = 0

    @contextmanager
    def during_poll(self, kind: str = "", strike_at: int | None = None) -> Iterator[None]:
        """Strike the poll at one boundary with `kind`: "kill", "disk full" or "input/output error"."""
        self.boundaries, self._kind, self._strike_at, self._is_dead = 0, kind, strike_at, False
        # A full disk stays full for a while. A passing error strikes once.
        self._ops_left = 1 if kind == "input/output error" else 25
        with (
            patch.object(os, "fsync", self._guarded(os.fsync, "sync")),
            patch.object(Path, "replace", self._guarded(Path.replace, "rename")),
            patch.object(Path, "unlink", self._guarded(Path.unlink, "remove")),
            patch.object(Path, "write_bytes", self._guarded(Path.write_bytes, "write")),
            patch.object(Ledger, "execute", self._guarded_ledger(Ledger.execute)),
        ):
            yield

    def reach(self, step: str) -> None:
        """Reach the beginning of a step, which is a boundary too."""
        self._strikes(f"before {step}", only_kills=True)

    def _guarded(self, operation: Callable[..., T], name: str) -> Callable[..., T]:
        def guarded(*args: Any, **more: Any) -> T:
            if self._strikes(name):
                code = errno.ENOSPC if self._kind == "disk full" else errno.EIO
                raise OSError(code, os.strerror(code))
            return operation(*args, **more)

        return guarded

    def _guarded_ledger(self, execute: Callable[..., None]) -> Callable[..., None]:
        def guarded(ledger: Ledger, sql: str, *args: Any) -> None:
            word = sql.split(maxsplit=1)[0].lower()
            if self._strikes(f"ledger {word}"):
                message = "injected: the ledger failed"
                raise StoreError(message)
            execute(ledger, sql, *args)
            if word == "commit":
                self._strikes("after ledger commit", only_kills=True)

        return guarded

    def _strikes(self, name: str, *, only_kills: bool = False) -> bool:
        """Count a boundary; kill there, or return whether the operation has to fail."""
        self.boundaries += 1
        is_due = self._strike_at is not None and self.boundaries >= self._strike_at
        if self._is_dead or (is_due and self._kind == "kill"):
            if not self._is_dead:
                self.struck[f"kill: {name}"] += 1
            self._is_dead = True
            raise KilledError
        if not is_due or not self._ops_left or only_kills:
            return False
        self._ops_left -= 1
        self.struck[f"{self._kind}: {name}"] += 1
        return True
