"""After a clock that was ahead, schedules and sensors go on from now, and their cursors stay."""

from __future__ import annotations

import datetime as dt
from typing import Any

import dagster as dg
import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.orchestration.future_ticks import mend_future_ticks

AHEAD = dt.timedelta(hours=2)


class Data:
    """A schedule's or a sensor's data, as Dagster keeps it."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def _asdict(self) -> dict[str, Any]:
        return self.fields

    def _replace(self, **changed: Any) -> Data:
        return Data(**{**self.fields, **changed})


class State:
    """A schedule's or a sensor's state, as Dagster keeps it."""

    instigator_origin_id, selector_id = "origin", "selector"

    def __init__(self, name: str, data: Data) -> None:
        self.name, self.instigator_data = name, data

    def with_data(self, data: Data) -> State:
        return State(self.name, data)


@pytest.mark.parametrize(("ahead", "mended"), [(AHEAD, ["alerts"]), (-AHEAD, [])], ids=["ahead", "right"])
def test_only_times_in_the_future_are_mended(
    ahead: dt.timedelta, mended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utc_now()
    told: list[State] = []
    purged: list[float] = []
    state = State("alerts", Data(last_tick_timestamp=(now + ahead).timestamp(), cursor="what was told"))
    with dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setattr(instance, "all_instigator_state", lambda: [state])
        monkeypatch.setattr(instance, "get_ticks", lambda *_, **__: [])
        monkeypatch.setattr(instance, "purge_ticks", lambda *_, before: purged.append(before))
        monkeypatch.setattr(instance, "update_instigator_state", told.append)
        assert mend_future_ticks(instance, now) == mended
    assert len(purged) == len(told) == len(mended)
    for one in told:
        assert one.instigator_data.fields == {"last_tick_timestamp": now.timestamp(), "cursor": "what was told"}


def test_a_run_from_the_future_is_removed_and_one_of_now_stays() -> None:
    @dg.job
    def nothing() -> None:
        pass

    with dg.instance_for_test() as instance:
        run = instance.create_run_for_job(nothing)
        mend_future_ticks(instance, utc_now())
        assert instance.get_run_by_id(run.run_id) is not None
        mend_future_ticks(instance, utc_now() - AHEAD)
        assert instance.get_run_by_id(run.run_id) is None
