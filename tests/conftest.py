"""Property tests without a stopwatch: a loaded machine is no reason to fail. And what `make test` leaves to `make long`."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest
from hypothesis import settings

# A test here has a store, a process or a server of its own: a second or more.
_SLOW_FOLDERS: Final = {"canary", "cli", "pipeline", "processes", "service"}
_SAMPLE: Final = 2

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to `make long` all but the first two inputs of a slow test that is tried with many."""
    seen: Counter[str] = Counter()
    for item in items:
        function = item.nodeid.partition("[")[0]
        seen[function] += 1
        if seen[function] > _SAMPLE and item.path.parent.name in _SLOW_FOLDERS:
            item.add_marker(pytest.mark.long)
