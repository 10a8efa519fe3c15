"""After a clock that was ahead, schedules and sensors go on from now and keep their cursors."""

from __future__ import annotations

import datetime as dt
from typing import Any

import dagster as dg
import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.orchestration.future_ticks import mend_future_ticks

AHEAD = dt.timedelta(hours=2)


class Data:
    """The data of a schedule or sensor, as Dagster stores it."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def _asdict(self) -> dict[str, Any]:
        return self.fields

    def _replace(self, **changed: Any) -> Data:
        return Data(**{**self.fields, **changed})


class State:
    """The state of a schedule or sensor, as Dagster stores it."""

    instigator_origin_id, selector_id = "origin", "selector"

    def __init__(self, name: str, data: Data) -> None:
        self.name, self.instigator_data = name, data

    def with_data(self, data: Data) -> State:
        return State(self.name, data)


@pytest.mark.parametrize(("ahead", "mended"), [(AHEAD, ["alerts"]), (-AHEAD, [])], ids=["ahead", "right"])
def test_only_future_times_are_corrected(
    ahead: dt.timedelta, mended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utc_now()
    updated: list[State] = []
    purged: list[float] = []
    state = State("alerts", Data(last_tick_timestamp=(now + ahead).timestamp(), cursor="what was told"))
    with dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setattr(instance, "all_instigator_state", lambda: [state])
        monkeypatch.setattr(instance, "get_ticks", lambda *_, **__: [])
        monkeypatch.setattr(instance, "purge_ticks", lambda *_, before: purged.append(before))
        monkeypatch.setattr(instance, "update_instigator_state", updated.append)
        assert mend_future_ticks(instance, now) == mended
    assert len(purged) == len(updated) == len(mended)
    for one in updated:
        assert one.instigator_data.fields == {"last_tick_timestamp": now.timestamp(), "cursor": "what was told"}


def test_a_run_with_a_future_time_is_removed_and_a_present_one_stays() -> None:
    @dg.job
    def nothing() -> None:
        pass

    with dg.instance_for_test() as instance:
        run = instance.create_run_for_job(nothing)
        mend_future_ticks(instance, utc_now())
        assert instance.get_run_by_id(run.run_id) is not None
        mend_future_ticks(instance, utc_now() - AHEAD)
        assert instance.get_run_by_id(run.run_id) is None
