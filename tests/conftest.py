"""Property tests have no deadline, because a machine may be loaded. `make test` leaves some tests to `make long`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

# A test here has a store, a process or a server of its own and takes a second. `make test` runs a sample of each file.
_SLOW_FOLDERS: Final = {"canary", "cli", "pipeline", "processes", "service"}
_INPUTS_OF_A_TEST: Final = 2
_TESTS_OF_A_FILE: Final = 6

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests outside the sample as long. The sample is the first tests of a slow file, each with its first inputs."""
    inputs: Counter[str] = Counter()
    tests: Counter[Path] = Counter()
    for item in (item for item in items if item.path.parent.name in _SLOW_FOLDERS):
        function = item.nodeid.partition("[")[0]
        inputs[function] += 1
        tests[item.path] += inputs[function] <= _INPUTS_OF_A_TEST
        if inputs[function] > _INPUTS_OF_A_TEST or tests[item.path] > _TESTS_OF_A_FILE:
            item.add_marker(pytest.mark.long)
