"""A hostile server on loopback: it fails as networks and servers do, one raw connection at a time.

Each connection goes to a handler, which writes any bytes. This module also makes the certificates.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Handler = Callable[[socket.socket, str], None]
PASSWORD = b"p\xc3\xa5ssord"
EMPTY_LIST = {"_links": {"self": {"href": "/konkursvarsler"}}}


class HostileServer:
    """Uses the handlers in turn, then the last one again and again. `requests` holds the head of each request."""

    def __init__(self, *handlers: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._handlers = handlers
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.01)
        self._is_open = True
        self._lock = threading.Lock()
        self.requests: list[str] = []
        self.connections = 0
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        scheme = "https" if tls else "http"
        self.port = self._listener.getsockname()[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        for thread in self._threads:
            thread.join(timeout=5)
        self._listener.close()

    @property
    def paths(self) -> list[str]:
        return [head.split(" ")[1] for head in self.requests]

    def _accept(self) -> None:
        while self._is_open:
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            connection.settimeout(3)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                if self._tls is None:
                    self._answer(connection)
                else:
                    self._answer_over_tls(connection, self._tls)
            except OSError:
                return

    def _answer_over_tls(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        wrapped = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with wrapped:
            try:
                wrapped.do_handshake()
                self._answer(wrapped)
            except ssl.SSLError:
                _linger(socket.socket(fileno=wrapped.detach()))

    def _answer(self, connection: socket.socket) -> None:
        head = b""
        # A TLS greeting on a plain connection (0x16) has no end of its own.
        while b"\r\n\r\n" not in head and not head.startswith(b"\x16"):
            more = connection.recv(65536)
            if not more:
                return
            head += more
        with self._lock:
            number = len(self.requests)
            self.requests.append(head.decode("latin-1"))
        handler = self._handlers[min(number, len(self._handlers) - 1)]
        handler(connection, head.decode("latin-1").partition(" ")[2].partition(" ")[0])


def _linger(connection: socket.socket) -> None:
    # Closing with unread bytes resets the connection, and the alert may never be read.
    with connection:
        connection.settimeout(0.5)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


def response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    """Return a whole HTTP answer, with its Content-Length unless `headers` say otherwise."""
    lines = {
        "Content-Type": "application/json;charset=UTF-8",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines |= headers or {}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body


def sends(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    """Return a handler that answers with these bytes."""
    return lambda connection, _path: connection.sendall(response(body, status, headers))


def sends_json(value: Any) -> Handler:  # noqa: ANN401  # any JSON value
    """Return a handler that answers 200 with `value`."""
    return sends(json.dumps(value).encode())


def sends_raw(data: bytes) -> Handler:
    """Return a handler that writes `data` and nothing else."""
    return lambda connection, _path: connection.sendall(data)


def hangs_up(connection: socket.socket, _path: str) -> None:
    """Close the connection without an answer."""
    connection.shutdown(socket.SHUT_RDWR)


def drips(data: bytes, pause_s: float = 0.05) -> Handler:
    """Return a handler that sends one byte every `pause_s`, for at most three seconds."""

    def handler(connection: socket.socket, _path: str) -> None:
        end = time.monotonic() + 3
        for number in range(len(data)):
            if time.monotonic() > end:
                return
            connection.sendall(data[number : number + 1])
            time.sleep(pause_s)

    return handler


def gzip_of_zeros(mebibytes: int) -> bytes:
    """Return a small gzip stream that inflates to `mebibytes` MiB."""
    return gzip.compress(bytes(mebibytes * 1024 * 1024), 9)


@dataclass
class Authority:
    """A new certificate authority with one intermediate."""

    folder: Path
    name: str
    root_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.root = _certificate(self.root_key, f"{self.name} Root", self.root_key, f"{self.name} Root", is_ca=True)
        self.intermediate = _certificate(self.key, f"{self.name} CA", self.root_key, f"{self.name} Root", is_ca=True)
        self.bundle = self.folder / f"{self.name}.pem"
        self.bundle.write_bytes(self.root.public_bytes(Encoding.PEM))

    def issue(
        self, *, days: tuple[int, int] = (-1, 30), san: x509.GeneralName | None = None, is_client: bool = True
    ) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if is_client else ExtendedKeyUsageOID.SERVER_AUTH
        return key, _certificate(key, "Leaf", self.key, f"{self.name} CA", days=days, san=san, usage=usage)

    def write_p12(self, name: str, days: tuple[int, int] = (-1, 30), *, with_chain: bool = True) -> Path:
        key, certificate = self.issue(days=days)
        # Root before intermediate: a PKCS#12 promises no order.
        chain = [self.root, self.intermediate] if with_chain else None
        path = self.folder / f"{name}.p12"
        encryption = BestAvailableEncryption(PASSWORD)
        path.write_bytes(pkcs12.serialize_key_and_certificates(b"bank", key, certificate, chain, encryption))
        path.chmod(0o600)
        return path

    def server_context(
        self,
        *,
        days: tuple[int, int] = (-1, 30),
        san: x509.GeneralName | None = None,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        clients: Path | None = None,
    ) -> ssl.SSLContext:
        """Return a server's context of exactly this TLS version that lets in clients of `clients` only."""
        key, certificate = self.issue(days=days, san=san or x509.IPAddress(ip_address("127.0.0.1")), is_client=False)
        pem = self.folder / f"server-{certificate.serial_number}.pem"
        pem.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.public_bytes(Encoding.PEM)
            + self.intermediate.public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        context.minimum_version = context.maximum_version = version
        if clients is not None:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def _certificate(  # noqa: PLR0913  # a certificate has that many parts
    key: ec.EllipticCurvePrivateKey,
    subject: str,
    signer: ec.EllipticCurvePrivateKey,
    issuer: str,
    *,
    days: tuple[int, int] = (-1, 30),
    san: x509.GeneralName | None = None,
    usage: x509.ObjectIdentifier | None = None,
    is_ca: bool = False,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(_key_usage(is_ca=is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if san is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([san]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Bank i Prøve AS")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )
