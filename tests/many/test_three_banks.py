"""Three banks in one installation, with real processes: no bank notices the problems of another.

`make many-test`; CI runs it after the other tests, as it needs PostgreSQL and some minutes.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.many.asking import asked, outcomes, wait_until
from tests.many.installation import Installation, has_postgres, installed

pytestmark = [
    pytest.mark.skipif(not os.environ.get("MANY_BANKS"), reason="takes minutes and PostgreSQL: make many-test"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def running() -> Iterator[Installation]:
    assert has_postgres(), "apt-get install postgresql"
    with installed(["ALPHA", "BETA", "GAMMA"]) as installation:
        yield installation


def test_every_bank_polls_into_its_own_folder_under_its_own_name(running: Installation) -> None:
    wait_until(lambda: all(bank.manifests for bank in running.banks), "each bank hands over a file")
    for bank in running.banks:
        assert all(name.startswith(f"KONKURS_{bank.bank_id}_demo_") for name in bank.manifests)
    runs = asked(running, "{runsOrError{... on Runs{results{jobName tags{key value}}}}}")["runsOrError"]["results"]
    polls = [run for run in runs if run["jobName"].endswith("_konkurs_poll")]
    for run in polls:
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        assert run["jobName"].startswith(f"{tags['konkurs/bank']}_")
    assert {run["jobName"] for run in polls} == {f"{bank.bank_id}_konkurs_poll" for bank in running.banks}
    nodes = asked(running, "{assetNodes{assetKey{path}}}")["assetNodes"]
    assert {node["assetKey"]["path"][0] for node in nodes} == {"ALPHA", "BETA", "GAMMA"}


def test_only_the_banks_with_a_failing_certificate_register_or_code_server_notice_it(
    running: Installation,
) -> None:
    wait_until(lambda: all(bank.manifests for bank in running.banks), "each bank hands over a file")
    alpha, beta, gamma = running.banks
    (alpha.folder / "tls" / "client.p12").write_bytes(b"damaged")
    (gamma.folder / "data" / "register" / "customers.csv").write_text("nothing\n")
    files = {bank.bank_id: len(bank.manifests) for bank in running.banks}
    wait_until(lambda: "failed" in outcomes(alpha), "the bank without a certificate fails")
    wait_until(lambda: len(gamma.manifests) > files["GAMMA"], "a refused register leaves the accepted one in use")
    wait_until(lambda: len(beta.manifests) > files["BETA"], "the well bank goes on")
    assert "failed" not in outcomes(beta) + outcomes(gamma)
    assert gamma.server is not None
    os.killpg(gamma.server.pid, signal.SIGKILL)
    count = len(beta.manifests)
    wait_until(lambda: len(beta.manifests) > count + 1, "the others go on polling")
    count = len(gamma.manifests)
    running.start_code_server(gamma)
    wait_until(lambda: len(gamma.manifests) > count, "a code server that is started again polls")
