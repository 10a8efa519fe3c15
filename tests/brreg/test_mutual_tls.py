from __future__ import annotations

import json
import socket
import ssl
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from konkurs_pipeline.brreg.certificate import load_client_context
from konkurs_pipeline.brreg.client import Konkursvarsel
from konkurs_pipeline.errors import AccessRefusedError, ServiceUnreachableError
from tests.brreg.hostile_server import (
    EMPTY_LIST,
    PASSWORD,
    Authority,
    HostileServer,
    hangs_up,
    sends,
    sends_json,
)

VERSIONS = pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"]
)


def ask(server: HostileServer, context: ssl.SSLContext) -> int:
    with Konkursvarsel(server.url, ssl_context=context, deadline_s=5) as konkursvarsel:
        return len(konkursvarsel.fetch_all_notices(keep=lambda _: None).answers)


@VERSIONS
def test_a_service_that_trusts_our_root_lets_us_in(
    version: ssl.TLSVersion, authority: Authority, client_p12: Path
) -> None:
    """The service knows only the root, so the client must send the intermediate too."""
    tls = authority.server_context(version=version, clients=authority.bundle)
    with HostileServer(sends_json(EMPTY_LIST), tls=tls) as server:
        assert ask(server, load_client_context(client_p12, PASSWORD, authority.bundle)) == 1


@VERSIONS
@pytest.mark.parametrize("fault", ["other root", "expired", "no chain", "none"])
def test_a_refused_client_certificate_is_named_and_not_retried(
    version: ssl.TLSVersion, fault: str, authority: Authority, other_authority: Authority
) -> None:
    tls = authority.server_context(version=version, clients=authority.bundle)
    if fault == "none":
        context = ssl.create_default_context(cafile=authority.bundle)
    else:
        p12 = {
            "other root": lambda: other_authority.write_p12("stranger"),
            "expired": lambda: authority.write_p12("expired", days=(-30, -1)),
            "no chain": lambda: authority.write_p12("bare", with_chain=False),
        }[fault]()
        context = load_client_context(p12, PASSWORD, authority.bundle)
    with HostileServer(sends_json(EMPTY_LIST), tls=tls) as server:
        with pytest.raises(AccessRefusedError, match="the service refused our client certificate") as caught:
            ask(server, context)
        assert server.connections == 1
    assert "konkurs doctor" in str(caught.value)
    assert "a good one need not be ordered again" in str(caught.value)


def asks_for_the_certificate_late(connection: socket.socket, _path: str) -> None:
    """Ask after the handshake, as a server does that decides by the path."""
    assert isinstance(connection, ssl.SSLSocket)
    connection.verify_client_post_handshake()
    connection.sendall(b"HTTP/1.1 ")
    connection.settimeout(0.05)
    for _ in range(100):
        with suppress(TimeoutError):
            connection.recv(1)
        if connection.getpeercert(binary_form=True):
            break
    status = b"200" if connection.getpeercert(binary_form=True) else b"403"
    body = json.dumps(EMPTY_LIST).encode()
    connection.sendall(status + b" Whatever\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))


def test_a_service_that_asks_for_the_certificate_after_the_handshake_gets_it(
    authority: Authority, client_p12: Path
) -> None:
    tls = authority.server_context(clients=authority.bundle)
    tls.post_handshake_auth = True
    with HostileServer(asks_for_the_certificate_late, tls=tls) as server:
        assert ask(server, load_client_context(client_p12, PASSWORD, authority.bundle)) == 1


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param("expired", "expired", id="expired"),
        pytest.param("wrong host", "mismatch", id="for another host"),
        pytest.param("other root", "issuer certificate", id="from a root we do not trust"),
    ],
)
def test_a_service_whose_certificate_fails_our_check_gets_no_request(
    fault: str, says: str, authority: Authority, other_authority: Authority, client_p12: Path
) -> None:
    issuer = other_authority if fault == "other root" else authority
    days = (-30, -1) if fault == "expired" else (-1, 30)
    host = "192.0.2.1" if fault == "wrong host" else "127.0.0.1"
    tls = issuer.server_context(days=days, san=x509.IPAddress(ip_address(host)))
    context = load_client_context(client_p12, PASSWORD, authority.bundle)
    with HostileServer(sends_json(EMPTY_LIST), tls=tls) as server:
        with pytest.raises(AccessRefusedError, match=says) as caught:
            ask(server, context)
        assert server.connections == 1
        assert server.requests == []
    assert "KONKURS_CA_BUNDLE" in str(caught.value)


def test_a_service_that_speaks_no_tls_is_unreachable(authority: Authority, client_p12: Path) -> None:
    context = load_client_context(client_p12, PASSWORD, authority.bundle)
    with HostileServer(sends(b"", 400)) as server:
        plain_as_tls = server.url.replace("http:", "https:")
        with (
            Konkursvarsel(plain_as_tls, ssl_context=context, deadline_s=5) as konkursvarsel,
            pytest.raises(ServiceUnreachableError, match="the TLS connection failed"),
        ):
            konkursvarsel.fetch_root()


def test_a_cut_connection_is_unreachable_and_not_a_refusal(authority: Authority, client_p12: Path) -> None:
    tls = authority.server_context(clients=authority.bundle)
    context = load_client_context(client_p12, PASSWORD, authority.bundle)
    with HostileServer(hangs_up, sends_json(EMPTY_LIST), tls=tls) as server:
        assert ask(server, context) == 1
        assert len(server.requests) == 2


def test_https_without_a_context_raises_value_error() -> None:
    with pytest.raises(ValueError, match="ssl_context"):
        Konkursvarsel("https://127.0.0.1:1", ssl_context=None, deadline_s=1)
