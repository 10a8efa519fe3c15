from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.applications import Starlette

from konkurs_pipeline.brreg.simulator.app import build_app
from konkurs_pipeline.brreg.simulator.faults import Fault, FaultBook, FaultKind, Resource
from konkurs_pipeline.brreg.simulator.notices import load_test_notices
from konkurs_pipeline.brreg.simulator.server import running_simulator

Serve = Callable[[Starlette], AbstractContextManager[httpx.Client]]
Strike = Callable[..., httpx.Client]
NOTICES = load_test_notices()
LIST = "/konkursvarsler"
DATASET = f"{LIST}/{NOTICES[0].uuid}"


@pytest.fixture(scope="module")
def app() -> Starlette:
    return build_app(NOTICES)


@pytest.fixture(scope="module")
def client(app: Starlette, serve: Serve) -> Iterator[httpx.Client]:
    with serve(app) as client:
        yield client


@pytest.fixture
def strike(app: Starlette, client: httpx.Client) -> Iterator[Strike]:
    """Let the running simulator commit one fault and no other."""

    def with_fault(kind: FaultKind, **fields: Any) -> httpx.Client:
        app.state.simulation.faults.replace([Fault(kind=kind, **fields)])
        return client

    yield with_fault
    app.state.simulation.faults.replace([])


def test_a_status_comes_with_its_headers_and_body(strike: Strike) -> None:
    answer = strike(FaultKind.STATUS, status=429, headers={"Retry-After": "2"}, body="slow down").get(LIST)

    assert (answer.status_code, answer.headers["Retry-After"], answer.text) == (429, "2", "slow down")


def test_a_web_page_comes_with_status_200(strike: Strike) -> None:
    answer = strike(FaultKind.HTML).get(LIST)

    assert (answer.status_code, answer.text[:15]) == (200, "<!DOCTYPE html>")
    assert answer.headers["Content-Type"].startswith("text/html")


def test_an_empty_body_comes_with_status_200(strike: Strike) -> None:
    answer = strike(FaultKind.EMPTY).get(LIST)

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("value", ["null", "[]", "{}", '"text"', "1", '{"_embedded": null}'])
def test_any_json_value_can_be_the_body(strike: Strike, value: str) -> None:
    assert strike(FaultKind.JSON_VALUE, body=value).get(LIST).text == value


@pytest.mark.parametrize("path", [LIST, DATASET, "/"])
def test_a_truncated_body_breaks_off_before_its_declared_length(strike: Strike, path: str) -> None:
    client = strike(FaultKind.TRUNCATED)

    with client.stream("GET", path) as answer:
        declared = int(answer.headers["Content-Length"])
        chunks = answer.iter_raw()
        received = len(next(chunks))
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            next(chunks)
    assert received == declared // 2


def test_a_reset_connection_gives_no_answer(strike: Strike) -> None:
    # Python's ssl module reports a reset as an unexpected end; each client makes another error of it.
    with pytest.raises(httpx.TransportError):
        strike(FaultKind.RESET).get(LIST)


def test_a_reset_is_a_real_one() -> None:
    app = build_app(NOTICES, faults=[Fault(kind=FaultKind.RESET)])
    with running_simulator(app, tls=None) as url, pytest.raises(httpx.ReadError, match="reset by peer"):
        httpx.get(url, trust_env=False)


def test_a_slow_body_is_whole_and_slow(strike: Strike) -> None:
    started = time.monotonic()
    answer = strike(FaultKind.SLOW, delay_s=0.02).get("/")

    assert json.loads(answer.content)["_links"]
    assert time.monotonic() - started > 0.02 * (len(answer.content) // 16)


def test_a_bomb_is_small_on_the_wire_and_large_when_unpacked(strike: Strike) -> None:
    with strike(FaultKind.BOMB, size=20_000_000).stream("GET", LIST) as answer:
        on_the_wire = b"".join(answer.iter_raw())
    unpacked = strike(FaultKind.BOMB, size=20_000_000).get(LIST).content

    assert len(on_the_wire) < 200_000
    assert len(unpacked) == 20_000_000
    assert list(json.loads(unpacked)) == ["x"]


def test_an_oversize_body_is_sent_without_saying_how_large_it_is(strike: Strike) -> None:
    answer = strike(FaultKind.OVERSIZE, size=3_000_000).get(LIST)

    assert "Content-Length" not in answer.headers
    assert len(answer.content) == 3_000_000
    assert list(answer.json()) == ["x"]


def test_an_oversize_body_ends_when_nobody_reads_it(strike: Strike) -> None:
    client = strike(FaultKind.OVERSIZE, size=10_000_000_000, times=1)
    tracemalloc.start()
    with client.stream("GET", LIST) as answer:
        next(answer.iter_raw())

    assert client.get(LIST).status_code == 200
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


def test_deep_nesting_is_deeper_than_a_parser_goes(strike: Strike) -> None:
    body = strike(FaultKind.DEEP_NESTING).get(LIST).content

    with pytest.raises(RecursionError):
        json.loads(body)


def test_a_big_integer_has_more_digits_than_python_reads(strike: Strike) -> None:
    body = strike(FaultKind.BIG_INTEGER).get(LIST).content

    with pytest.raises(ValueError, match="4300 digits"):
        json.loads(body)


def test_nan_is_in_an_otherwise_regular_answer(strike: Strike) -> None:
    document = strike(FaultKind.NAN).get(LIST).json()

    assert document["antall"] != document["antall"]
    assert len(document["_embedded"]["konkursvarsler"]) == 15


def test_invalid_utf8_is_in_an_otherwise_regular_answer(strike: Strike) -> None:
    body = strike(FaultKind.INVALID_UTF8).get(DATASET).content

    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")
    assert json.loads(body.decode("latin-1"))["uuid"] == NOTICES[0].uuid


def test_duplicate_keys_would_make_a_list_empty_and_an_opening_a_deletion(strike: Strike) -> None:
    client = strike(FaultKind.DUPLICATE_KEYS)

    assert client.get(LIST).json()["_embedded"]["konkursvarsler"] == []
    assert client.get(DATASET).json()["type"] == "sletting"
    assert client.get(LIST).text.count('"_embedded"') == 2


def test_a_redirect_points_to_another_host_on_this_machine(strike: Strike) -> None:
    answer = strike(FaultKind.REDIRECT).get(LIST)

    assert (answer.status_code, answer.headers["Location"]) == (302, "https://127.0.0.2:1")


def test_foreign_addresses_replace_every_address_of_the_service(strike: Strike) -> None:
    client = strike(FaultKind.FOREIGN_HREF, url="https://elsewhere.example")
    answer = client.get(LIST)

    assert str(client.base_url).rstrip("/") not in answer.text
    first = answer.json()["_embedded"]["konkursvarsler"][0]
    assert first["_links"]["self"]["href"] == f"https://elsewhere.example{DATASET}"


def test_paging_can_begin_unannounced(strike: Strike) -> None:
    document = strike(FaultKind.PAGING, size=4).get(LIST).json()

    assert len(document["_embedded"]["konkursvarsler"]) == 4
    assert document["_links"]["next"]["href"].endswith("/konkursvarsler?page=2")


def test_a_list_can_lack_its_embedded_notices(strike: Strike) -> None:
    assert set(strike(FaultKind.OMIT_EMBEDDED).get(LIST).json()) == {"_links"}


@pytest.mark.parametrize("kind", list(FaultKind))
def test_no_fault_writes_to_the_terminal(strike: Strike, capfd: pytest.CaptureFixture[str], kind: FaultKind) -> None:
    small = {"size": 1000} if kind in (FaultKind.BOMB, FaultKind.OVERSIZE) else {}
    brief = {"delay_s": 0} if kind is FaultKind.SLOW else {}
    client = strike(kind, **small, **brief)
    try:
        client.get(DATASET)
    except httpx.TransportError:
        assert kind in (FaultKind.TRUNCATED, FaultKind.RESET)

    # A second request shows that the server still answers.
    assert strike(FaultKind.EMPTY).get(LIST).status_code == 200
    assert capfd.readouterr() == ("", "")


def test_a_fault_strikes_only_what_it_matches(strike: Strike) -> None:
    client = strike(FaultKind.STATUS, status=503, resource=Resource.DATASET, uuid=NOTICES[0].uuid)

    assert client.get(LIST).status_code == 200
    assert client.get("/").status_code == 200
    assert client.get(f"{LIST}/{NOTICES[1].uuid}").status_code == 200
    assert client.get(DATASET).status_code == 503


def test_a_fault_of_lists_strikes_the_list_after_a_time_too(strike: Strike) -> None:
    client = strike(FaultKind.STATUS, status=503, resource=Resource.LIST)

    assert client.get(f"{LIST}/oppdatert/2018-06-08T11:34:23.111Z").status_code == 503


@given(from_request=st.integers(1, 5), times=st.none() | st.integers(1, 3))
def test_a_fault_begins_at_a_request_and_ends_after_its_times(from_request: int, times: int | None) -> None:
    book = FaultBook([Fault(kind=FaultKind.EMPTY, from_request=from_request, times=times)])

    struck = [number for number in range(1, 11) if book.take(Resource.LIST)]

    last = 10 if times is None else from_request + times - 1
    assert struck == list(range(from_request, last + 1))


def test_the_first_due_fault_wins_and_every_fault_counts_the_request() -> None:
    first = Fault(kind=FaultKind.HTML, times=1)
    second = Fault(kind=FaultKind.EMPTY, times=2)
    book = FaultBook([first, second])

    assert [book.take(Resource.LIST) for _ in range(3)] == [first, second, None]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        pytest.param({"kind": "html", "size": 1}, "takes no size", id="parameter_of_another_kind"),
        pytest.param({"kind": "paging", "resource": "root"}, "about lists", id="paging_of_no_list"),
        pytest.param({"kind": "html", "resource": "list", "uuid": "x"}, "datasets only", id="uuid_of_a_list"),
        pytest.param({"kind": "explode"}, "Input should be", id="no_such_kind"),
        pytest.param({"kind": "status", "status": 99}, "greater than", id="no_such_status"),
        pytest.param({"kind": "html", "colour": 1}, "not permitted", id="no_such_parameter"),
        pytest.param({}, "Field required", id="no_kind"),
    ],
)
def test_a_contradictory_fault_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Fault.model_validate(fields)
