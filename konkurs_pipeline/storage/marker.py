"""`store.json`: which bank, environment and service a data folder belongs to, and which version its files have.

The version is raised with each change of shape (schemas, ledger, lake files); `migrations` brings an older store forward.
Older code refuses a newer store, as it cannot read it. What does not belong here: the migrations.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlsplit

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.files import write_bytes_atomically
from konkurs_pipeline.storage.layout import Layout

STORE_VERSION: Final = 2
# This program cannot migrate older stores.
OLDEST_VERSION: Final = 1
_FORMAT: Final = "konkurs-store/"
_OWNER: Final = ("environment", "bank_id")


def write_marker(settings: Settings, layout: Layout) -> None:
    """Write that the folder belongs to this bank, environment and service, and has this program's version."""
    marker = {"store": f"{_FORMAT}{STORE_VERSION}", **_ours(settings)}
    write_bytes_atomically(layout.marker, json.dumps(marker).encode())


def store_version(settings: Settings, layout: Layout) -> int | None:
    """Return the version of the store's files; null if there is no store yet.

    Raises `StoreError` if the folder belongs to another bank, environment or service, or its version is newer than this
    program, or too old.
    """
    if not layout.marker.is_file():
        return None
    theirs = _read(layout)
    _refuse_foreign(settings, layout, theirs)
    version = _version_of(theirs)
    if version > STORE_VERSION:
        message = (
            f"{layout.marker} says {theirs['store']}: a newer version of this program wrote the store. This one reads up to "
            f"{_FORMAT}{STORE_VERSION}. Nothing was done. Install the newer version again, or restore a copy from before it"
        )
        raise StoreError(message)
    if version < OLDEST_VERSION:
        message = (
            f"{layout.marker} says {theirs['store']}; expected {_FORMAT}{OLDEST_VERSION} to {_FORMAT}{STORE_VERSION}. The "
            "store is too old: run a version of this program in between first, or start an empty store and backfill it"
        )
        raise StoreError(message)
    return version


def check_marker(settings: Settings, layout: Layout) -> bool:
    """Return whether there is a store; raises `StoreError` as `store_version` does, and if it must be migrated first."""
    version = store_version(settings, layout)
    if version is not None and version < STORE_VERSION:
        message = (
            f"{layout.marker} says {_FORMAT}{version}, and this program reads {_FORMAT}{STORE_VERSION}: "
            "`konkurs run` brings the store forward"
        )
        raise StoreError(message)
    return version is not None


def _ours(settings: Settings) -> dict[str, str]:
    service = urlsplit(settings.api_url).hostname or ""
    return {"environment": settings.environment.value, "bank_id": settings.bank_id, "service": service}


def _read(layout: Layout) -> dict[str, Any]:
    try:
        theirs = json.loads(layout.marker.read_bytes())
    except (OSError, ValueError):
        theirs = None
    return theirs if isinstance(theirs, dict) else {}


def _version_of(theirs: dict[str, Any]) -> int:
    number = str(theirs.get("store")).removeprefix(_FORMAT)
    return int(number) if number.isdecimal() else 0


def _refuse_foreign(settings: Settings, layout: Layout, theirs: dict[str, Any]) -> None:
    """Raise `StoreError` unless the marker names this bank, environment and service.

    Else core banking would carry out a production file in a test bank's sequence, or the other way round.
    """
    ours = _ours(settings)
    if any(theirs.get(key) != ours[key] for key in _OWNER):
        held = ", ".join(f"{key} {theirs.get(key)}" for key in _OWNER) if theirs else "nothing readable"
        message = (
            f"{layout.marker} says {held}; expected environment {ours['environment']}, bank_id {ours['bank_id']}: "
            "set KONKURS_DATA_DIR to a folder of its own for each environment and bank"
        )
        raise StoreError(message)
    if theirs.get("service", ours["service"]) != ours["service"]:
        message = (
            f"{layout.marker} says service {theirs['service']}, and KONKURS_API_URL names {ours['service']}: notices of two "
            "services must not meet in one store. Set KONKURS_API_URL back, or KONKURS_DATA_DIR to a new folder. Is it the "
            f"same service under a new address, write the new host as `service` in {layout.marker.name}"
        )
        raise StoreError(message)
