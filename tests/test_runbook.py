"""The runbook has a section for each alarm, on the asset and with the severity of its rule, and the bounds."""

from __future__ import annotations

import re
from pathlib import Path

from konkurs_pipeline.domain.monitoring.alarms import RULES
from konkurs_pipeline.domain.monitoring.volume import BOUNDS, Per

RUNBOOK = (Path(__file__).parents[1] / "docs" / "runbook.md").read_text(encoding="utf-8")


def test_each_alarm_has_its_section() -> None:
    found = dict(re.findall(r"^## ([a-z_]+)\n\n\*(\w+, on `\w+`)", RUNBOOK, re.MULTILINE))
    assert found == {kind.value: f"{rule.severity.value}, on `{rule.asset}`" for kind, rule in RULES.items()}


def test_the_bounds_are_those_of_the_code() -> None:
    bounds = RUNBOOK.partition("## The bounds")[2]
    found = re.findall(r"^- (\w+): (\d+) a workday(?:, (\d+) an hour)?\.", bounds, re.MULTILINE)
    assert [(kind, per, int(most)) for kind, *of in found for per, most in zip(Per, of, strict=True) if most] == [
        (bound.type.value, bound.per, bound.at_most) for bound in BOUNDS
    ]
