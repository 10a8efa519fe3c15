from __future__ import annotations

import datetime as dt
import hashlib
import json
from email.utils import format_datetime
from typing import Any

import pytest
import stamina

from konkurs_pipeline.brreg.client import Konkursvarsel
from konkurs_pipeline.brreg.fetching import Answer
from konkurs_pipeline.errors import (
    AccessRefusedError,
    AnswerError,
    NotFoundError,
    ServiceError,
    ServiceUnreachableError,
)
from konkurs_pipeline.redaction import MASK
from tests.brreg.hostile_server import EMPTY_LIST, Handler, HostileServer, hangs_up, sends, sends_json

AFTER = dt.datetime(2018, 6, 8, 11, 34, 23, 111999, tzinfo=dt.UTC)
AFTER_PATH = "/konkursvarsler/oppdatert/2018-06-08T11:34:23.111Z"


def keep_nothing(_answer: Answer) -> None:
    return


def client(server: HostileServer, **changes: Any) -> Konkursvarsel:
    return Konkursvarsel(server.url, ssl_context=None, **{"deadline_s": 5.0, **changes})


def page(number: int, of: int, query: str | None = None) -> dict[str, Any]:
    links = {"next": {"href": f"http://elsewhere.example{AFTER_PATH}?{query or f'page={number + 1}'}"}}
    return {
        "_embedded": {"konkursvarsler": [number]},
        "_links": links if query or number + 1 < of else {},
        "page": {"number": number, "totalPages": of},
    }


class TestLists:
    def test_the_time_asked_from_is_utc_cut_to_milliseconds(self) -> None:
        oslo = dt.timezone(dt.timedelta(hours=2))
        with HostileServer(sends_json(EMPTY_LIST)) as server, client(server) as konkursvarsel:
            konkursvarsel.fetch_notices(AFTER.astimezone(oslo), keep=keep_nothing)
        assert server.paths == [AFTER_PATH]

    def test_a_time_without_a_zone_raises_value_error(self) -> None:
        with (
            HostileServer(sends_json(EMPTY_LIST)) as server,
            client(server) as konkursvarsel,
            pytest.raises(ValueError, match="time zone"),
        ):
            konkursvarsel.fetch_notices(AFTER.replace(tzinfo=None), keep=keep_nothing)

    def test_every_answer_is_kept_before_it_is_parsed(self) -> None:
        kept: list[Answer] = []
        body = b"<html>not JSON</html>"
        with (
            HostileServer(sends(body)) as server,
            client(server) as konkursvarsel,
            pytest.raises(AnswerError, match="not valid JSON"),
        ):
            konkursvarsel.fetch_notices(AFTER, keep=kept.append)
        [answer] = kept
        assert (answer.resource, answer.status, answer.body) == (AFTER_PATH, 200, body)
        assert answer.sha256 == hashlib.sha256(body).hexdigest()
        assert abs(answer.fetched_at - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=10)

    def test_pages_are_followed_on_our_own_host(self) -> None:
        kept: list[Answer] = []
        with (
            HostileServer(*(sends_json(page(number, 3)) for number in range(3))) as server,
            client(server) as konkursvarsel,
        ):
            notices = konkursvarsel.fetch_notices(AFTER, keep=kept.append)
        assert [item.value for item in notices.items] == [0, 1, 2]
        assert [item.answer.sha256 for item in notices.items] == [answer.sha256 for answer in kept], (
            "each item has the hash of its own page"
        )
        assert server.paths == [AFTER_PATH, f"{AFTER_PATH}?page=1", f"{AFTER_PATH}?page=2"]
        assert len(notices.findings) == 1
        assert "elsewhere.example" in notices.findings[0]

    def test_pages_that_go_round_in_a_circle_are_a_failure(self) -> None:
        with (
            HostileServer(sends_json(page(0, 1, "page=1"))) as server,
            client(server) as konkursvarsel,
            pytest.raises(AnswerError, match="circle"),
        ):
            konkursvarsel.fetch_notices(AFTER, keep=keep_nothing)
        assert len(server.requests) == 2

    def test_pages_that_take_too_long_together_are_a_failure(self) -> None:
        """Each page may keep to its own deadline while a thousand of them take hours."""
        with (
            HostileServer(*(sends_json(page(number, 3)) for number in range(3))) as server,
            client(server, list_deadline_s=0.0) as konkursvarsel,
            pytest.raises(ServiceUnreachableError, match="1 pages took more than 0 s in all"),
        ):
            konkursvarsel.fetch_notices(AFTER, keep=keep_nothing)

    def test_a_single_page_has_only_its_own_deadline(self) -> None:
        with HostileServer(sends_json(page(0, 1))) as server, client(server, list_deadline_s=0.0) as konkursvarsel:
            notices = konkursvarsel.fetch_notices(AFTER, keep=keep_nothing)
        assert [one.value for one in notices.items] == [0]

    def test_all_pages_together_keep_to_the_size_limit(self) -> None:
        size = len(json.dumps(page(0, 3)))
        with (
            HostileServer(*(sends_json(page(number, 3)) for number in range(3))) as server,
            client(server, max_bytes_list=2 * size) as konkursvarsel,
            pytest.raises(AnswerError, match="larger than"),
        ):
            konkursvarsel.fetch_notices(AFTER, keep=keep_nothing)

    def test_if_oppdatert_is_not_found_all_notices_are_read(self) -> None:
        full = {"_embedded": {"konkursvarsler": [1]}}
        with HostileServer(sends(b"", 404), sends_json(full)) as server, client(server) as konkursvarsel:
            notices = konkursvarsel.fetch_notices(AFTER, keep=keep_nothing)
        assert server.paths == [AFTER_PATH, "/konkursvarsler"]
        assert "all notices were read instead" in notices.findings[0]

    def test_a_service_that_has_neither_list_is_a_failure(self) -> None:
        with (
            HostileServer(sends(b"", 404)) as server,
            client(server) as konkursvarsel,
            pytest.raises(NotFoundError, match=r"404.*KONKURS_API_URL"),
        ):
            konkursvarsel.fetch_notices(AFTER, keep=keep_nothing)

    def test_a_base_url_may_have_a_path(self) -> None:
        with (
            HostileServer(sends_json(EMPTY_LIST)) as server,
            Konkursvarsel(f"{server.url}/proxy/", ssl_context=None, deadline_s=5) as konkursvarsel,
        ):
            konkursvarsel.fetch_all_notices(keep=keep_nothing)
        assert server.paths == ["/proxy/konkursvarsler"]


@pytest.mark.parametrize(
    ("status", "kind", "says", "requests"),
    [
        pytest.param(401, AccessRefusedError, "certificate", 1, id="401"),
        pytest.param(403, AccessRefusedError, "certificate", 1, id="403"),
        pytest.param(404, NotFoundError, "no such resource", 1, id="404"),
        pytest.param(410, NotFoundError, "no such resource", 1, id="410"),
        pytest.param(400, AnswerError, "refuse the client certificate", 1, id="400, as nginx refuses a certificate"),
        pytest.param(418, AnswerError, "418", 1, id="another 4xx"),
        pytest.param(204, AnswerError, "expected: 200", 1, id="204 is not no news"),
        pytest.param(206, AnswerError, "expected: 200", 1, id="206 is a part"),
        pytest.param(500, ServiceUnreachableError, "the service failed", 3, id="500"),
        pytest.param(502, ServiceUnreachableError, "the service failed", 3, id="502"),
        pytest.param(503, ServiceUnreachableError, "later", 3, id="503"),
        pytest.param(429, ServiceUnreachableError, "later", 3, id="429"),
    ],
)
def test_each_status_has_its_error_and_only_a_passing_one_is_retried(
    status: int, kind: type[ServiceError], says: str, requests: int
) -> None:
    with (
        HostileServer(sends(b"", status)) as server,
        client(server) as konkursvarsel,
        pytest.raises(kind) as caught,
    ):
        konkursvarsel.fetch_all_notices(keep=keep_nothing)
    text = str(caught.value)
    assert text.startswith(f"GET /konkursvarsler at 127.0.0.1:{server.port}: ")
    assert says in text
    assert str(status) in text
    assert len(server.requests) == requests


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        pytest.param("https://evil.example/08086001471", "evil.example", id="another host"),
        pytest.param("https://x910425463.example/", f"x{MASK}.example", id="a number in the host"),
        pytest.param("/konkursvarsler2", "no host", id="relative"),
    ],
)
def test_a_redirect_is_never_followed_and_only_its_host_named(location: str, shown: str) -> None:
    moved = sends(b"", 302, {"Location": location})
    with (
        HostileServer(moved) as server,
        client(server) as konkursvarsel,
        pytest.raises(AnswerError) as caught,
    ):
        konkursvarsel.fetch_all_notices(keep=keep_nothing)
    assert f"a redirect to {shown}" in str(caught.value)
    assert "08086001471" not in str(caught.value)
    assert "910425463" not in str(caught.value)
    assert len(server.requests) == 1


class TestRetries:
    def test_a_failure_that_passes_within_the_attempts_does_no_harm(self) -> None:
        handlers: list[Handler] = [hangs_up, sends(b"", 500), sends_json(EMPTY_LIST)]
        with HostileServer(*handlers) as server, client(server) as konkursvarsel:
            assert konkursvarsel.fetch_all_notices(keep=keep_nothing).items == []
        assert len(server.requests) == 3

    def test_the_number_of_attempts_can_be_set(self) -> None:
        with (
            HostileServer(hangs_up) as server,
            client(server, attempts=2) as konkursvarsel,
            pytest.raises(ServiceUnreachableError),
        ):
            konkursvarsel.fetch_root()
        assert len(server.requests) == 2

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_retry_after_is_waited_for(self, status: int) -> None:
        busy = sends(b"", status, {"Retry-After": "1"})
        with HostileServer(busy, sends_json(EMPTY_LIST)) as server, client(server) as konkursvarsel:
            started = dt.datetime.now(dt.UTC)
            with stamina.set_testing(testing=False):
                konkursvarsel.fetch_all_notices(keep=keep_nothing)
        assert dt.datetime.now(dt.UTC) - started >= dt.timedelta(seconds=1)
        assert len(server.requests) == 2

    @pytest.mark.parametrize(
        "retry_after",
        [
            pytest.param("31", id="seconds"),
            pytest.param(format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), usegmt=True), id="a date"),
        ],
    )
    def test_a_retry_after_beyond_the_limit_fails_at_once_and_is_named(self, retry_after: str) -> None:
        with (
            HostileServer(sends(b"", 429, {"Retry-After": retry_after})) as server,
            client(server) as konkursvarsel,
            pytest.raises(ServiceUnreachableError, match="we wait 30 s at most"),
        ):
            konkursvarsel.fetch_root()
        assert len(server.requests) == 1

    @pytest.mark.parametrize("retry_after", ["soon", "-1", "Fri, 08 Jun 2018 11:34:23 GMT", "Fri, 99 Jun 2018"])
    def test_an_invalid_or_past_retry_after_changes_nothing(self, retry_after: str) -> None:
        busy = sends(b"", 429, {"Retry-After": retry_after})
        with HostileServer(busy, sends_json({})) as server, client(server) as konkursvarsel:
            assert konkursvarsel.fetch_root() == {}
