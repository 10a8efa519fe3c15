"""The definitions that `dg check defs`, the code server and `make dev` load, validated by Dagster itself."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from konkurs_pipeline.orchestration.definitions import build_defs
from konkurs_pipeline.settings import load_settings

# A person switches these on and off in the UI, and Dagster stores the choice by name.
SWITCHES = {
    *("poll", "closing_poll", "sweep", "wide_sweep", "housekeeping"),
    *("nightly_erasure", "second_source", "monthly_report"),
    *("look", "alerts"),
}
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def test_schedules_and_sensors_keep_their_names(tmp_path: Path) -> None:
    defs = build_defs(load_settings({"KONKURS_DATA_DIR": str(tmp_path)}, dotenv=tmp_path / "none"))
    assert {each.name for each in [*(defs.schedules or []), *(defs.sensors or [])]} == SWITCHES
    page = OPERATIONS.read_text(encoding="utf-8")
    assert [name for name in SWITCHES - {"alerts"} if f"`{name}`" not in page] == []


def test_all_definitions_load_together(tmp_path: Path) -> None:
    settings = load_settings({"KONKURS_DATA_DIR": str(tmp_path)}, dotenv=tmp_path / "none")
    # Dagster uses the instance that this process opened last, even if another test has removed it.
    with dg.instance_for_test():
        dg.Definitions.validate_loadable(build_defs(settings))
