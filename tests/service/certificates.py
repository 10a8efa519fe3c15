"""Certificates with a chosen fault, as files and as TLS contexts, from the tests' own authorities."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from konkurs_pipeline.brreg.simulator.pki import SimulatorCertificates
from tests.brreg.hostile_server import PASSWORD, Authority

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Wrong:
    """The possible faults of a certificate. The defaults make a good one."""

    days: tuple[int, int] = (-1, 30)
    host: str = LOOPBACK
    of_other_authority: bool = False
    with_chain: bool = True
    has_other_purpose: bool = False
    signs_documents_only: bool = False


GOOD = Wrong()


def server_context(
    authority: Authority,
    wrong: Wrong = GOOD,
    *,
    clients: Path,
    version: ssl.TLSVersion | None = None,
) -> ssl.SSLContext:
    """Return the context of a service that requires a client certificate of `clients`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pem = authority.folder / f"server-{id(context)}.pem"
    key, chain = _server_identity(authority, wrong)
    pem.write_bytes(_pem_of(key) + chain)
    context.load_cert_chain(pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if version is not None:
        context.minimum_version = context.maximum_version = version
    context.load_verify_locations(clients)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def as_simulator_files(folder: Path, authority: Authority, *, clients: Path) -> SimulatorCertificates:
    """Return a server's files for the simulator: a certificate by `authority`, and `clients` as its clients' authority."""
    files = SimulatorCertificates(folder)
    key, chain = _server_identity(authority, GOOD)
    files.server_certificate.write_bytes(chain)
    files.server_key.write_bytes(_pem_of(key))
    files.ca.write_bytes(clients.read_bytes())
    return files


def p12_bytes(
    authority: Authority,
    wrong: Wrong = GOOD,
    *,
    password: bytes = PASSWORD,
    encryption: KeySerializationEncryption | None = None,
) -> bytes:
    """Return a client's PKCS#12."""
    key, certificate = authority.issue(days=wrong.days, is_client=not wrong.has_other_purpose)
    if wrong.signs_documents_only:
        certificate = _for_signing_only(certificate, authority)
    chain = [authority.root, authority.intermediate] if wrong.with_chain else None
    sealed = encryption or BestAvailableEncryption(password)
    return pkcs12.serialize_key_and_certificates(b"bank", key, certificate, chain, sealed)


def _server_identity(authority: Authority, wrong: Wrong) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    san = x509.IPAddress(ip_address(wrong.host))
    key, certificate = authority.issue(days=wrong.days, san=san, is_client=wrong.has_other_purpose)
    chain = [certificate, authority.intermediate] if wrong.with_chain else [certificate]
    return key, b"".join(each.public_bytes(Encoding.PEM) for each in chain)


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _for_signing_only(certificate: x509.Certificate, authority: Authority) -> x509.Certificate:
    """Return the same certificate for signing documents. Enterprise certificates come in such pairs."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(certificate.issuer)
        .public_key(certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
    )
    only_signing = x509.KeyUsage(
        digital_signature=False,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.KeyUsage):
            builder = builder.add_extension(only_signing, critical=True)
        elif not isinstance(extension.value, x509.ExtendedKeyUsage):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(authority.key, hashes.SHA256())
