from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from tests.brreg.hostile_server import Authority


@pytest.fixture(autouse=True)
def _retries_without_waiting() -> Iterator[None]:
    with stamina.set_testing(testing=True, attempts=3, cap=True):
        yield


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority that the service and our certificates come from."""
    return Authority(tmp_path_factory.mktemp("authority"), "Test")


@pytest.fixture(scope="session")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority that neither side trusts."""
    return Authority(tmp_path_factory.mktemp("other"), "Other")


@pytest.fixture(scope="session")
def client_p12(authority: Authority) -> Path:
    return authority.write_p12("client")
