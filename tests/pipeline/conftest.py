"""One simulator and one connection to it for all tests, and a bank of its own for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stamina

from konkurs_pipeline.brreg.simulator.app import Simulation, build_app
from konkurs_pipeline.brreg.simulator.clock import SteppedClock
from konkurs_pipeline.brreg.simulator.server import running_simulator
from tests.pipeline.kit import Bank, KeptOpenClient

NewBank = Callable[[Path], Bank]
_LONG_AGO = dt.datetime(2018, 1, 2, tzinfo=dt.UTC)


@pytest.fixture(scope="session", autouse=True)
def _one_attempt_each() -> Iterator[None]:
    """Make one attempt a request, so that a fault strikes it once. The client's own tests cover retries."""
    with stamina.set_testing(testing=True, attempts=1):
        yield


@pytest.fixture(scope="session")
def new_bank() -> Iterator[NewBank]:
    """Run the simulator; the factory makes a bank in a folder, with a healthy service without notices."""
    app = build_app([], now=SteppedClock(_LONG_AGO))
    simulation: Simulation = app.state.simulation
    with (
        running_simulator(app, tls=None) as url,
        KeptOpenClient(url, ssl_context=None, deadline_s=10) as client,
    ):

        def make(folder: Path) -> Bank:
            clock = SteppedClock(_LONG_AGO)
            simulation.now = clock
            simulation.page_size = None
            simulation.requests.clear()
            simulation.faults.replace([])
            simulation.replace_notices([])
            simulation.unit_changes = {}
            return Bank(folder, url, simulation, clock, client)

        yield make
        client.really_close()


@pytest.fixture
def bank(tmp_path: Path, new_bank: NewBank) -> Bank:
    """Return a bank with an empty register and a service without notices."""
    return new_bank(tmp_path / "data")
