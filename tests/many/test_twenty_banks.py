"""Twenty banks in one installation, with real processes: four have problems, and the sixteen others do not notice.

`make many-soak` takes a quarter of an hour, PostgreSQL and all of two cores. Every bank polls each minute, as in the demo:
fifteen times as often as in production. CI runs three banks (`make many-test`).
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import polars as pl
import pytest

from konkurs_pipeline.brreg.simulator.app import build_app
from konkurs_pipeline.brreg.simulator.pki import CLIENT, make_certificates
from konkurs_pipeline.brreg.simulator.server import running_simulator
from tests.many.asking import asked, looks, outcomes, polls, wait_until
from tests.many.installation import BankOfMany, Installation, has_postgres, installed
from tests.many.request_to_file import in_words, seconds_by_bank

pytestmark = [
    pytest.mark.skipif(not os.environ.get("MANY_BANKS_SOAK"), reason="takes a quarter of an hour: make many-soak"),
    pytest.mark.timeout(3600),
]
EXPIRES, REFUSED, FULL, KILLED = "EXPIRES", "REFUSED", "FULL", "KILLED"
WELL: Final = [f"WELL{number:02}" for number in range(1, 17)]
VALID_MINUTES: Final = 12
QUARTER: Final = dt.timedelta(minutes=15)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    assert has_postgres(), "apt-get install postgresql"
    tls = tmp_path_factory.mktemp("expires")
    made = make_certificates(tls, client=replace(CLIENT, valid_days=(-1, VALID_MINUTES / (24 * 60))))
    with (
        running_simulator(build_app([]), tls=made) as url,
        installed(
            [*WELL, EXPIRES, REFUSED, FULL, KILLED],
            small_disk=FULL,
            elsewhere={EXPIRES: (int(url.rpartition(":")[2]), tls)},
        ) as installation,
    ):
        yield installation


def _of(running: Installation, bank_id: str) -> BankOfMany:
    return next(bank for bank in running.banks if bank.bank_id == bank_id)


def _well(running: Installation) -> list[BankOfMany]:
    return [bank for bank in running.banks if bank.bank_id in WELL]


def _references(bank: BankOfMany) -> set[str]:
    lines = [line for path in (bank.data / "outbox").glob("*.jsonl") for line in path.read_text().splitlines()]
    return {record["customer_ref"] for record in map(json.loads, lines) if record["record"] == "A"}


def test_the_problems_of_four_banks_do_not_reach_the_sixteen_others(running: Installation) -> None:
    expires, refused, full, killed = (_of(running, bank_id) for bank_id in (EXPIRES, REFUSED, FULL, KILLED))
    wait_until(
        lambda: all(bank.manifests for bank in running.banks if bank is not expires), "each bank hands over a file"
    )
    wait_until(
        lambda: bool(polls(expires).filter(pl.col("outcome") != "failed").height), "its certificate is still good"
    )

    (refused.data / "register" / "customers.csv").write_text("nothing\n")
    _fill(full)
    assert killed.server is not None
    os.killpg(killed.server.pid, signal.SIGKILL)
    began = time.time()
    before = {bank.bank_id: len(outcomes(bank)) for bank in running.banks}

    wait_until(lambda: "failed" in outcomes(expires), "the certificate expires")
    assert "failed" not in outcomes(refused)
    wait_until(lambda: len(outcomes(refused)) > before[REFUSED], "a refused register leaves the accepted one in use")
    wait_until(lambda: "FAILURE" in _runs(running, FULL), "a full disk is a failed run")
    well = _well(running)
    wait_until(lambda: all(len(outcomes(bank)) > before[bank.bank_id] for bank in well), "the well banks go on")
    assert {outcome for bank in well for outcome in outcomes(bank)} <= {"new", "nothing_new"}
    assert all(status == "SUCCESS" for bank in well for status in _runs(running, bank.bank_id))
    ticks = {bank.bank_id: looks(running, bank) for bank in well}
    assert all(status in {"SKIPPED", "SUCCESS", "STARTED"} for made in ticks.values() for status, _ in made)
    gaps = {bank.bank_id: _longest_gap(bank) for bank in well}
    assert max(gaps.values()) < QUARTER

    (full.data / "filler").unlink()
    running.start_code_server(killed)
    wait_until(lambda: _runs(running, FULL)[0] == "SUCCESS", "with room again it polls")
    wait_until(lambda: len(outcomes(killed)) > before[KILLED], "a code server that is started again polls")
    for bank in running.banks:
        assert all(reference.startswith(f"{bank.bank_id}-") for reference in _references(bank)), bank.bank_id
    _report(running, well, gaps, ticks, time.time() - began)


def _fill(bank: BankOfMany) -> None:
    with (bank.data / "filler").open("wb") as filler:
        try:
            while True:
                filler.write(bytes(1 << 16))
                filler.flush()
        except OSError:
            return


def _runs(running: Installation, bank_id: str) -> list[str]:
    found = asked(running, "{runsOrError{... on Runs{results{status jobName}}}}")["runsOrError"]["results"]
    ended = ("SUCCESS", "FAILURE", "CANCELED")
    return [run["status"] for run in found if run["jobName"] == f"{bank_id}_konkurs_poll" and run["status"] in ended]


def _longest_gap(bank: BankOfMany) -> dt.timedelta:
    starts = polls(bank)["started_at"].to_list()
    return max((later - sooner for sooner, later in itertools.pairwise(starts)), default=dt.timedelta(0))


def _report(
    running: Installation,
    well: list[BankOfMany],
    gaps: dict[str, dt.timedelta],
    ticks: dict[str, list[tuple[str, float]]],
    watched_s: float,
) -> None:
    looked = sorted(
        max((newer - older for (_, newer), (_, older) in itertools.pairwise(made)), default=0.0)
        for made in ticks.values()
    )
    memory = sorted(running.memory_mib(bank.server) for bank in running.banks if bank.server is not None)
    sys.stdout.write(
        f"\n{len(well)} well banks in {watched_s:.0f} s: {sum(polls(bank).height for bank in well)} polls, "
        f"longest gap between two polls of a bank {max(gaps.values())}; "
        f"{sum(map(len, ticks.values()))} looks, longest gap {looked[-1]:.0f} s; code servers {memory[0]}-{memory[-1]} MiB; "
        f"{in_words(seconds_by_bank(running))}\n"
    )
