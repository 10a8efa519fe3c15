"""The simulator's certificates: an authority, a server certificate for loopback, and a client's PKCS#12.

File names are fixed, as settings/model.py points the demo at them. Private keys are P-256 and never leave the
folder (0700, files 0600). They are proper enough for `VERIFY_X509_STRICT`, so that a client may be as strict
here as with Brreg. `make_certificates` takes what may be wrong with a certificate on purpose. What does not
belong here: reading a bank's own certificate (brreg/certificate).
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import tempfile
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.errors import StoreError

_KEEP_IF_VALID_FOR: Final = dt.timedelta(days=1)
_AUTHORITY_DAYS: Final = 3650
_KDF_ROUNDS: Final = 50_000


@dataclass(frozen=True)
class SimulatorCertificates:
    """Where the certificates are."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The authority both sides trust, PEM."""
        return self.folder / "ca.pem"

    @property
    def server_certificate(self) -> Path:
        """The server's certificate, PEM."""
        return self.folder / "server.pem"

    @property
    def server_key(self) -> Path:
        """The server's private key, PEM, not encrypted."""
        return self.folder / "server.key"

    @property
    def client_p12(self) -> Path:
        """The client's key, certificate and authority, PKCS#12."""
        return self.folder / "client.p12"

    @property
    def client_password_file(self) -> Path:
        """The file that holds the password of `client_p12`."""
        return self.folder / "client.password"

    def client_password(self) -> str:
        """Read the password of `client_p12`."""
        return self.client_password_file.read_text(encoding="ascii").strip()


@dataclass(frozen=True)
class Leaf:
    """What a certificate says. `valid_days` count from now; `foreign`: its issuer is trusted by nobody."""

    name: str
    purpose: x509.ObjectIdentifier
    hosts: tuple[str, ...] = ()
    valid_days: tuple[float, float] = (-1, 365)
    foreign: bool = False


SERVER: Final = Leaf(
    "Konkursvarsel simulator", ExtendedKeyUsageOID.SERVER_AUTH, hosts=("localhost", "127.0.0.1", "::1")
)
CLIENT: Final = Leaf("Demobanken (oppdiktet)", ExtendedKeyUsageOID.CLIENT_AUTH)


@dataclass(frozen=True)
class _KeyAndCertificate:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    issuer: x509.Certificate


def ensure_certificates(folder: Path) -> SimulatorCertificates:
    """Return the certificates in `folder`: complete and valid for more than a day, or new.

    Raises `StoreError` if the folder cannot be written.
    """
    certificates = SimulatorCertificates(folder)
    return certificates if _is_usable(certificates) else make_certificates(folder)


def make_certificates(folder: Path, *, server: Leaf = SERVER, client: Leaf = CLIENT) -> SimulatorCertificates:
    """Make everything again in `folder`; other leaves make certificates that must be refused.

    Raises `StoreError` if the folder cannot be written.
    """
    authority = _issue_authority("Konkursvarsel simulator CA")
    served = _issue(server, authority)
    held = _issue(client, authority)
    password = secrets.token_urlsafe(24)
    certificates = SimulatorCertificates(folder)
    contents = {
        certificates.ca: authority.certificate.public_bytes(Encoding.PEM),
        certificates.server_certificate: served.certificate.public_bytes(Encoding.PEM),
        certificates.server_key: served.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        certificates.client_p12: _pack(held, password),
        certificates.client_password_file: password.encode("ascii"),
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        for path, content in contents.items():
            _write(path, content)
    except OSError as error:
        message = f"the simulator's certificates cannot be written to {folder} ({error.strerror}): make it writable"
        raise StoreError(message) from None
    return certificates


def _is_usable(files: SimulatorCertificates) -> bool:
    try:
        ca = x509.load_pem_x509_certificate(files.ca.read_bytes())
        server = x509.load_pem_x509_certificate(files.server_certificate.read_bytes())
        server_key = load_pem_private_key(files.server_key.read_bytes(), password=None)
        password = files.client_password().encode("ascii")
        client = pkcs12.load_pkcs12(files.client_p12.read_bytes(), password).cert
        if client is None or server_key.public_key() != server.public_key():
            return False
        for leaf in (server, client.certificate):
            leaf.verify_directly_issued_by(ca)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    needed_until = utc_now() + _KEEP_IF_VALID_FOR
    return all(each.not_valid_after_utc > needed_until for each in (ca, server, client.certificate))


def _issue_authority(name: str) -> _KeyAndCertificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name)
    certificate = (
        _builder(subject, subject, key.public_key(), (-2, _AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_authority=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _KeyAndCertificate(certificate, key, certificate)


def _issue(leaf: Leaf, authority: _KeyAndCertificate) -> _KeyAndCertificate:
    issuer = _issue_authority("Untrusted CA") if leaf.foreign else authority
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_subject(leaf.name), issuer.certificate.subject, key.public_key(), leaf.valid_days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([leaf.purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    if leaf.hosts:
        names = [_general_name(host) for host in leaf.hosts]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return _KeyAndCertificate(builder.sign(issuer.key, hashes.SHA256()), key, issuer.certificate)


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, valid_days: tuple[float, float]
) -> x509.CertificateBuilder:
    now = utc_now().replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=valid_days[0]))
        .not_valid_after(now + dt.timedelta(days=valid_days[1]))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "NO"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Konkurs-pipeline simulator"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pack(held: _KeyAndCertificate, password: str) -> bytes:
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(_KDF_ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(password.encode("ascii"))
    )
    return pkcs12.serialize_key_and_certificates(b"client", held.key, held.certificate, [held.issuer], encryption)


def _write(path: Path, content: bytes) -> None:
    # Another simulator may be reading: a file is there whole or not at all. mkstemp makes it 0600.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)
