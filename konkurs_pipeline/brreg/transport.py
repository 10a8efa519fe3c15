"""The HTTP transport: one total deadline for a request, which httpx does not have.

httpx limits each read, not their sum: a server that sends a byte now and then, in a header or in the body, holds a
request for ever. Here every connect, handshake, read and write gets only what is left of the request's time. The deadline
does not cover the system's look-up of a name. What does not belong here: what a status means (`diagnosis`).
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from typing import Any, Final

import httpcore
import httpx

_DUE: Final[ContextVar[float | None]] = ContextVar("request_due", default=None)
_KEPT_CONNECTIONS: Final = 16
_KEPT_SECONDS: Final = 20.0


@contextmanager
def total_deadline(seconds: float) -> Iterator[None]:
    """Limit all that this thread sends and receives inside the block to `seconds` in all."""
    token = _DUE.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _DUE.reset(token)


def open_http_client(ssl_context: ssl.SSLContext | None, deadline_s: float) -> httpx.Client:
    """Return a client that keeps to `total_deadline`, follows no redirect and ignores the environment.

    Proxies named in the environment are not used: mutual TLS must end at the service, and a proxy set for
    other programs must not change where national identifiers are sent.
    """
    # At INFO httpx writes every URL to the log.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    headers = {
        "Accept": "application/json, application/hal+json;q=0.9",
        "Accept-Encoding": "gzip",
        "User-Agent": f"konkurs-pipeline/{version('konkurs-pipeline')}",
    }
    # Plain http needs no context, but the pool asks for one. This one trusts nobody and reads no system roots.
    transport = _DeadlineTransport(ssl_context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    return httpx.Client(
        transport=transport, headers=headers, timeout=deadline_s, follow_redirects=False, trust_env=False
    )


class _DeadlineTransport(httpx.BaseTransport):
    """Sends httpx's requests over an httpcore pool whose sockets keep the deadline; httpx's own takes no backend."""

    def __init__(self, ssl_context: ssl.SSLContext) -> None:
        self._connections = httpcore.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=None,
            max_keepalive_connections=_KEPT_CONNECTIONS,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=_DeadlineBackend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; raises httpx's errors as its own transport does."""
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        with _httpx_errors(request):
            response = self._connections.handle_request(
                httpcore.Request(
                    request.method,
                    target,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_AnswerStream(response, request),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()


class _AnswerStream(httpx.SyncByteStream):
    """The body of an answer as it comes in."""

    def __init__(self, response: httpcore.Response, request: httpx.Request) -> None:
        self._response, self._request = response, request

    def __iter__(self) -> Iterator[bytes]:
        with _httpx_errors(self._request):
            yield from self._response.iter_stream()

    def close(self) -> None:
        """Give the connection back."""
        self._response.close()


@contextmanager
def _httpx_errors(request: httpx.Request) -> Iterator[None]:
    """Raise httpx's error of the same name for one of httpcore."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
        raise kind(str(error), request=request) from error


class _DeadlineBackend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers; each gets an equal share of the time that is left."""
        addresses = _addresses(host, port)
        for position, address in enumerate(addresses):
            left, is_last = _time_left(timeout), position == len(addresses) - 1
            share = None if left is None else left / (len(addresses) - position)
            try:
                return _DeadlineStream(super().connect_tcp(address, port, share, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if is_last:
                    raise
        raise AssertionError


def _addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the system's order of preference."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _time_left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _time_left(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, _time_left(timeout)))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  # httpcore's own signature
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()


def _time_left(timeout: float | None) -> float | None:
    due = _DUE.get()
    if due is None:
        return timeout
    left = due - time.monotonic()
    if left <= 0:
        message = "the request's time is used up"
        raise httpcore.ReadTimeout(message)
    return left if timeout is None else min(left, timeout)
