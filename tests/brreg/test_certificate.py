from __future__ import annotations

import datetime as dt
import os
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from konkurs_pipeline.brreg.certificate import (
    load_client_context,
    open_rights,
    read_client_certificate,
    settings_certificate,
    settings_context,
)
from konkurs_pipeline.brreg.password import read_password
from konkurs_pipeline.errors import CertificateError
from konkurs_pipeline.settings import load_settings
from tests.brreg.hostile_server import PASSWORD, Authority


def test_the_facts_of_a_certificate_are_read(client_p12: Path) -> None:
    facts = read_client_certificate(client_p12, PASSWORD)
    assert facts.organisation == "Bank i Prøve AS"
    assert facts.issuer == "Test CA"
    assert facts.chain_length == 3
    assert facts.key_usages == ("digital_signature",)
    assert facts.extended_key_usages == ("client_auth",)
    assert facts.may_authenticate
    assert facts.not_before < dt.datetime.now(dt.UTC) < facts.not_after
    assert facts.not_after.tzinfo is dt.UTC


def test_an_expired_certificate_is_read_without_an_error(authority: Authority) -> None:
    p12 = authority.write_p12("expired", days=(-30, -1))
    load_client_context(p12, PASSWORD, authority.bundle)
    assert read_client_certificate(p12, PASSWORD).not_after < dt.datetime.now(dt.UTC)


def test_a_context_checks_the_service_as_the_service_checks_us(client_p12: Path, authority: Authority) -> None:
    context = load_client_context(client_p12, PASSWORD.decode(), authority.bundle)
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_no_memory_file_with_the_private_key_stays_open(client_p12: Path, authority: Authority) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # a Path would open the folder lazily
    load_client_context(client_p12, PASSWORD, authority.bundle)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208  # as above


def test_the_chain_is_sent_in_order_and_the_key_never_touches_the_disk(
    client_p12: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS 1.2 asks for leaf, intermediate, root; the file has the root first."""
    handed_over: list[bytes] = []

    def look(_context: ssl.SSLContext, path: str) -> None:
        assert "memfd:" in str(Path(path).readlink())
        handed_over.append(Path(path).read_bytes())

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", look)
    load_client_context(client_p12, PASSWORD, authority.bundle)
    [pem] = handed_over
    assert b"PRIVATE KEY" in pem
    assert x509.load_pem_x509_certificates(pem)[1:] == [authority.intermediate, authority.root]


def test_a_wrong_password_and_a_damaged_file_give_one_error_that_names_both(client_p12: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.p12"
    damaged.write_bytes(client_p12.read_bytes()[:-50])
    for p12, password in ((client_p12, b"feil-passord"), (damaged, PASSWORD), (client_p12, b"")):
        with pytest.raises(CertificateError, match=r"password is wrong, or the file is no readable PKCS#12") as caught:
            load_client_context(p12, password, None)
        assert "feil-passord" not in str(caught.value)
        assert "KONKURS_CLIENT_P12_PASSWORD_FILE" in str(caught.value)


@pytest.mark.parametrize("missing", ["no private key", "no certificate"])
def test_a_file_without_key_or_certificate_says_what_is_missing(
    missing: str, authority: Authority, tmp_path: Path
) -> None:
    key, certificate = authority.issue()
    p12 = tmp_path / "half.p12"
    has_key = missing != "no private key"
    encryption = BestAvailableEncryption(PASSWORD)
    if has_key:
        half = pkcs12.serialize_key_and_certificates(b"half", key, None, None, encryption)
    else:
        half = pkcs12.serialize_key_and_certificates(b"half", None, None, [certificate], encryption)
    p12.write_bytes(half)
    with pytest.raises(CertificateError, match=missing):
        load_client_context(p12, PASSWORD, None)


def test_a_missing_file_is_named_with_its_setting(tmp_path: Path, client_p12: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(CertificateError, match=r"KONKURS_CLIENT_P12 .*gone: there is no such file"):
        load_client_context(gone, b"x", None)
    with pytest.raises(CertificateError, match=r"KONKURS_CLIENT_P12_PASSWORD_FILE .*gone: there is no such file"):
        read_password(gone)
    with pytest.raises(CertificateError, match=r"KONKURS_CA_BUNDLE .*gone: there is no such file"):
        load_client_context(client_p12, PASSWORD, gone)
    with pytest.raises(CertificateError, match="gone: there is no such file"):
        open_rights(gone)


def test_a_bundle_without_certificates_is_refused(client_p12: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("not a certificate")
    with pytest.raises(CertificateError, match="holds no certificate"):
        load_client_context(client_p12, PASSWORD, bundle)


@pytest.mark.parametrize(
    ("written", "password"),
    [
        pytest.param(b"abc", b"abc", id="no line break"),
        pytest.param(b"abc\n", b"abc", id="one"),
        pytest.param(b"abc\r\n", b"abc", id="one, as Windows writes it"),
        pytest.param(b"abc\n\n", b"abc\n", id="only one is taken away"),
        pytest.param(b" abc \n", b" abc ", id="spaces belong to the password"),
        pytest.param(b"abc\r", b"abc\r", id="a lone carriage return is no line break"),
        pytest.param("på\r\n".encode("latin-1"), b"p\xc3\xa5", id="Latin-1"),
        pytest.param("på€\n".encode("cp1252"), "på€".encode(), id="Windows' Latin-1"),
        pytest.param("på\r\n".encode("utf-16"), b"p\xc3\xa5", id="UTF-16 with its mark"),
        pytest.param("på\n".encode("utf-16-le"), b"p\xc3\xa5", id="UTF-16 without a mark"),
        pytest.param("på\n".encode("utf-16-be"), b"p\xc3\xa5", id="UTF-16, the other way round, without a mark"),
        pytest.param("på\n".encode("utf-8-sig"), b"p\xc3\xa5", id="UTF-8 with a mark"),
        pytest.param(b"abc\n\0", b"abc", id="a NUL at its end"),
        pytest.param(b"abc\0\0\0", b"abc", id="NULs at its end"),
        pytest.param(b"\xf8\x81\n", b"\xc3\xb8\xc2\x81", id="a byte that Windows' Latin-1 lacks"),
    ],
)
def test_a_password_file_loses_one_line_break_only(written: bytes, password: bytes, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(written)
    assert read_password(path) == password


@pytest.mark.parametrize("written", [b"ab\0c", b"\xff\xfea", b"\0a\0b\0"])
def test_a_password_file_that_is_not_text_is_refused_by_name(written: bytes, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(written)
    with pytest.raises(CertificateError, match="KONKURS_CLIENT_P12_PASSWORD_FILE"):
        read_password(path)


def test_a_certificate_in_ber_is_read_without_a_warning_and_marked_as_ber(
    client_p12: Path, tmp_path: Path, authority: Authority
) -> None:
    ber = tmp_path / "ber.p12"
    ber.write_bytes(in_ber(client_p12.read_bytes()))
    assert load_client_context(ber, PASSWORD, authority.bundle).post_handshake_auth
    assert read_client_certificate(ber, PASSWORD).is_ber
    assert not read_client_certificate(client_p12, PASSWORD).is_ber


def in_ber(der: bytes) -> bytes:
    """Return the same PKCS#12 with an outermost sequence of indefinite length."""
    length_of_length = der[1] & 0x7F if der[1] & 0x80 else 0
    return b"\x30\x80" + der[2 + length_of_length :] + b"\0\0"


def test_a_key_that_others_may_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "client.p12"
    path.touch(mode=0o600)
    assert not open_rights(path)
    path.chmod(0o640)
    assert open_rights(path)


@pytest.mark.parametrize("from_file", [True, False], ids=["password from a file", "password as a setting"])
def test_the_settings_lead_to_the_certificate(
    from_file: bool,  # noqa: FBT001  # a test's case
    client_p12: Path,
    authority: Authority,
    tmp_path: Path,
) -> None:
    password = tmp_path / "password"
    password.write_bytes(PASSWORD + b"\n")
    environ = {
        "KONKURS_API_URL": "https://127.0.0.1:1",
        "KONKURS_CLIENT_P12": str(client_p12),
        "KONKURS_CA_BUNDLE": str(authority.bundle),
    }
    chosen = ("PASSWORD_FILE", str(password)) if from_file else ("PASSWORD", PASSWORD.decode())
    settings = load_settings({**environ, f"KONKURS_CLIENT_P12_{chosen[0]}": chosen[1]}, dotenv=tmp_path / "none")
    assert settings_context(settings).verify_mode is ssl.CERT_REQUIRED
    facts = settings_certificate(settings)
    assert facts is not None
    assert facts.chain_length == 3
