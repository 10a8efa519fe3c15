from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from konkurs_pipeline.brreg.simulator.app import build_app
from konkurs_pipeline.brreg.simulator.pki import (
    CLIENT,
    SERVER,
    Leaf,
    SimulatorCertificates,
    ensure_certificates,
    make_certificates,
)
from konkurs_pipeline.brreg.simulator.server import running_simulator
from konkurs_pipeline.errors import StoreError

Trust = Callable[[SimulatorCertificates], ssl.SSLContext]


def get(url: str, context: ssl.SSLContext) -> httpx.Response:
    with httpx.Client(verify=context, trust_env=False, timeout=10) as client:
        return client.get(url)


def test_the_files_have_the_names_that_the_settings_expect(tmp_path: Path) -> None:
    ensure_certificates(tmp_path / "simulator")

    names = {path.name for path in (tmp_path / "simulator").iterdir()}
    assert names == {"ca.pem", "server.pem", "server.key", "client.p12", "client.password"}


def test_only_the_owner_may_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "simulator"
    folder.mkdir(mode=0o755)

    ensure_certificates(folder)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_existing_files_are_used_again(tmp_path: Path) -> None:
    first = ensure_certificates(tmp_path).client_p12.read_bytes()

    assert ensure_certificates(tmp_path).client_p12.read_bytes() == first


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server.key", "client.p12", "client.password"])
@pytest.mark.parametrize("damage", ["missing", "garbage", "of_another_set"])
def test_a_set_with_one_wrong_file_is_made_again(tmp_path: Path, name: str, damage: str) -> None:
    made = ensure_certificates(tmp_path / "simulator")
    before = made.ca.read_bytes()
    if damage == "missing":
        (made.folder / name).unlink()
    elif damage == "garbage":
        (made.folder / name).write_bytes(b"\xff garbage")
    else:
        other = make_certificates(tmp_path / "other")
        (made.folder / name).write_bytes((other.folder / name).read_bytes())
    damaged = made.ca.read_bytes() if name == "ca.pem" and damage != "missing" else before

    ensure_certificates(made.folder)

    assert made.ca.read_bytes() not in (before, damaged)


@pytest.mark.parametrize(
    ("server", "client"),
    [
        pytest.param(replace(SERVER, valid_days=(-10, 0)), CLIENT, id="server"),
        pytest.param(SERVER, replace(CLIENT, valid_days=(-10, 1)), id="client"),
    ],
)
def test_a_certificate_that_expires_within_a_day_is_made_again(tmp_path: Path, server: Leaf, client: Leaf) -> None:
    before = make_certificates(tmp_path, server=server, client=client).ca.read_bytes()

    assert ensure_certificates(tmp_path).ca.read_bytes() != before


def test_a_folder_that_cannot_be_made_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreError, match="make it writable"):
        ensure_certificates(tmp_path / "file" / "simulator")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_strict_client_and_the_server_accept_each_other(
    certificates: SimulatorCertificates, trust: Trust, host: str
) -> None:
    with running_simulator(build_app([]), tls=certificates) as url:
        assert get(url.replace("127.0.0.1", host), trust(certificates)).status_code == 200


@pytest.mark.parametrize(
    ("server", "complaint"),
    [
        pytest.param(replace(SERVER, valid_days=(-10, -1)), "expired", id="expired"),
        pytest.param(replace(SERVER, foreign=True), "unable to get local issuer", id="other_authority"),
        pytest.param(replace(SERVER, hosts=("bank.example",)), "IP address mismatch", id="wrong_host"),
        pytest.param(replace(SERVER, purpose=ExtendedKeyUsageOID.CLIENT_AUTH), "purpose", id="wrong_purpose"),
    ],
)
def test_a_client_refuses_a_server_made_wrong_on_purpose(
    tmp_path: Path, trust: Trust, server: Leaf, complaint: str
) -> None:
    made = make_certificates(tmp_path, server=server)

    with (
        running_simulator(build_app([]), tls=made) as url,
        pytest.raises(httpx.ConnectError, match=complaint),
    ):
        get(url, trust(made))


@pytest.mark.parametrize(
    "client",
    [
        pytest.param(replace(CLIENT, valid_days=(-10, -1)), id="expired"),
        pytest.param(replace(CLIENT, valid_days=(1, 10)), id="not_yet_valid"),
        pytest.param(replace(CLIENT, foreign=True), id="other_authority"),
        pytest.param(replace(CLIENT, purpose=ExtendedKeyUsageOID.SERVER_AUTH), id="wrong_purpose"),
    ],
)
def test_the_server_refuses_a_client_made_wrong_on_purpose(tmp_path: Path, trust: Trust, client: Leaf) -> None:
    made = make_certificates(tmp_path, client=client)
    app = build_app([])

    # Under TLS 1.3 the refusal comes with the first read, after the client's own handshake is done.
    with running_simulator(app, tls=made) as url, pytest.raises(httpx.TransportError, match=r"alert"):
        get(url, trust(made))
    assert not app.state.simulation.requests


def test_a_client_without_a_certificate_is_refused(certificates: SimulatorCertificates) -> None:
    app = build_app([])
    bare = ssl.create_default_context(cafile=certificates.ca)

    with (
        running_simulator(app, tls=certificates) as url,
        pytest.raises(httpx.TransportError, match=r"alert"),
    ):
        get(url, bare)
    assert not app.state.simulation.requests
