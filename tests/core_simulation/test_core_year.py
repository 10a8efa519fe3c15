"""A few weeks of the core against the oracle; `make soak-core` runs a thousand years."""

from __future__ import annotations

from typing import Any

import pytest

from konkurs_pipeline.domain.actions.settlement import Settlement, settle
from konkurs_pipeline.domain.actions.situation import Situation
from tests.core_simulation.core_year import CoreYear


@pytest.mark.parametrize("seed", [1, 5])
def test_nothing_is_lost_doubled_or_wrong(seed: int) -> None:
    year = CoreYear(seed, day_count=40)

    met = year.run()

    assert year.failures == []
    assert met.reasons.total() > 10


def _without_the_last(*args: Any, **more: Any) -> Settlement:
    done = settle(*args, **more)
    return Settlement(done.write[:-1], done.hold, done.void)


BREAKS: list[Any] = [
    pytest.param("tests.core_simulation.core_year.settle", _without_the_last, "lost", id="a row is forgotten"),
    pytest.param(
        f"{Situation.__module__}.Situation.other_blocks_on", lambda *_: [], "wrong", id="other blocks are ignored"
    ),
    pytest.param(
        "konkurs_pipeline.domain.actions.policy._is_of_person", lambda _: False, "wrong", id="nobody is a person"
    ),
    pytest.param(f"{Situation.__module__}.Situation.written_reviews", {}, "lost", id="written reviews are forgotten"),
]


@pytest.mark.parametrize(("part", "broken", "found_as"), BREAKS)
def test_a_broken_core_is_found(part: str, broken: Any, found_as: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401 -- what takes the part's place
    monkeypatch.setattr(part, broken)
    year = CoreYear(4, day_count=150)

    year.run()

    assert any(found_as in failure for failure in year.failures)
