"""Property tests have no deadline, because a machine may be loaded. `make test` leaves some tests to `make long`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

# A test here has a store, a process or a server of its own and takes a second. `make test` runs a sample of each file.
_SLOW_FOLDERS: Final = {"canary", "cli", "pipeline", "processes", "service"}

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of a slow file as long, except the first one that is not marked already, with its first input."""
    sampled: set[Path] = set()
    for item in items:
        if item.path.parent.name not in _SLOW_FOLDERS or item.get_closest_marker("long"):
            continue
        if item.path in sampled:
            item.add_marker(pytest.mark.long)
        sampled.add(item.path)
