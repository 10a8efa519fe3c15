"""The alert sensor in Dagster: each alert leaves once, clears once and survives a restart."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.orchestration.definitions import build_defs
from konkurs_pipeline.storage.handoff.decisions import release
from tests.pipeline.kit import MONDAY, Bank, company

TELL = """import pathlib, sys
with pathlib.Path(sys.argv[1]).open("a") as file:
    file.write(sys.stdin.read() + "\\n")
sys.exit(int(pathlib.Path(sys.argv[1] + ".code").read_text()))
"""


class Watchman:
    """Runs the sensor as the daemon does, and reads the alerts that the command got."""

    def __init__(self, bank: Bank, folder: Path, instance: dg.DagsterInstance) -> None:
        self._bank, self._log, self.instance = bank, folder / "told", instance
        (folder / "tell.py").write_text(TELL)
        bank.extra |= {"KONKURS_ALERT_COMMAND": f"{sys.executable} {folder / 'tell.py'} {self._log}"}
        self._cursor: str | None = None
        self.fail(code=0)

    def fail(self, *, code: int) -> None:
        Path(f"{self._log}.code").write_text(str(code))

    def look(self) -> dg.SensorResult:
        sensor = _sensor(self._bank)
        result = sensor(dg.build_sensor_context(instance=self.instance, cursor=self._cursor))
        assert isinstance(result, dg.SensorResult)
        self._cursor = result.cursor
        return result

    def alerts(self) -> list[tuple[str, str]]:
        lines = self._log.read_text().splitlines() if self._log.is_file() else []
        return [(alert["event"], alert["alarm"]) for alert in map(json.loads, lines)]


def _sensor(bank: Bank) -> dg.SensorDefinition:
    (sensor,) = [one for one in build_defs(bank.settings).sensors or [] if one.name == "alerts"]
    assert isinstance(sensor, dg.SensorDefinition)
    return sensor


@pytest.fixture
def watchman(bank: Bank, tmp_path: Path) -> Iterator[Watchman]:
    """Watch over a bank whose one BLOCK is held."""
    bank.customer("K-1", company("firm"))
    bank.notice("aapning", company("firm"))
    bank.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "0"
    bank.poll(MONDAY)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Watchman(bank, tmp_path, instance)


def test_an_alert_leaves_once_and_once_more_when_it_clears(bank: Bank, watchman: Watchman) -> None:
    watchman.look()
    watchman.look()
    assert watchman.alerts() == [("raised", "blocks_held")]
    with bank.store() as store:
        ((run_id,),) = store.ledger.rows("SELECT DISTINCT run_id FROM actions WHERE status = 'held'")
        release(store.ledger, run_id, by="Kari", reason="looked at", now=utc_now())
        store.publish()
    watchman.look()
    watchman.look()
    assert watchman.alerts() == [("raised", "blocks_held"), ("cleared", "blocks_held")]


def test_an_undelivered_alert_is_tried_again_and_the_tick_reports_it(watchman: Watchman) -> None:
    watchman.fail(code=3)
    first = watchman.look()
    assert first.skip_reason is not None
    assert "not delivered: the alert command (KONKURS_ALERT_COMMAND) failed with exit code 3" in str(first.skip_reason)
    watchman.fail(code=0)
    watchman.look()
    watchman.look()
    assert watchman.alerts() == [("raised", "blocks_held")] * 2


def test_the_history_of_alarms_has_alarms_that_no_run_saw(bank: Bank, watchman: Watchman) -> None:
    watchman.look()
    rows = bank.published("alarms")
    assert rows.select("kind", "severity", "cleared_at").rows() == [("blocks_held", "error", None)]
    with bank.store():
        # Another program holds the store, and the alert still leaves.
        watchman.look()
    with bank.store() as store:
        ((run_id,),) = store.ledger.rows("SELECT DISTINCT run_id FROM actions WHERE status = 'held'")
        release(store.ledger, run_id, by="Kari", reason="looked at", now=utc_now())
        store.publish()
    watchman.look()
    (row,) = bank.published("alarms").to_dicts()
    assert row["raised_at"] < row["cleared_at"]
    (released,) = bank.published("actions").to_dicts()
    assert released["released_os_user"], "the user of the operating system stands beside the typed name"


def test_an_alert_holds_no_identifier(watchman: Watchman) -> None:
    result = watchman.look()
    assert company("firm") not in f"{result.cursor} {result.skip_reason}"
