"""Every fault of the list, over mutual TLS: the poll fails with a named error, decides nothing, and the next repairs it."""

from __future__ import annotations

import gzip
import json
import socket
import time
from typing import Any

import pytest

from konkurs_pipeline.brreg.simulator.faults import Fault
from tests.brreg.hostile_server import (
    EMPTY_LIST,
    Authority,
    Handler,
    HostileServer,
    drips,
    hangs_up,
    response,
    sends,
    sends_raw,
)
from tests.pipeline.kit import MONDAY, Bank
from tests.service.certificates import server_context
from tests.service.conftest import ATTEMPTS, BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON
from tests.service.expectations import Fails, expect_all_made_good, expect_failure, may_pass, wrong_answer

# Just above the limit of 64 MiB for a list.
TOO_LARGE = 65 * 1024 * 1024
HEALTHY = json.dumps(EMPTY_LIST).encode()


def json_value(body: str) -> dict[str, Any]:
    return {"kind": "json_value", "body": body}


LIST_FAULTS = [
    pytest.param({"kind": "html"}, wrong_answer("not valid JSON"), id="200 with a web page"),
    pytest.param(json_value("{}"), wrong_answer("no _embedded"), id="{}"),
    pytest.param(json_value("[]"), wrong_answer("a list where the answer should be an object"), id="[]"),
    pytest.param(json_value("null"), wrong_answer("null where the answer should be an object"), id="null"),
    pytest.param({"kind": "empty"}, wrong_answer("has an empty body"), id="an empty body"),
    pytest.param(
        json_value('{"_embedded": {"konkursvarsel": []}, "_links": {}}'),
        wrong_answer("exactly one list named konkursvarsler"),
        id="a wrong key inside _embedded",
    ),
    pytest.param(json_value('{"konkursvarsler": []}'), wrong_answer("1 top-level key"), id="a wrong key at the top"),
    pytest.param({"kind": "truncated"}, may_pass("cut short"), id="half of the body"),
    pytest.param({"kind": "reset"}, may_pass("try again later"), id="a reset before the answer"),
    pytest.param({"kind": "bomb", "size": TOO_LARGE}, wrong_answer("larger than"), id="a decompression bomb"),
    pytest.param({"kind": "oversize", "size": TOO_LARGE}, wrong_answer("larger than"), id="a body too large"),
    pytest.param(
        json_value('{"_embedded": {"konkursvarsler": [%s1]}}' % ("1,".ljust(25) * 250_000)),
        wrong_answer("holds more than 250000 notices"),
        id="more notices than the register has had",
    ),
    pytest.param({"kind": "deep_nesting", "size": 100_000}, wrong_answer("beyond 64 levels"), id="nesting of 100 000"),
    pytest.param(
        {"kind": "big_integer", "size": 6_000}, wrong_answer("more than 100 digits"), id="an integer of 6 000 digits"
    ),
    pytest.param({"kind": "nan"}, wrong_answer("NaN or Infinity"), id="NaN"),
    pytest.param(json_value('{"_links": {}, "page": 1e999}'), wrong_answer("too large"), id="an infinite number"),
    pytest.param({"kind": "invalid_utf8"}, wrong_answer("not UTF-8"), id="invalid UTF-8"),
    pytest.param({"kind": "duplicate_keys"}, wrong_answer("two equal keys"), id="two equal keys"),
]


@pytest.mark.parametrize(("fault", "fails"), LIST_FAULTS)
def test_a_faulty_list_fails_the_poll_and_the_next_healthy_one_repairs_it(
    bank: Bank, fault: dict[str, Any], fails: Fails
) -> None:
    bank.fail(Fault.model_validate({"resource": "list", **fault}))
    expect_failure(bank, fails)
    assert len(bank.service.requests) == fails.requests
    bank.fail()
    expect_all_made_good(bank)


def chunks_without_an_end(connection: socket.socket, _path: str) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"_li\r\n')


def resets(connection: socket.socket, _path: str) -> None:
    connection.sendall(response(HEALTHY)[:-5])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


def keeps_silent(connection: socket.socket, _path: str) -> None:
    connection.recv(1)


def streams_on(connection: socket.socket, _path: str) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        connection.sendall(b" " * 100)
        time.sleep(0.001)


BROKEN_OFF = [
    pytest.param(
        sends_raw(response(HEALTHY, headers={"Content-Length": str(len(HEALTHY) + 10)})),
        may_pass("cut short"),
        id="fewer bytes than Content-Length",
    ),
    pytest.param(chunks_without_an_end, may_pass("cut short"), id="chunks without an end"),
    pytest.param(
        sends(gzip.compress(HEALTHY)[:-4], headers={"Content-Encoding": "gzip"}),
        may_pass("cut short"),
        id="gzip without an end",
    ),
    # Without a length only TLS could show the cut, and Python does not check how the connection ended.
    pytest.param(
        sends_raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + HEALTHY[:-1]),
        wrong_answer("brackets do not match"),
        id="a cut body without a length",
    ),
    pytest.param(sends_raw(b"HTTP/1.1 200 OK\r\nContent-Le"), may_pass("cut short"), id="half a header"),
    pytest.param(hangs_up, may_pass("try again later"), id="no answer"),
    pytest.param(resets, may_pass("try again later"), id="a reset within the answer"),
    pytest.param(sends_raw(b"SSH-2.0-OpenSSH\r\n\r\n"), may_pass("is not HTTP"), id="not HTTP"),
]


@pytest.mark.parametrize(("handler", "fails"), BROKEN_OFF)
def test_an_answer_that_breaks_off_fails_the_poll(
    bank: Bank, authority: Authority, handler: Handler, fails: Fails
) -> None:
    with HostileServer(handler, tls=server_context(authority, clients=authority.bundle)) as server:
        bank.extra["KONKURS_API_URL"] = server.url
        expect_failure(bank, fails)
        assert len(server.requests) == fails.requests


SLOW = [
    pytest.param(keeps_silent, id="silence"),
    pytest.param(drips(response(HEALTHY, headers={"X-Filler": "x" * 500})), id="a header, byte by byte"),
    pytest.param(drips(response(b" " * 1000)), id="a body, byte by byte"),
    pytest.param(streams_on, id="a body without an end, never a pause"),
]


@pytest.mark.parametrize("handler", SLOW)
def test_a_slow_answer_fails_the_poll_at_the_deadline(bank: Bank, authority: Authority, handler: Handler) -> None:
    bank.extra["KONKURS_HTTP_DEADLINE_S"] = "0.15"
    with HostileServer(handler, tls=server_context(authority, clients=authority.bundle)) as server:
        bank.extra["KONKURS_API_URL"] = server.url
        expect_failure(bank, may_pass("no complete answer within 0.15 s (KONKURS_HTTP_DEADLINE_S)"))


def test_the_next_healthy_poll_repairs_cut_and_slow_answers(bank: Bank, authority: Authority) -> None:
    well = dict(bank.extra)
    handlers = (resets, chunks_without_an_end, keeps_silent)
    with HostileServer(*handlers, tls=server_context(authority, clients=authority.bundle)) as server:
        bank.extra |= {"KONKURS_API_URL": server.url, "KONKURS_HTTP_DEADLINE_S": "0.15"}
        expect_failure(bank, may_pass("no complete answer within"))
        assert len(server.requests) == ATTEMPTS
    bank.extra = well
    expect_all_made_good(bank)


def test_a_fault_that_passes_within_the_attempts_does_no_harm(bank: Bank) -> None:
    bank.fail(
        Fault.model_validate({"resource": "list", "kind": "reset", "times": 1}),
        Fault.model_validate({"resource": "list", "kind": "truncated", "from_request": 2, "times": 1}),
    )
    assert sorted(bank.poll(MONDAY).decided()) == [BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON]
    assert ["oppdatert" in line.path for line in bank.service.requests] == [True, True, True, False]
