"""`KONKURS_DATASET_MAP`: a TOML file that says where in an expanded dataset a field stands.

    [paths]
    debtor_id = ["skyldner.id", "debitor"]
    linked_units = ["enheter"]

Fields that are not named keep their assumed paths (`domain.documents.datasets.ASSUMED_PATHS`).
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import TypeAdapter

from konkurs_pipeline.domain.documents.datasets import ASSUMED_PATHS, DatasetMap
from konkurs_pipeline.errors import SettingsError, UsageError
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.storage.files import storage_errors

_PATHS = TypeAdapter(dict[str, list[str]])


def load_dataset_map(path: Path | None) -> DatasetMap:
    """Return the assumed map with the file's changes; raises `SettingsError` naming what is wrong."""
    if path is None:
        return DatasetMap()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        paths = _PATHS.validate_python(content.get("paths", {}))
    # tomllib raises ValueError for an integer of thousands of digits, and RecursionError for deep nesting.
    except (OSError, ValueError, RecursionError) as error:
        message = (
            f"KONKURS_DATASET_MAP is {path}, which cannot be used ({type(error).__name__}); expected: a TOML file with a "
            "table [paths] of field = [paths]. Mend it, or unset it for the built-in map"
        )
        raise SettingsError(message) from None
    unknown = sorted(redact(field) for field in set(paths) - set(ASSUMED_PATHS))
    if unknown:
        message = f"KONKURS_DATASET_MAP names unknown fields {', '.join(unknown)}; known: {', '.join(ASSUMED_PATHS)}"
        raise SettingsError(message)
    return DatasetMap({**ASSUMED_PATHS, **paths})


def write_new_map(path: Path, text: str) -> None:
    """Write a map as a new file; raises `UsageError` if the file exists: a map in use is never changed."""
    refuse_existing(path)
    with storage_errors(f"writing {path}"), path.open("x", encoding="utf-8") as file:
        file.write(text)


def refuse_existing(path: Path) -> None:
    """Raise `UsageError` if `path` exists already or its folder does not."""
    if path.exists() or path.is_symlink():
        message = f"{path} exists already and is not overwritten: give --write-map another name, or move it away"
        raise UsageError(message)
    if not path.absolute().parent.is_dir():
        message = f"{path.absolute().parent} is no folder: give --write-map a path in a folder that exists"
        raise UsageError(message)
