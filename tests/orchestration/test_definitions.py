"""What `dg check defs`, the code server and `make dev` load: everything, as dagster itself validates it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from konkurs_pipeline.orchestration.definitions import build_defs
from konkurs_pipeline.settings import load_settings


def test_all_definitions_load_together(tmp_path: Path) -> None:
    settings = load_settings({"KONKURS_DATA_DIR": str(tmp_path)}, dotenv=tmp_path / "none")
    # Dagster asks the instance that was opened last in this process, also where another test left one that is gone.
    with dg.instance_for_test():
        dg.Definitions.validate_loadable(build_defs(settings))
