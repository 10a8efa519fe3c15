"""Removes the ticks and runs of a clock that was ahead, so that schedules and sensors go on from now.

A schedule goes on from the time of its last tick, and asks for the run of one time once. So if the clock was ahead, nothing
ticks until that time has come.

Run by the start of the daemon: `python -m konkurs_pipeline.orchestration.future_ticks`.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any, Final

import dagster as dg
from dagster import RunsFilter

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.instants import CLOCKS_DIFFER

_FOR_EVER: Final = dt.datetime(9999, 1, 1, tzinfo=dt.UTC).timestamp()


def mend_future_ticks(instance: dg.DagsterInstance, now: dt.datetime) -> list[str]:
    """Remove what a clock that was ahead left in Dagster's history; returns the names of the schedules and sensors.

    Such a schedule or sensor loses its list of ticks. It stays on or off, and a sensor keeps its cursor. Restart a
    running daemon: it remembers the time itself.
    """
    limit = now + CLOCKS_DIFFER
    mended = []
    for state in instance.all_instigator_state():
        where = (state.instigator_origin_id, state.selector_id)
        data: Any = state.instigator_data
        later = _later_times(data, limit.timestamp())
        if later or instance.get_ticks(*where, after=limit.timestamp(), limit=1):
            instance.purge_ticks(*where, before=_FOR_EVER)
            if data is not None:
                instance.update_instigator_state(
                    state.with_data(data._replace(**dict.fromkeys(later, now.timestamp())))
                )
            mended.append(str(state.name))
    for record in instance.get_run_records(RunsFilter(created_after=limit)):
        # What the run did is in the ledger. Its key would keep the schedule from asking for a run of that time.
        instance.delete_run(record.dagster_run.run_id)
    return sorted(mended)


def _later_times(data: Any, limit: float) -> list[str]:  # noqa: ANN401 -- a schedule's or a sensor's data
    """Return the names of the fields that hold a time after `limit`."""
    fields = data._asdict() if data is not None else {}
    return [name for name, value in fields.items() if isinstance(value, float) and value > limit]


def main() -> None:
    """Mend the instance of DAGSTER_HOME."""
    with dg.DagsterInstance.get() as instance:
        mended = mend_future_ticks(instance, utc_now())
    if mended:
        sys.stderr.write(f"konkurs: a clock was ahead. These go on from now: {', '.join(mended)}\n")


if __name__ == "__main__":
    main()
