"""Any PKCS#12 bytes, and any certificate within a valid PKCS#12, are used or refused with a named error."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import assume, given
from hypothesis import strategies as st

from konkurs_pipeline.brreg.certificate import load_client_context, read_client_certificate
from konkurs_pipeline.errors import CertificateError
from konkurs_pipeline.redaction import redact
from tests.fuzz.budget import fuzzed
from tests.fuzz.leaks import PERSON, shows_an_identifier
from tests.fuzz.mutations import damaged_bytes

KEY: Final = ec.derive_private_key(1, ec.SECP256R1())
# Some programs write PKCS#12 in BER. The library reads it with a deprecation warning.
BER_IS_READ: Final = pytest.mark.filterwarnings("ignore:PKCS#12 bundle could not be parsed as DER:UserWarning")
START: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def _certificate() -> x509.Certificate:
    """Return a certificate in a person's name, as an enterprise certificate may be, with the same bytes every time."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"Bank {PERSON}"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, PERSON),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=True,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    builder = builder.serial_number(1).not_valid_before(START).not_valid_after(START + dt.timedelta(days=365))
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(KEY, hashes.SHA256(), ecdsa_deterministic=True)


def _packed(certificate: x509.Certificate, others: list[x509.Certificate] | None = None) -> bytes:
    return pkcs12.serialize_key_and_certificates(None, KEY, certificate, others, NoEncryption())


SOUND: Final = _certificate()
DER: Final = SOUND.public_bytes(Encoding.DER)
P12: Final = _packed(SOUND)


def _used_or_refused(content: bytes, use: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "client.p12"
        path.write_bytes(content)
        try:
            use(path)
        except CertificateError as error:
            assert str(error).startswith("KONKURS_CLIENT_P12")  # noqa: PT017 -- a refusal is one of two good outcomes
            assert not shows_an_identifier(error)  # noqa: PT017 -- as above


def _context(path: Path) -> object:
    return load_client_context(path, b"", None)


def _facts(path: Path) -> object:
    facts = read_client_certificate(path, b"")
    shown = f"{facts.organisation} {facts.issuer}"
    assert redact(shown) == shown
    return facts.may_authenticate


@BER_IS_READ
@fuzzed(usual=40, cost=4)
@given(damaged_bytes(P12) | st.binary())
def test_any_pkcs12_bytes_are_used_or_refused_with_a_named_error(content: bytes) -> None:
    _used_or_refused(content, _facts)


@BER_IS_READ
@fuzzed(usual=15, cost=20)
@given(damaged_bytes(P12))
def test_any_pkcs12_bytes_make_a_context_or_a_named_error(content: bytes) -> None:
    _used_or_refused(content, _context)


@st.composite
def damaged_certificates(draw: st.DrawFn) -> bytes:
    """Return a valid PKCS#12 with a damaged certificate. The library parses the certificate only as far as it is used."""
    content = bytearray(DER)
    for _ in range(draw(st.integers(1, 3))):
        content[draw(st.integers(0, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))
    try:
        damaged = x509.load_der_x509_certificate(bytes(content))
        return _packed(damaged, [SOUND] if draw(st.booleans()) else None)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, UserWarning):
        assume(False)  # noqa: FBT003 -- Hypothesis's own way to say that this is no input
        raise


@fuzzed(usual=40, cost=4)
@given(damaged_certificates())
def test_the_facts_of_a_damaged_certificate_are_read_or_it_is_refused(content: bytes) -> None:
    """A PKCS#12 with a right checksum may hold a certificate that cannot be read to its end."""
    _used_or_refused(content, _facts)


@fuzzed(usual=15, cost=20)
@given(damaged_certificates())
def test_a_damaged_certificate_is_sent_to_the_service_or_refused(content: bytes) -> None:
    _used_or_refused(content, _context)


def test_the_undamaged_certificate_is_valid() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "client.p12"
        path.write_bytes(P12)
        assert read_client_certificate(path, b"").may_authenticate
        assert load_client_context(path, b"", None).cert_store_stats() is not None
