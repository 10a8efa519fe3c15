"""A bank that polls Konkursvarsel over mutual TLS. As in a run, each poll has a client of its own.

The story is always the same. A bankrupt person is the bank's customer. The person's sole proprietorship, which only the
expanded dataset names, is another customer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import stamina

from konkurs_pipeline.brreg.client import Konkursvarsel
from konkurs_pipeline.brreg.simulator.app import Simulation, build_app
from konkurs_pipeline.brreg.simulator.clock import SteppedClock
from konkurs_pipeline.brreg.simulator.datasets import enk_of
from konkurs_pipeline.brreg.simulator.server import running_simulator
from tests.brreg.hostile_server import EMPTY_LIST, PASSWORD, Authority, HostileServer, sends_json
from tests.pipeline.kit import MONDAY, Bank, person
from tests.service.certificates import as_simulator_files, server_context

ATTEMPTS: Final = 3
DEBTOR: Final = person("debtor")
# The block that follows from the notice alone, and the one that follows from the dataset.
BLOCK_OF_THE_PERSON: Final = ("BLOCK", "K-PERSON", "estate_open")
BLOCK_OF_THE_FIRM: Final = ("BLOCK", "K-FIRM", "estate_open")
_LONG_AGO: Final = dt.datetime(2018, 1, 2, tzinfo=dt.UTC)
_FRIDAY_BEFORE: Final = MONDAY - dt.timedelta(days=3)


@dataclass(frozen=True)
class Served:
    """The simulator over mutual TLS, and the files that a bank needs to poll it."""

    url: str
    simulation: Simulation
    authority: Authority
    client_p12: Path
    unused_client: Konkursvarsel

    def new_bank(self, folder: Path) -> Bank:
        """Return a bank with its own certificate files, and a healthy service without notices."""
        clock = SteppedClock(_LONG_AGO)
        simulation = self.simulation
        simulation.now = clock
        simulation.page_size = None
        simulation.requests.clear()
        simulation.faults.replace([])
        simulation.replace_notices([])
        # The address differs from the settings', so the kit makes each poll's client from the settings.
        return Bank(folder / "data", "a client of its own for every poll", simulation, clock, self.unused_client)

    def write_certificate(self, bank: Bank, folder: Path) -> None:
        """Write the bank's certificate and password, and put their paths into its settings."""
        p12, password = folder / "client.p12", folder / "client.password"
        for path, content in ((p12, self.client_p12.read_bytes()), (password, PASSWORD + b"\n")):
            path.touch(mode=0o600)
            path.write_bytes(content)
        bank.extra = {
            "KONKURS_API_URL": self.url,
            "KONKURS_CLIENT_P12": str(p12),
            "KONKURS_CLIENT_P12_PASSWORD_FILE": str(password),
            "KONKURS_CA_BUNDLE": str(self.authority.bundle),
            "KONKURS_HTTP_DEADLINE_S": "10",
        }


@pytest.fixture(autouse=True)
def _retries_without_waiting() -> Iterator[None]:
    with stamina.set_testing(testing=True, attempts=ATTEMPTS, cap=True):
        yield


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority of the service's certificate and of ours."""
    return Authority(tmp_path_factory.mktemp("authority"), "Test")


@pytest.fixture(scope="session")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority that neither side trusts."""
    return Authority(tmp_path_factory.mktemp("other"), "Other")


@pytest.fixture(scope="session")
def served(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run the simulator. It lets in only clients with a certificate of the authority."""
    app = build_app([], now=SteppedClock(_LONG_AGO))
    tls = as_simulator_files(tmp_path_factory.mktemp("service"), authority, clients=authority.bundle)
    with (
        running_simulator(app, tls=tls) as url,
        Konkursvarsel("http://127.0.0.1:1", ssl_context=None, deadline_s=1) as unused,
    ):
        yield Served(url, app.state.simulation, authority, authority.write_p12("client"), unused)


@pytest.fixture(scope="session")
def settled(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank that has its customers and has polled once. Each test's bank starts as its copy."""
    folder = tmp_path_factory.mktemp("settled")
    bank = served.new_bank(folder)
    served.write_certificate(bank, folder)
    bank.customer("K-PERSON", DEBTOR)
    bank.customer("K-FIRM", enk_of(DEBTOR))
    bank.poll(_FRIDAY_BEFORE)
    return bank


@pytest.fixture
def bank(tmp_path: Path, served: Served, settled: Bank) -> Bank:
    """Return a bank with a good poll of Friday, and a service with an opening of Monday."""
    made = served.new_bank(tmp_path).go_on_from(settled)
    served.write_certificate(made, tmp_path)
    made.notice("aapning", DEBTOR)
    served.simulation.requests.clear()
    return made


@pytest.fixture
def elsewhere(authority: Authority) -> Iterator[HostileServer]:
    """Listen as another host that would let us in and answer correctly."""
    tls = server_context(authority, clients=authority.bundle)
    with HostileServer(sends_json(EMPTY_LIST), tls=tls) as server:
        yield server
