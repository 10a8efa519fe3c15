"""The time from a schedule's tick to the manifest on disk, by bank. It shows how long a bank waits for the others.

Here every bank polls each minute, and with many banks the polls of a tick take longer than that. Nothing waits before the
first tick of each bank, as at each quarter in production.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Final

from tests.many.asking import asked
from tests.many.installation import BankOfMany, Installation

_RUNS: Final = "{runsOrError{... on Runs{results{runId jobName tags{key value}}}}}"


def seconds_by_bank(running: Installation) -> dict[str, list[float]]:
    """Return the seconds from tick to manifest of each scheduled poll that wrote its file, by bank, in the order of ticks."""
    results = asked(running, _RUNS)["runsOrError"]["results"]
    ticks: dict[str, dt.datetime] = {}
    for run in results:
        key = next((tag["value"] for tag in run["tags"] if tag["key"] == "dagster/run_key"), "")
        if key.startswith("poll "):
            ticks[run["runId"]] = dt.datetime.fromisoformat(key.removeprefix("poll "))
    found = {}
    for bank in running.banks:
        written = {run_id: at for run_id, at in _written(bank).items() if run_id in ticks}
        found[bank.bank_id] = [
            written[run_id] - ticks[run_id].timestamp() for run_id in sorted(written, key=lambda run_id: ticks[run_id])
        ]
    return found


def _written(bank: BankOfMany) -> dict[str, float]:
    """Return run → the file time of its manifest, in seconds since 1970."""
    found = {}
    for name in bank.manifests:
        manifest = bank.data / "outbox" / name
        with manifest.with_name(name.replace(".manifest.json", ".jsonl")).open() as file:
            found[json.loads(file.readline())["run_id"]] = manifest.stat().st_mtime
    return found


def in_words(found: dict[str, list[float]]) -> str:
    """Return the median and the longest of the banks' first ticks, and of all their ticks."""
    first = [seconds[0] for seconds in found.values() if seconds]
    every = [one for seconds in found.values() for one in seconds]
    return f"from tick to file: first tick of {len(first)} banks {_shares(first)}; {len(every)} ticks {_shares(every)}"


def _shares(seconds: Sequence[float]) -> str:
    in_order = sorted(seconds)
    return f"p50 {in_order[len(in_order) // 2]:.1f} s, max {in_order[-1]:.1f} s" if in_order else "none yet"
