"""The service answers with a status instead of a list, over mutual TLS."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stamina

from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.errors import AccessRefusedError, AnswerError, NotFoundError, ServiceUnreachableError
from tests.brreg.hostile_server import HostileServer
from tests.pipeline.kit import MONDAY, Bank
from tests.service.conftest import ATTEMPTS, BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON
from tests.service.expectations import Fails, expect_all_made_good, expect_failure, may_pass, wrong_answer

ALL_BLOCKS = [BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON]


def status(number: int, **more: Any) -> Fault:
    return Fault.model_validate({"resource": "list", "kind": "status", "status": number, **more})


STATUSES = [
    pytest.param(204, wrong_answer("the service answered 204"), id="204 is not no news"),
    pytest.param(206, wrong_answer("the service answered 206"), id="206 is a part"),
    pytest.param(304, wrong_answer("the service answered 304"), id="304 to a request without a condition"),
    pytest.param(400, wrong_answer("refuse the client certificate"), id="400, as nginx refuses a certificate"),
    pytest.param(401, Fails(AccessRefusedError, "the service refused us (401)"), id="401 is not tried again"),
    pytest.param(403, Fails(AccessRefusedError, "the service refused us (403)"), id="403 is not tried again"),
    pytest.param(404, Fails(NotFoundError, "no such resource (404)", 2), id="404 for both lists"),
    pytest.param(429, may_pass("come back later (429)"), id="429"),
    pytest.param(500, may_pass("the service failed (500)"), id="500"),
    pytest.param(502, may_pass("the service failed (502)"), id="502"),
    pytest.param(503, may_pass("come back later (503)"), id="503"),
    pytest.param(504, may_pass("the service failed (504)"), id="504"),
]


@pytest.mark.parametrize(("number", "fails"), STATUSES)
def test_a_status_instead_of_a_list_fails_the_poll_and_only_a_passing_one_is_retried(
    bank: Bank, number: int, fails: Fails
) -> None:
    bank.fail(status(number))
    expect_failure(bank, fails)
    assert len(bank.service.requests) == fails.requests


def test_the_next_healthy_poll_repairs_every_such_status(bank: Bank) -> None:
    for number, kind in ((403, AccessRefusedError), (204, AnswerError), (404, NotFoundError)):
        bank.fail(status(number))
        expect_failure(bank, Fails(kind, str(number)))
    bank.fail()
    expect_all_made_good(bank)


def test_a_redirect_to_another_host_is_never_followed(bank: Bank, elsewhere: HostileServer) -> None:
    bank.fail(Fault.model_validate({"kind": "redirect", "url": f"{elsewhere.url}/konkursvarsler"}))
    expect_failure(bank, wrong_answer("a redirect to 127.0.0.1, which is never followed"))
    assert len(bank.service.requests) == 1
    assert elsewhere.connections == 0


def test_if_the_time_is_too_old_for_oppdatert_all_notices_are_read(bank: Bank) -> None:
    bank.fail(status(404, times=1))
    polled = bank.poll(MONDAY)
    assert sorted(polled.decided()) == ALL_BLOCKS
    assert "all notices were read instead" in (polled.detail or "")
    oppdatert, everything = [line.path for line in bank.service.requests][:2]
    assert oppdatert.startswith("/konkursvarsler/oppdatert/")
    assert everything == "/konkursvarsler"


@pytest.mark.parametrize("number", [429, 503])
@pytest.mark.parametrize("seconds", [7, 30])
def test_a_retry_after_is_waited_for(bank: Bank, number: int, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    bank.fail(status(number, times=1, headers={"Retry-After": str(seconds)}))
    with stamina.set_testing(testing=False), monkeypatch.context() as patched:
        patched.setattr(time, "sleep", waited.append)
        assert sorted(bank.poll(MONDAY).decided()) == ALL_BLOCKS
    # The file system's clock is coarse, so a slightly shorter time is allowed.
    assert [each for each in waited if each >= 1] == [seconds]
    assert ["oppdatert" in line.path for line in bank.service.requests] == [True, True, False]


@pytest.mark.parametrize(("seconds", "requests"), [("30", ATTEMPTS), ("31", 1), ("86400", 1)])
def test_a_retry_after_beyond_thirty_seconds_fails_the_poll_at_once(bank: Bank, seconds: str, requests: int) -> None:
    """The retries here do not wait, so the longest wait of half a minute takes no time."""
    bank.fail(status(429, headers={"Retry-After": seconds}))
    expect_failure(bank, Fails(ServiceUnreachableError, f"in {seconds} s", requests))
    assert len(bank.service.requests) == requests
