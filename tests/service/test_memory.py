"""Decompression bombs against a poll in a process of its own: it uses at most 500 MiB more than the same poll without one."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from konkurs_pipeline.brreg.simulator.faults import Fault
from tests.brreg.hostile_server import Authority, HostileServer, sends
from tests.pipeline.kit import MONDAY, Bank, oslo, person
from tests.service.certificates import server_context
from tests.service.conftest import Served

ROOT: Final = Path(__file__).parents[2]
MIB: Final = 1024 * 1024
ALLOWANCE_MIB: Final = 500
pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Ended:
    """How a poll in another process ended, and its peak memory."""

    ended: str
    peak_mib: int


def poll_alone(bank: Bank) -> Ended:
    """Poll Monday in a process of its own, with the service at the end of the day."""
    bank.clock.move_to(oslo(MONDAY, "23:59"))
    bank.write_register()
    ours = {name: value for name, value in os.environ.items() if not name.startswith("KONKURS_")}
    given = {**bank.extra, "KONKURS_DATA_DIR": str(bank.folder), "KONKURS_MAX_REGISTER_SHRINK": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.service.one_poll"],
        cwd=ROOT,
        env={**ours, **given, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Ended(**json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def idle(served: Served, settled: Bank, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Return a poll without notices, of the same bank and over the same TLS."""
    folder = tmp_path_factory.mktemp("idle")
    bank = served.new_bank(folder).go_on_from(settled)
    served.write_certificate(bank, folder)
    ended = poll_alone(bank)
    assert ended.ended == "nothing_new"
    return ended


def test_a_small_answer_that_unpacks_to_more_than_the_limit_fails_the_poll_in_little_memory(
    bank: Bank, idle: Ended
) -> None:
    bank.fail(Fault.model_validate({"resource": "list", "kind": "bomb", "size": 200 * MIB}))
    bombed = poll_alone(bank)
    assert "larger than 67108864 bytes" in bombed.ended
    assert bombed.peak_mib < idle.peak_mib + ALLOWANCE_MIB


def test_a_small_answer_within_the_limit_of_bytes_but_not_of_objects_fails_the_poll_in_little_memory(
    bank: Bank, idle: Ended, authority: Authority
) -> None:
    """`{},` has three bytes in an answer and takes seventy in memory: the allowed 63 MiB of it would take 1.5 GiB."""
    objects = b"{}," * (63 * MIB // 3)
    small = gzip.compress(b'{"_embedded": {"konkursvarsler": [%s{}]}}' % objects, 1)
    bomb = sends(small, headers={"Content-Encoding": "gzip"})
    with HostileServer(bomb, tls=server_context(authority, clients=authority.bundle)) as server:
        bank.extra["KONKURS_API_URL"] = server.url
        bombed = poll_alone(bank)
    assert "too many to be kept in memory" in bombed.ended
    assert bombed.peak_mib < idle.peak_mib + ALLOWANCE_MIB


def test_many_bombs_as_datasets_leave_a_partial_poll_in_little_memory(bank: Bank, idle: Ended) -> None:
    for number in range(24):
        bank.notice("aapning", person(f"debtor {number}"))
    bank.fail(Fault.model_validate({"resource": "dataset", "kind": "bomb", "size": 200 * MIB}))
    bombed = poll_alone(bank)
    assert bombed.ended == "partial"
    assert bombed.peak_mib < idle.peak_mib + ALLOWANCE_MIB
