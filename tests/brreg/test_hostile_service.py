from __future__ import annotations

import gzip
import json
import logging
import socket
import time
import tracemalloc
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from konkurs_pipeline.brreg.client import Konkursvarsel, connect
from konkurs_pipeline.brreg.fetching import Answer
from konkurs_pipeline.errors import AnswerError, ServiceUnreachableError
from konkurs_pipeline.settings import load_settings
from tests.brreg.hostile_server import (
    EMPTY_LIST,
    Handler,
    HostileServer,
    drips,
    gzip_of_zeros,
    hangs_up,
    response,
    sends,
    sends_json,
    sends_raw,
)

LIST = json.dumps(EMPTY_LIST).encode()
MIB = 1024 * 1024


def ask(server: HostileServer, *, deadline_s: float = 5.0, max_bytes_list: int = MIB) -> bytes:
    """Fetch all notices with one attempt; return the kept body."""
    kept: list[Answer] = []
    with Konkursvarsel(
        server.url, ssl_context=None, deadline_s=deadline_s, max_bytes_list=max_bytes_list, attempts=1
    ) as konkursvarsel:
        konkursvarsel.fetch_all_notices(keep=kept.append)
    return kept[0].body


def truncated_chunks(connection: socket.socket, _path: str) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"_li\r\n')


def resets(connection: socket.socket, _path: str) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


CUT_SHORT = response(LIST, headers={"Content-Length": str(len(LIST) + 10)})


def keeps_silent(connection: socket.socket, _path: str) -> None:
    connection.recv(1)


def stalls_late(connection: socket.socket, _path: str) -> None:
    time.sleep(0.4)
    connection.sendall(CUT_SHORT)
    connection.recv(1)


def streams_on(connection: socket.socket, _path: str) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(2000):
        connection.sendall(b" " * 100)
        time.sleep(0.0005)


CUT_SECOND_GZIP = sends(gzip.compress(LIST) + gzip.compress(LIST)[:-4], headers={"Content-Encoding": "gzip"})
CUT_GZIP = sends(gzip.compress(LIST)[:-4], headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(sends_raw(CUT_SHORT), id="fewer bytes than Content-Length"),
        pytest.param(truncated_chunks, id="chunks without an end"),
        pytest.param(CUT_GZIP, id="gzip without an end"),
        pytest.param(CUT_SECOND_GZIP, id="gzip whose second member has no end"),
        pytest.param(sends_raw(b"HTTP/1.1 200 OK\r\nContent-Le"), id="half a header"),
        pytest.param(hangs_up, id="no answer"),
        pytest.param(resets, id="a reset"),
        pytest.param(sends_raw(b"SSH-2.0-OpenSSH 910425463\r\n\r\n"), id="not HTTP"),
    ],
)
def test_a_cut_answer_is_a_failure_that_is_retried_and_never_an_empty_list(handler: Handler) -> None:
    with (
        HostileServer(handler) as server,
        Konkursvarsel(server.url, ssl_context=None, deadline_s=5) as konkursvarsel,
        pytest.raises(ServiceUnreachableError) as caught,
    ):
        konkursvarsel.fetch_all_notices(keep=lambda _: pytest.fail("a cut answer was kept"))
    assert len(server.requests) == 3
    assert "try again later" in str(caught.value)
    assert "910425463" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(keeps_silent, id="silence"),
        pytest.param(drips(response(LIST, headers={"X-Filler": "x" * 500})), id="a header, byte by byte"),
        pytest.param(drips(response(b" " * 1000)), id="a body, byte by byte"),
        pytest.param(stalls_late, id="a body that stalls shortly before the deadline"),
        pytest.param(streams_on, id="a body without an end, never a pause"),
    ],
)
def test_a_slow_answer_ends_at_the_deadline(handler: Handler) -> None:
    with HostileServer(handler) as server:
        started = time.monotonic()
        with pytest.raises(ServiceUnreachableError, match=r"within 0.5 s \(KONKURS_HTTP_DEADLINE_S\)"):
            ask(server, deadline_s=0.5)
        assert 0.45 < time.monotonic() - started < 0.8


def test_a_handshake_without_an_answer_ends_at_the_deadline(client_p12: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = load_settings(
            {
                "KONKURS_API_URL": f"https://127.0.0.1:{silent.getsockname()[1]}",
                "KONKURS_CLIENT_P12": str(client_p12),
                "KONKURS_CLIENT_P12_PASSWORD": "påssord",
                "KONKURS_HTTP_DEADLINE_S": "0.3",
            },
            dotenv=Path("/nonexistent"),
        )
        started = time.monotonic()
        with (
            connect(settings) as konkursvarsel,
            pytest.raises(ServiceUnreachableError, match=r"within 0\.3 s"),
        ):
            konkursvarsel.fetch_root()
        assert time.monotonic() - started < 2


def swallowing(address: str, port: int) -> list[socket.socket]:
    """Return sockets that fill the queue of connections of `address`: further packets get no answer."""
    listener = socket.socket()
    listener.bind((address, port))
    listener.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for each in waiting:
        each.settimeout(0)
        each.connect_ex((address, port))
    return [listener, *waiting]


def test_an_address_that_swallows_packets_leaves_time_for_the_next_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = socket.getaddrinfo

    def two_addresses(host: str, *args: Any, **options: Any) -> list[Any]:
        if host != "konkursvarsel.example":
            return real(host, *args, **options)
        return [each for address in ("127.0.0.2", "127.0.0.1") for each in real(address, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
    with HostileServer(sends_json(EMPTY_LIST)) as server, ExitStack() as sockets:
        for each in swallowing("127.0.0.2", server.port):
            sockets.enter_context(each)
        url = f"http://konkursvarsel.example:{server.port}"
        with Konkursvarsel(url, ssl_context=None, deadline_s=2, attempts=1) as konkursvarsel:
            assert konkursvarsel.fetch_all_notices(keep=lambda _: None).items == []


def test_a_deadline_that_has_passed_before_sending_is_an_ordinary_failure() -> None:
    with HostileServer(sends_json(EMPTY_LIST)) as server:
        with pytest.raises(ServiceUnreachableError, match="no complete answer within"):
            ask(server, deadline_s=1e-9)
        assert server.requests == []


def test_each_attempt_has_its_own_deadline() -> None:
    with (
        HostileServer(keeps_silent, sends_json(EMPTY_LIST)) as server,
        Konkursvarsel(server.url, ssl_context=None, deadline_s=0.3) as konkursvarsel,
    ):
        assert konkursvarsel.fetch_all_notices(keep=lambda _: None).items == []


def test_an_unreachable_service_is_named_with_the_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        Konkursvarsel(f"http://127.0.0.1:{port}", ssl_context=None, deadline_s=5) as konkursvarsel,
        pytest.raises(ServiceUnreachableError, match=rf"127\.0\.0\.1:{port} refused the connection; check"),
    ):
        konkursvarsel.fetch_root()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(LIST, "identity", id="uncompressed"),
        pytest.param(gzip.compress(LIST), "gzip", id="gzip"),
        pytest.param(gzip.compress(LIST), "X-GZip", id="the old name of gzip"),
        pytest.param(gzip.compress(LIST[:9]) + gzip.compress(LIST[9:]), "gzip", id="gzip in two members"),
        pytest.param(gzip.compress(LIST) + gzip.compress(b"") + bytes(3), "gzip", id="an empty member and padding"),
        pytest.param(zlib.compress(LIST), "deflate", id="deflate"),
        pytest.param(zlib.compress(LIST)[2:-4], "deflate", id="deflate without its header"),
    ],
)
def test_a_compressed_answer_is_kept_uncompressed(body: bytes, encoding: str) -> None:
    with HostileServer(sends(body, headers={"Content-Encoding": encoding})) as server:
        assert ask(server) == LIST


@pytest.mark.parametrize(
    ("body", "encoding", "says"),
    [
        pytest.param(LIST, "br", "Content-Encoding", id="brotli"),
        pytest.param(gzip.compress(gzip.compress(LIST)), "gzip, gzip", "Content-Encoding", id="twice"),
        pytest.param(LIST, "gzip", "decompressed", id="not gzip at all"),
        pytest.param(LIST, "deflate", "decompressed", id="not deflate at all"),
        pytest.param(gzip.compress(LIST) + b"more", "gzip", "decompressed", id="bytes after the end"),
        pytest.param(gzip.compress(LIST) + b"\x1f\x8b??", "gzip", "decompressed", id="a damaged second member"),
        pytest.param(zlib.compress(LIST) * 2, "deflate", "decompressed", id="deflate has no members"),
        pytest.param(gzip.compress(LIST)[:-8] + bytes(8), "gzip", "decompressed", id="a wrong checksum"),
    ],
)
def test_compression_that_cannot_be_read_is_a_failure(body: bytes, encoding: str, says: str) -> None:
    with (
        HostileServer(sends(body, headers={"Content-Encoding": encoding})) as server,
        pytest.raises(AnswerError, match=says),
    ):
        ask(server)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(gzip_of_zeros(200), {"Content-Encoding": "gzip"}, id="200 KB of gzip for 200 MiB"),
        pytest.param(bytes(30 * MIB), {}, id="30 MiB uncompressed"),
    ],
)
def test_an_answer_beyond_the_limit_is_refused_in_little_memory(body: bytes, headers: dict[str, str]) -> None:
    with HostileServer(sends(body, headers=headers)) as server:
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            with pytest.raises(AnswerError, match="larger than 1048576 bytes"):
                ask(server, max_bytes_list=MIB)
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
    # The measured memory includes the server's own copy.
    assert peak < 8 * MIB + len(body)


def test_an_answer_of_exactly_the_limit_is_taken() -> None:
    body = LIST + b" " * (1000 - len(LIST))
    for headers, sent in (({}, body), ({"Content-Encoding": "gzip"}, gzip.compress(body))):
        with HostileServer(sends(sent, headers=headers)) as server:
            assert ask(server, max_bytes_list=1000) == body
        with HostileServer(sends(sent, headers=headers)) as server, pytest.raises(AnswerError):
            ask(server, max_bytes_list=999)


def test_the_request_names_the_program_and_ignores_a_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with HostileServer(sends_json(EMPTY_LIST)) as server:
        ask(server)
    assert "user-agent: konkurs-pipeline/" in server.requests[0].lower()
    assert "accept: application/json" in server.requests[0].lower()


def test_no_url_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("httpx").setLevel(logging.NOTSET)
    with (
        caplog.at_level(logging.INFO),
        HostileServer(hangs_up, sends_json(EMPTY_LIST)) as server,
        Konkursvarsel(server.url, ssl_context=None, deadline_s=5) as konkursvarsel,
    ):
        konkursvarsel.fetch_all_notices(keep=lambda _: None)
    assert caplog.records == []
