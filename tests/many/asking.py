"""Questions of the tests of many banks, to the banks' stores and to Dagster's web server."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any, Final

import polars as pl

from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.published import Published
from tests.many.installation import BankOfMany, Installation

_WAIT_S: Final = 600.0
_TICKS: Final = """{sensorOrError(sensorSelector: {repositoryName: "__repository__", repositoryLocationName: "%s",
sensorName: "look"}) {... on Sensor {sensorState {ticks(limit: 1000) {status timestamp}}}}}"""


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds; fails after ten minutes."""
    ends = time.monotonic() + _WAIT_S
    while not holds():
        assert time.monotonic() < ends, what
        time.sleep(1)


def polls(bank: BankOfMany) -> pl.DataFrame:
    """Return the bank's ended polls in the order of their start."""
    layout = Layout(bank.data, bank.data / "outbox", bank.data / "receipts")
    try:
        found = Published(layout).read("polls")
    except StoreError:
        return pl.DataFrame(schema={"outcome": pl.String, "started_at": pl.Datetime("us", "UTC")})
    return found.filter(pl.col("outcome").is_not_null()).sort("started_at")


def outcomes(bank: BankOfMany) -> list[str]:
    """Return how the bank's polls ended, in order."""
    return polls(bank)["outcome"].to_list()


def asked(running: Installation, query: str) -> Any:  # noqa: ANN401 -- GraphQL's JSON
    """Return what Dagster's web server answers to a GraphQL query."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{running.webserver_port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 -- loopback
        return json.loads(answer.read())["data"]


def looks(running: Installation, bank: BankOfMany) -> list[tuple[str, float]]:
    """Return status and time (seconds since 1970) of the ticks of a bank's look, newest first."""
    state = asked(running, _TICKS % bank.bank_id)["sensorOrError"]["sensorState"]
    return [(tick["status"], tick["timestamp"]) for tick in state["ticks"]]
