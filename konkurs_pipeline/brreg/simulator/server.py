"""The simulator on a socket: uvicorn on loopback, mutual TLS or plain, in the foreground or in a thread.

It listens on 127.0.0.1 only: what it serves is invented, and no bank's network should find it. What does not belong here:
what is served (app.py), making certificates (pki.py).
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import AF_INET, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from konkurs_pipeline.brreg.simulator.fault_answers import TRANSPORT
from konkurs_pipeline.brreg.simulator.pki import SimulatorCertificates, ensure_certificates
from konkurs_pipeline.errors import UsageError

HOST: Final = "127.0.0.1"
_STARTS_WITHIN_S: Final = 10.0
# OpenSSL's reasons for refusing a client: a certificate it does not accept, and none at all.
_REFUSALS: Final = frozenset({"CERTIFICATE_VERIFY_FAILED", "PEER_DID_NOT_RETURN_A_CERTIFICATE"})


def serve(app: ASGIApp, port: int, tls_dir: Path | None, *, announce: Callable[[str], None] | None = None) -> None:
    """Serve `app` until interrupted; with `tls_dir`, over mutual TLS with the certificates there.

    `announce` is called once with the base URL when connections are accepted. Raises `UsageError` if the
    port is taken, `StoreError` where the folder cannot be written.
    """
    tls = None if tls_dir is None else ensure_certificates(tls_dir)
    listener = _listen(port)
    if announce is not None:
        announce(_base_url(listener, tls))
    try:
        _Server(_config(app, tls)).run(sockets=[listener])
    except KeyboardInterrupt:
        # uvicorn has stopped in order, and raises the signal again for its parent.
        return
    finally:
        listener.close()


@contextmanager
def running_simulator(app: ASGIApp, *, tls: SimulatorCertificates | None, port: int = 0) -> Iterator[str]:
    """Run `app` in a thread for as long as the context is open, and give its base URL; port 0: a free one.

    Raises `UsageError` if the port is taken.
    """
    listener = _listen(port)
    server = _Server(_config(app, tls))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="konkurs-simulator")
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield _base_url(listener, tls)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _listen(port: int) -> socket:
    # Without the protocol's name asyncio leaves Nagle's algorithm on: 40 ms more for every answer.
    listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else "not a port number"
        message = f"port {port} cannot be listened on ({reason}): stop what uses it, or give another port"
        raise UsageError(message) from None
    return listener


def _base_url(listener: socket, tls: SimulatorCertificates | None) -> str:
    return f"{'https' if tls else 'http'}://{HOST}:{listener.getsockname()[1]}"


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            message = "the simulator did not start"
            raise RuntimeError(message)
        time.sleep(0.002)


def _config(app: ASGIApp, tls: SimulatorCertificates | None) -> uvicorn.Config:
    context = None if tls is None else _server_context(tls)
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=_Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        # The client reports paths and TLS failures; here they would be noise in its output.
        access_log=False,
        log_config=None,
        log_level="critical",
        ssl_context_factory=None if context is None else lambda _config, _default: context,
    )


def _server_context(tls: SimulatorCertificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.server_certificate, tls.server_key)
    context.load_verify_locations(tls.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.sslobject_class = _AlertingConnection
    return context


class _AlertingConnection(ssl.SSLObject):
    """A TLS connection that tells the client when it refuses the client's certificate, as Brreg's does.

    asyncio drops a connection whose handshake fails without sending the alert that OpenSSL has ready, and the
    client would take the refusal for an outage.
    """

    _refusal: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        """Shake hands; send a refusal to the client first, and raise it once the client has reacted."""
        if self._refusal is not None:
            raise self._refusal
        try:
            super().do_handshake()
        except ssl.SSLError as error:
            if error.reason not in _REFUSALS:
                raise
            self._refusal = error
            # asyncio sends what is ready when it sees "want to read".
            raise ssl.SSLWantReadError from error


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1. It puts the transport into the scope, for the faults that break a connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, TRANSPORT: transport}


class _Server(uvicorn.Server):
    """uvicorn's server, which does not wait for clients that keep their connection open."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)
