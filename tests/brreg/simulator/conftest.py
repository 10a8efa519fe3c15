"""Certificates made once, and a client that holds one."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from starlette.applications import Starlette

from konkurs_pipeline.brreg.simulator.pki import SimulatorCertificates, make_certificates
from konkurs_pipeline.brreg.simulator.server import running_simulator

Trust = Callable[[SimulatorCertificates], ssl.SSLContext]
Serve = Callable[[Starlette], AbstractContextManager[httpx.Client]]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> SimulatorCertificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """Make the strictest client context that Python has, with the client's key from the PKCS#12."""

    def context_of(certificates: SimulatorCertificates) -> ssl.SSLContext:
        held = pkcs12.load_pkcs12(certificates.client_p12.read_bytes(), certificates.client_password().encode())
        assert held.key is not None
        assert held.cert is not None
        pem: Path = tmp_path_factory.mktemp("client") / "client.pem"
        key = held.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem.write_bytes(key + held.cert.certificate.public_bytes(Encoding.PEM))
        context = ssl.create_default_context(cafile=certificates.ca)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_cert_chain(pem)
        return context

    return context_of


@pytest.fixture(scope="session")
def serve(certificates: SimulatorCertificates, trust: Trust) -> Serve:
    """Run an app over mutual TLS and give a client for it."""
    context = trust(certificates)

    @contextmanager
    def served(app: Starlette) -> Iterator[httpx.Client]:
        with (
            running_simulator(app, tls=certificates) as url,
            httpx.Client(base_url=url, verify=context, trust_env=False, timeout=10) as client,
        ):
            yield client

    return served
