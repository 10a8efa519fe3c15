"""The time from the moment the service shows a notice to the manifest on disk: code server, daemon and light looks.

Everything starts as in production (tick.py). Notices become visible at random moments. Each is an opening of a customer, so
its file holds a BLOCK. The schedule is stopped, so only looks start polls. Beside it stands a computed figure: the
quarter-hour poll alone, whose wait is spread evenly over 0 to 900 seconds.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench import notices
from bench.processes import BIN, run
from bench.report import figures, progress
from bench.scale import Scale
from bench.stores import Case
from bench.tick import running_dagster
from konkurs_pipeline.brreg.simulator.app import Simulation, build_app
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, simulated_notice
from konkurs_pipeline.brreg.simulator.server import running_simulator

INTERVALS_S: Final = (10, 30)
GOAL_BEYOND_INTERVAL_S: Final = 4.0
_A_MINUTE: Final = 3
_SETTLED_S: Final = 20
_LATEST_S: Final = 120
_QUARTER_S: Final = 900
_SEED: Final = 1


def measure(folder: Path, scale: Scale) -> None:
    """Measure and print, once for each interval."""
    case = Case(folder, 0, scale.few_customers)
    for every_s in INTERVALS_S:
        waits, requests = _waits(case, every_s, scale.minutes)
        found = _shares(waits)
        # A wait spread evenly over a quarter, plus the time of a poll: the fastest one here, whose look came at once.
        by_quarter = {"p50": _QUARTER_S / 2 + min(waits), "p95": _QUARTER_S * 0.95 + min(waits)}
        figures(
            "time to file",
            every_s=every_s,
            seconds=found,
            goal_p95=every_s + GOAL_BEYOND_INTERVAL_S,
            met=found["p95"] <= every_s + GOAL_BEYOND_INTERVAL_S,
            by_the_quarter_alone=by_quarter,
            notices=len(waits),
            requests=requests,
            minutes=scale.minutes,
            customers=case.customers,
        )


def _waits(case: Case, every_s: int, minutes: int) -> tuple[list[float], int]:
    """Return the seconds from visible to manifest of each notice, and how many requests the service got meanwhile."""
    case.start_empty()
    app = build_app([])
    simulation: Simulation = app.state.simulation
    with running_simulator(app, tls=None) as url:
        environ = {**case.environ(url), "KONKURS_FIRST_WORKDAY": "2024-01-02", "KONKURS_LOOK_EVERY_S": str(every_s)}
        run([BIN / "konkurs", "run"], environ)
        progress(f"notices for {minutes} minutes, a look every {every_s} s")
        with running_dagster(case, environ, stopped=("poll", "sweep", "closing_poll")):
            time.sleep(_SETTLED_S)
            served = _appearing(case.years, minutes)
            simulation.replace_notices(served)
            before = len(simulation.requests)
            _wait_for(case.live / "outbox", served)
            requests = len(simulation.requests) - before
    shown = _shown(case.live / "outbox")
    return [shown[one.uuid] - one.visible_from.timestamp() for one in served], requests


def _appearing(years: int, minutes: int) -> list[SimulatedNotice]:
    """Return openings of customers that become visible at random moments of the next minutes."""
    chance, now = random.Random(_SEED), dt.datetime.now(dt.UTC)  # noqa: S311 -- no secret
    moments = sorted(chance.uniform(5, minutes * 60) for _ in range(minutes * _A_MINUTE))
    debtors = notices.debtors_who_are_customers(years)
    made = []
    for number, moment in enumerate(moments):
        at = now + dt.timedelta(seconds=moment)
        debtor = debtors[number % len(debtors)]
        uid = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        made.append(simulated_notice(uuid=uid, type="aapning", registered_at=at, debtor_id=debtor))
    return made


def _wait_for(outbox: Path, served: Sequence[SimulatedNotice]) -> None:
    ends = served[-1].visible_from.timestamp() + _LATEST_S
    while not {one.uuid for one in served} <= _shown(outbox).keys():
        if time.time() > ends:
            message = f"some notices were not in a file {_LATEST_S} s after they became visible"
            raise RuntimeError(message)
        time.sleep(1)


def _shown(outbox: Path) -> dict[str, float]:
    """Return notice → when the manifest of the first file with it was renamed to its place."""
    shown: dict[str, float] = {}
    for manifest in sorted(outbox.glob("*.manifest.json")):
        lines = manifest.with_name(manifest.name.replace(".manifest.json", ".jsonl")).read_text().splitlines()
        for record in map(json.loads, lines):
            if record["record"] == "A":
                shown.setdefault(record["notice_uuid"], manifest.stat().st_mtime)
    return shown


def _shares(waits: Sequence[float]) -> dict[str, float]:
    in_order = sorted(waits)
    return {
        "p50": round(in_order[len(in_order) // 2], 1),
        "p95": round(in_order[min(len(in_order) - 1, round(len(in_order) * 0.95))], 1),
        "max": round(in_order[-1], 1),
    }
