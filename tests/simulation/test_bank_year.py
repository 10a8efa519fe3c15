"""A few fixed seeds of the simulation, ten days each; `make soak SEEDS=…` simulates whole years."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.bank_year import BankYear


@pytest.mark.parametrize("seed", [1, pytest.param(4, marks=pytest.mark.long)])
def test_nothing_is_lost_doubled_wrong_or_leaked(seed: int, tmp_path: Path) -> None:
    year = BankYear(seed, tmp_path, day_count=10, trouble=3)
    figures = year.run()
    assert figures.failures() == []
    assert figures.polls["good"] > 5
    assert figures.polls["killed"] > 0
    assert figures.rows["BLOCK"] > 1
    assert figures.faults.total() > 10


@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for name in ("once", "again"):
        year = BankYear(7, tmp_path / name, day_count=4, trouble=3)
        assert year.run().failures() == []
        digests.add(year.strict.digest())
    assert len(digests) == 1


@pytest.mark.long
def test_nightly_erasures_lose_double_and_change_nothing(tmp_path: Path) -> None:
    """A case kept for zero days is erased the next night, and the lookback shows it again. A customer's case stays."""
    figures = BankYear(5, tmp_path, day_count=7, trouble=2, kept_days=1).run()
    assert figures.failures() == []
    assert figures.faults["erasure: notices gone"] > 0
