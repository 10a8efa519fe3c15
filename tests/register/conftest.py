from __future__ import annotations

from pathlib import Path

import pytest

from tests.register.bank import Bank


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """Return a bank without register files."""
    return Bank(tmp_path / "data")
