"""The time from the request of a poll to the manifest on disk, by bank. It shows how long a bank waits for the others.

A tick of the schedule or a look requests a poll. Here every bank polls each minute, and with many banks that takes longer
than a minute. Nothing waits before the first request of each bank, as at each quarter in production.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from tests.many.asking import asked
from tests.many.installation import BankOfMany, Installation

_RUNS: Final = "{runsOrError{... on Runs{results{runId creationTime}}}}"


def seconds_by_bank(running: Installation) -> dict[str, list[float]]:
    """Return the seconds from request to manifest of each poll that wrote its file, by bank, in the order of requests."""
    results = asked(running, _RUNS)["runsOrError"]["results"]
    requested: dict[str, float] = {run["runId"]: run["creationTime"] for run in results}
    found = {}
    for bank in running.banks:
        written = _written(bank)
        in_order = sorted(written.keys() & requested.keys(), key=requested.__getitem__)
        found[bank.bank_id] = [written[run_id] - requested[run_id] for run_id in in_order]
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
    """Return the median and the longest of the banks' first polls, and of all their polls."""
    first = [seconds[0] for seconds in found.values() if seconds]
    every = [one for seconds in found.values() for one in seconds]
    return (
        f"from request to file: first poll of {len(first)} banks {_shares(first)}; {len(every)} polls {_shares(every)}"
    )


def _shares(seconds: Sequence[float]) -> str:
    in_order = sorted(seconds)
    return f"p50 {in_order[len(in_order) // 2]:.1f} s, max {in_order[-1]:.1f} s" if in_order else "none yet"
