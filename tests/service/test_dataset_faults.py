"""Every fault of an expanded dataset, over mutual TLS: it delays nothing else, and the next poll repairs it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from konkurs_pipeline.brreg.client import connect
from konkurs_pipeline.brreg.simulator.datasets import enk_of
from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.errors import ServiceError
from tests.brreg.hostile_server import HostileServer
from tests.pipeline.kit import MONDAY, TUESDAY, Bank, oslo, person
from tests.service.conftest import ATTEMPTS, BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON, DEBTOR

# Just above the limit of 4 MiB for a dataset.
TOO_LARGE = 5 * 1024 * 1024


def json_value(body: str) -> dict[str, Any]:
    return {"kind": "json_value", "body": body}


def status(number: int, **headers: str) -> dict[str, Any]:
    return {"kind": "status", "status": number, "headers": headers}


DATASET_FAULTS = [
    pytest.param({"kind": "html"}, "not valid JSON", 1, id="200 with a web page"),
    pytest.param(json_value("[]"), "no JSON object", 1, id="[]"),
    pytest.param({"kind": "empty"}, "has an empty body", 1, id="an empty body"),
    pytest.param({"kind": "truncated"}, "cut short", ATTEMPTS, id="half of the body"),
    pytest.param({"kind": "reset"}, "try again later", ATTEMPTS, id="a reset"),
    pytest.param({"kind": "slow", "delay_s": 0.1}, "no complete answer within 0.3 s", ATTEMPTS, id="a slow-loris"),
    pytest.param({"kind": "bomb", "size": TOO_LARGE}, "larger than", 1, id="a decompression bomb"),
    pytest.param({"kind": "oversize", "size": TOO_LARGE}, "larger than", 1, id="a body too large"),
    pytest.param({"kind": "deep_nesting", "size": 100_000}, "beyond 64 levels", 1, id="nesting of 100 000"),
    pytest.param({"kind": "big_integer", "size": 6_000}, "more than 100 digits", 1, id="an integer of 6 000 digits"),
    pytest.param({"kind": "nan"}, "NaN or Infinity", 1, id="NaN"),
    pytest.param({"kind": "invalid_utf8"}, "not UTF-8", 1, id="invalid UTF-8"),
    pytest.param({"kind": "duplicate_keys"}, "two equal keys", 1, id="two equal keys"),
    pytest.param(status(204), "204", 1, id="204"),
    pytest.param(status(401), "refused us (401)", 1, id="401"),
    pytest.param(status(403), "refused us (403)", 1, id="403"),
    pytest.param(status(404), "no such resource (404)", 1, id="404"),
    pytest.param(status(429, **{"Retry-After": "31"}), "we wait 30 s at most", 1, id="429 for too long"),
    pytest.param(status(500), "the service failed (500)", ATTEMPTS, id="500"),
    pytest.param(status(503), "come back later (503)", ATTEMPTS, id="503"),
]
# Only a poll knows that these documents are wrong.
WITHOUT_DEBTOR = [
    pytest.param(json_value("{}"), "names no debtor", 1, id="{}"),
    pytest.param(json_value(json.dumps({"skyldner": DEBTOR})), "names no debtor", 1, id="a wrong key"),
]


@pytest.mark.parametrize(("fault", "says", "requests"), DATASET_FAULTS)
def test_a_faulty_dataset_is_a_named_error_and_only_a_passing_fault_is_retried(
    bank: Bank, fault: dict[str, Any], says: str, requests: int
) -> None:
    if fault["kind"] == "slow":
        bank.extra["KONKURS_HTTP_DEADLINE_S"] = "0.3"
    bank.fail(Fault.model_validate({"resource": "dataset", **fault}))
    bank.clock.move_to(oslo(MONDAY, "23:59"))
    with connect(bank.settings) as service, pytest.raises(ServiceError) as caught:
        service.fetch_dataset(bank.notices[0].uuid, keep=lambda _: None)
    assert says in str(caught.value)
    assert DEBTOR not in str(caught.value)
    assert len(bank.service.requests) == requests


# Each of these ends the fetching, alone or as the fifth in a row.
ENDS_THE_ASKING = [case for case in DATASET_FAULTS if case.values[2] == ATTEMPTS or case.id in {"401", "403"}]


def test_no_faulty_dataset_delays_a_direct_match_and_the_next_poll_repairs_it(bank: Bank) -> None:
    """Each debtor's dataset has a fault of its own, and the poll requests all of them."""
    faults: dict[str, dict[str, Any]] = {
        str(case.id): dict(case.values[0])  # type: ignore[call-overload]  # pytest does not know the types of its own params
        for case in [*DATASET_FAULTS, *WITHOUT_DEBTOR]
        if case not in ENDS_THE_ASKING
    }
    bank.serve([])
    for name, fault in faults.items():
        debtor = person(f"debtor of {name}")
        bank.customer(f"person: {name}", debtor)
        bank.customer(f"firm: {name}", enk_of(debtor))
        fault |= {"resource": "dataset", "uuid": bank.notice("aapning", debtor).uuid}
    bank.fail(*(Fault.model_validate(fault) for fault in faults.values()))
    first = bank.poll(MONDAY)
    assert first.outcome == "partial"
    assert sorted(first.decided()) == sorted(("BLOCK", f"person: {name}", "estate_open") for name in faults)
    assert (first.detail or "").startswith(f"{len(faults)} of {len(faults)} expanded datasets could not be had: ")
    assert len(bank.service.requests) == 1 + len(faults)
    bank.fail()
    second = bank.poll(TUESDAY)
    assert second.outcome == "nothing_new"
    assert sorted(second.decided()) == sorted(("BLOCK", f"firm: {name}", "estate_open") for name in faults)


@pytest.mark.parametrize(("fault", "says", "requests"), ENDS_THE_ASKING)
def test_a_dataset_without_an_answer_delays_no_direct_match_and_the_next_poll_repairs_it(
    bank: Bank, fault: dict[str, Any], says: str, requests: int
) -> None:
    if fault["kind"] == "slow":
        bank.extra["KONKURS_HTTP_DEADLINE_S"] = "0.3"
    bank.fail(Fault.model_validate({"resource": "dataset", **fault}))
    expect_partial(bank, says)
    assert len(bank.service.requests) == 1 + requests
    bank.fail()
    bank.extra["KONKURS_HTTP_DEADLINE_S"] = "10"
    second = bank.poll(TUESDAY)
    assert (second.outcome, second.decided()) == ("nothing_new", [BLOCK_OF_THE_FIRM])


def test_a_redirect_of_a_dataset_is_not_followed(bank: Bank, elsewhere: HostileServer) -> None:
    bank.fail(Fault.model_validate({"resource": "dataset", "kind": "redirect", "url": elsewhere.url}))
    expect_partial(bank, "a redirect to 127.0.0.1, which is never followed")
    assert elsewhere.connections == 0
    bank.fail()
    assert bank.poll(TUESDAY).decided() == [BLOCK_OF_THE_FIRM]


def expect_partial(bank: Bank, says: str) -> None:
    """Poll Monday: the person is blocked on the notice alone, and the poll reports the missing dataset."""
    polled = bank.poll(MONDAY)
    assert (polled.outcome, polled.decided()) == ("partial", [BLOCK_OF_THE_PERSON])
    assert polled.detail is not None
    assert polled.detail.startswith("1 of 1 expanded datasets could not be had: ")
    assert says in polled.detail
    assert DEBTOR not in polled.detail
    assert bank.published("expanded_datasets").is_empty()
