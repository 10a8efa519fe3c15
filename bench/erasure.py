"""The first erasure over all years, the nightly erasure a day later, and a trustee's request.

The prepared store gets the list answers that polls and weekly sweeps would have left: 33 a day for the last `ANSWER_DAYS`
days, each with the lookback's notices, and 52 sweeps, each with a year of notices.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import time
import uuid
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bench import notices
from bench.processes import BIN, Series, run_script
from bench.report import measurement, progress
from bench.scale import Scale
from bench.service import running_service
from bench.stores import Case
from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.erasure.erasure import erase, plan_erasure, terms_of
from konkurs_pipeline.storage.files import hash_of
from konkurs_pipeline.storage.store import Store, open_store

ANSWER_DAYS: Final = 130
POLLS_A_DAY: Final = 33
_LOOKBACK: Final = dt.timedelta(days=8)
_YEAR: Final = dt.timedelta(days=365)
_NIGHT: Final = dt.timedelta(hours=4)


def measure(folder: Path, scale: Scale) -> None:
    """Measure and print. The first erasure runs once, because it is long; the nightly one once a run."""
    case = Case(folder, scale.years, scale.customers)
    case.make_register()
    case.prepare()
    case.restore()
    with running_service(case.years) as url:
        environ = case.environ(url)
        result = run_script("erasure", [str(scale.runs)], environ).printed
        request = _requests(environ, scale.runs)
    size: dict[str, Any] = {"customers": case.customers, "years": case.years}
    measurement("erasure: the first", Series([result["first"]["seconds"]], [0.0]), **size, **result["first"]["found"])
    nights = Series([night["seconds"] for night in result["nights"]], [0.0])
    measurement("erasure: every night", nights, goal=30.0, **size, **result["nights"][-1]["found"])
    measurement("control-request: whole process", request, goal=1.0, **size)


def _requests(environ: Mapping[str, str], runs: int) -> Series:
    party = notices.last_week()[-1].debtor_id
    asked = {
        "requester_orgnr": "974760673",
        "party_id": party,
        "from_date": str(notices.DAY),
        "to_date": str(notices.DAY),
    }
    more = {"only_primary_owner": True, "legal_mandate": "kkl. §156 (3) og (4), jf. kkfor.§21", "scope": "accounts"}
    ids = {"correlation_id": str(uuid.uuid4()), "account_info_request_id": str(uuid.uuid4())}
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(  # noqa: S603 -- our own console script
            [BIN / "konkurs", "control-request", "--json"],
            env=dict(environ),
            input=json.dumps({**asked, **more, **ids}).encode(),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        seconds.append(time.perf_counter() - began)
    return Series(seconds, [0.0])


def _add_answers(store: Store, last: dt.datetime) -> None:
    rows = store.lake.read("raw_notices", columns=["registered_at", "payload"]).sort("registered_at")
    times, payloads = rows["registered_at"].to_list(), rows["payload"].to_list()
    answers: list[dict[str, Any]] = []
    for at, after in _asked(last):
        items = ",".join(payloads[bisect_left(times, after) : bisect_left(times, at)])
        body = f'{{"_embedded": {{"konkursvarsler": [{items}]}}, "_links": {{"at": {{"href": "{at}"}}}}}}'.encode()
        store.lake.answers.keep(body)
        resource = f"/konkursvarsler/oppdatert/{instant_text(after)}"
        same = {"run_id": str(uuid.uuid4()), "resource": resource, "fetched_at": at}
        answers.append({**same, "sha256": hash_of(body), "byte_count": len(body)})
    store.ledger.append("answers", answers)


def _asked(last: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    for day in range(ANSWER_DAYS):
        for quarter in range(POLLS_A_DAY):
            at = last - dt.timedelta(days=day, minutes=15 * quarter)
            yield at, at - _LOOKBACK
    for week in range(52):
        at = last - dt.timedelta(days=7 * week, minutes=5)
        yield at, at - _YEAR


def main() -> None:
    """Erase as of the night after the last day, and as of the nights after it; print what each took and did."""
    import sys  # noqa: PLC0415 -- for the measured process alone

    settings = load_settings()
    last = dt.datetime.combine(notices.DAY, dt.time(16), tzinfo=dt.UTC)
    with open_store(settings) as store:
        _add_answers(store, last)
    said = [_one(settings, last + dt.timedelta(days=night) + _NIGHT) for night in range(int(sys.argv[1]) + 1)]
    sys.stdout.write(json.dumps({"first": said[0], "nights": said[1:]}) + "\n")


def _one(settings: Any, now: dt.datetime) -> dict[str, Any]:  # noqa: ANN401 -- the settings
    began = time.perf_counter()
    with open_store(settings) as store:
        done = erase(store, plan_erasure(store, terms_of(settings), now), by="the bench", now=now)
        store.publish()
        store.discard_superseded()
    found = {"notices": sum(done.notices.values()), "answers": done.answers}
    return {"seconds": time.perf_counter() - began, "found": found}


if __name__ == "__main__":
    progress("erasing")
    main()
