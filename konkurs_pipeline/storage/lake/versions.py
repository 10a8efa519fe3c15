"""Versions of files that readers may open at any time: a changed file gets a new name, and the old one is removed later.

    <folder>/<part>.<version, six digits>.parquet

The part is a month of a lake table, or a published table. The newest version counts. A reader can go on reading an old
file, because it is removed only after `KEPT_FOR_S`. What does not belong here: the content of the files, and which
version the ledger knows.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from konkurs_pipeline.storage.files import names_in, storage_errors

# Far longer than a query takes.
KEPT_FOR_S: Final = 600
_NAME: Final = re.compile(r"(.+)\.([0-9]{6,})\.parquet")


def path_of(folder: Path, part: str, version: int) -> Path:
    """Return the path of a version of a part."""
    return folder / f"{part}.{version:06}.parquet"


def next_of(path: Path) -> Path:
    """Return the path of the version after this one."""
    part, _, version = path.stem.rpartition(".")
    return path_of(path.parent, part, int(version) + 1)


def versions_in(folder: Path) -> dict[str, list[int]]:
    """Return part → its versions in the folder, oldest first; parts in order."""
    found: dict[str, list[int]] = {}
    for name in names_in(folder):
        if match := _NAME.fullmatch(name):
            found.setdefault(match[1], []).append(int(match[2]))
    return {part: sorted(found[part]) for part in sorted(found)}


def newest_in(folder: Path) -> dict[str, Path]:
    """Return part → the path of its newest version."""
    return {part: path_of(folder, part, versions[-1]) for part, versions in versions_in(folder).items()}


def all_in(folder: Path) -> Iterator[Path]:
    """Yield the paths of all versions."""
    for part, versions in versions_in(folder).items():
        yield from (path_of(folder, part, version) for version in versions)


def remove_superseded(folder: Path, *, kept_for_s: float = KEPT_FOR_S) -> None:
    """Remove every version that a newer one replaced more than `kept_for_s` seconds ago."""
    with storage_errors(f"tidying {folder}"):
        for part, versions in versions_in(folder).items():
            if len(versions) > 1 and time.time() - path_of(folder, part, versions[-1]).stat().st_mtime >= kept_for_s:
                for version in versions[:-1]:
                    path_of(folder, part, version).unlink(missing_ok=True)
