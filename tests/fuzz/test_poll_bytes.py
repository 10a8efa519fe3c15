"""A whole poll over hostile answers fails with a named error or ends well, and the next healthy poll misses nobody."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
import stamina
from hypothesis import example, given

from konkurs_pipeline.brreg.simulator.app import Simulation, build_app
from konkurs_pipeline.brreg.simulator.clock import SteppedClock
from konkurs_pipeline.errors import KonkursError
from tests.fuzz.budget import EXAMPLES, fuzzed
from tests.fuzz.leaks import COMPANY, OTHER_COMPANY, PERSON, holds_an_identifier, shows_an_identifier
from tests.fuzz.mutations import damaged_json
from tests.fuzz.test_dataset_bytes import DOCUMENT, TRUSTEE, UUID
from tests.pipeline.kit import MONDAY, Bank, KeptOpenClient, Polled, oslo

URL: Final = "http://127.0.0.1:9"
NOTICE: Final = {
    "uuid": UUID,
    "type": "aapning",
    "registreringstidspunkt": f"{MONDAY}T08:00:00.000Z",
    "kjennelsesdato": f"{MONDAY}",
    "debitor": PERSON,
    "_links": {"self": {"href": f"{URL}/konkursvarsler/{UUID}"}},
}
OTHER_NOTICE: Final = {
    **NOTICE,
    "uuid": UUID.replace("385fad87", "485fad87"),
    "debitor": OTHER_COMPANY,
    "type": "annet",
}
LIST: Final = {"_embedded": {"konkursvarsler": [NOTICE, OTHER_NOTICE]}, "_links": {}}
HEALTHY: Final = json.dumps(LIST).encode(), json.dumps(DOCUMENT).encode()


class Service:
    """Answers every list with the same bytes, and every dataset with the same bytes."""

    def __init__(self, list_body: bytes, dataset_body: bytes) -> None:
        self.list_body, self.dataset_body = list_body, dataset_body

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        is_list = request.url.path == "/konkursvarsler" or "/oppdatert/" in request.url.path
        body = self.list_body if is_list else self.dataset_body
        # httpx takes a response with whole content for one that was read already.
        return httpx.Response(200, content=iter((body,)))


@pytest.fixture(scope="module", autouse=True)
def _one_attempt_each() -> Iterator[None]:
    with stamina.set_testing(testing=True, attempts=1):
        yield


def bank_in(folder: Path, service: Service) -> Bank:
    """Return a bank whose customers are the debtor, a linked unit, the trustee and the estate."""
    clock = SteppedClock(oslo(MONDAY, "12:00"))
    simulation: Simulation = build_app([], now=clock).state.simulation
    http = httpx.Client(transport=httpx.MockTransport(service))
    bank = Bank(folder, URL, simulation, clock, KeptOpenClient(URL, ssl_context=None, deadline_s=10, http=http))
    bank.extra = {"KONKURS_EXPAND": "all"}
    for ref, number in (("K-1", PERSON), ("K-2", COMPANY), ("K-3", TRUSTEE), ("K-4", OTHER_COMPANY)):
        bank.customer(ref, number)
    return bank


def poll_once(bank: Bank, service: Service, answers: tuple[bytes, bytes]) -> Polled | None:
    """Poll against these answers; returns None if the poll failed with a named error, as it should."""
    service.list_body, service.dataset_body = answers
    try:
        return bank.poll(MONDAY)
    except KonkursError as error:
        assert not shows_an_identifier(error)  # noqa: PT017 -- a refusal is one of two good outcomes
        return None


@pytest.mark.timeout(0 if EXAMPLES else 600)
@fuzzed(usual=3, cost=40)
@given(damaged_json(LIST), damaged_json(DOCUMENT))
@example(json.dumps({**LIST, "_embedded": {"konkursvarsler": [{**OTHER_NOTICE, "type": "a\u2028b"}]}}).encode(), b"{}")
@example(HEALTHY[0], json.dumps({**DOCUMENT, PERSON: {"\ud800": COMPANY}}).encode())
def test_a_poll_fails_with_a_named_error_or_ends_well_and_the_next_one_misses_nobody(
    listed: bytes, dataset: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(listed, dataset)
        bank = bank_in(Path(folder) / "data", service)

        first = poll_once(bank, service, (listed, dataset))
        second = poll_once(bank, service, HEALTHY)

        assert first is None or first.outcome in {"new", "nothing_new", "partial"}
        assert second is not None
        assert not any(holds_an_identifier(poll.detail or "") for poll in (first, second) if poll is not None)
        reached = {action["customer_ref"] for action in bank.all_actions() if action["action"] in {"BLOCK", "REVIEW"}}
        assert "K-1" in reached
        written = b"".join(path.read_bytes() for path in bank.settings.outbox_dir.iterdir())
        assert not any(number.encode() in written for number in (PERSON, COMPANY, TRUSTEE, OTHER_COMPANY))
