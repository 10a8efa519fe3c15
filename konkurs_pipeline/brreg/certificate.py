"""The client certificate (virksomhetssertifikat, PKCS#12) and the trusted roots, made into a TLS context.

The private key never touches the disk: OpenSSL reads it from an anonymous file in memory. An expired certificate is
reported and still used: the service decides whom it lets in. What does not belong here: requests.
"""

from __future__ import annotations

import datetime as dt
import os
import ssl
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12KeyAndCertificates, load_pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from konkurs_pipeline.brreg.password import read_password, usable_password
from konkurs_pipeline.errors import CertificateError
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings

_KEY_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
_EXTENDED_USAGES: Final = {
    ExtendedKeyUsageOID.CLIENT_AUTH: "client_auth",
    ExtendedKeyUsageOID.SERVER_AUTH: "server_auth",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "email_protection",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "any",
}
# How the old ciphers of PKCS#12 (RC2, RC4, 3DES) begin in a file: OID 1.2.840.113549.1.12.1, in DER. They need OpenSSL's
# legacy provider, which the library brings and a strict system switches off.
_OLD_CIPHERS: Final = bytes.fromhex("2a864886f70d010c01")


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What `doctor` and `status` say about the client certificate. Times are UTC.

    `key_usages` and `extended_key_usages` are empty if the certificate does not restrict its use;
    `chain_length` counts the certificate itself and those sent with it. `is_ber`: the file is in BER, an encoding that
    the library reads today and may refuse tomorrow.
    """

    organisation: str | None
    issuer: str | None
    not_before: dt.datetime
    not_after: dt.datetime
    key_usages: tuple[str, ...]
    extended_key_usages: tuple[str, ...]
    chain_length: int
    is_ber: bool = False

    @property
    def may_authenticate(self) -> bool:
        """Whether its key usages allow it to be a TLS client."""
        signs = not self.key_usages or "digital_signature" in self.key_usages
        return signs and (not self.extended_key_usages or bool({"client_auth", "any"} & set(self.extended_key_usages)))


@dataclass(frozen=True, slots=True)
class _Identity:
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key_pem: bytes
    is_ber: bool


def settings_context(settings: Settings) -> ssl.SSLContext:
    """Return the TLS context that the settings ask for. Raises `CertificateError`."""
    if settings.client_p12 is None:
        message = "KONKURS_CLIENT_P12 is not set; expected: the path of the enterprise certificate (PKCS#12)"
        raise CertificateError(message)
    return load_client_context(settings.client_p12, settings_password(settings), settings.ca_bundle)


def settings_certificate(settings: Settings) -> ClientCertificate | None:
    """Return the facts of the configured client certificate, None if none is configured."""
    if settings.client_p12 is None:
        return None
    return read_client_certificate(settings.client_p12, settings_password(settings))


def settings_password(settings: Settings) -> bytes:
    """Return the certificate's password, from its file where one is named. Raises `CertificateError`."""
    if settings.client_p12_password_file is not None:
        return read_password(settings.client_p12_password_file)
    secret = settings.client_p12_password
    return usable_password(secret.get_secret_value()) if secret else b""


def load_client_context(p12: Path, password: bytes | str, ca_bundle: Path | None) -> ssl.SSLContext:
    """Return a context that shows the certificate in `p12`, with the others in it, and trusts `ca_bundle`.

    `ca_bundle`: PEM file of trusted roots; None for the system's. TLS 1.2 or later, host names checked.
    Raises `CertificateError`, its text with what to do.
    """
    identity = _load_identity(p12, password)
    context = trusting(ca_bundle)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Some servers ask for the certificate only when they know the path, after the handshake.
    context.post_handshake_auth = True
    certificates = (identity.certificate, *identity.chain)
    pem = identity.key_pem + b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)
    memory = os.memfd_create("client certificate")
    try:
        with os.fdopen(memory, "wb", closefd=False) as file:
            file.write(pem)
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    except ssl.SSLError as error:
        message = (
            f"KONKURS_CLIENT_P12 {p12}: TLS cannot use its key and certificate ({_reason(error)}); expected: "
            "a key that belongs to the certificate. Export it again, or ask the issuer"
        )
        raise CertificateError(message) from None
    finally:
        os.close(memory)
    return context


def read_client_certificate(p12: Path, password: bytes | str) -> ClientCertificate:
    """Return the facts of the certificate in `p12`. Raises `CertificateError`."""
    identity = _load_identity(p12, password)
    try:
        return _facts_of(identity)
    except (ValueError, x509.DuplicateExtension, UnsupportedAlgorithm):
        raise CertificateError(_damaged(p12)) from None


def _facts_of(identity: _Identity) -> ClientCertificate:
    certificate = identity.certificate
    return ClientCertificate(
        organisation=_name_part(certificate.subject, NameOID.ORGANIZATION_NAME),
        issuer=_name_part(certificate.issuer, NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_usages=_key_usages(certificate),
        extended_key_usages=_extended_usages(certificate),
        chain_length=1 + len(identity.chain),
        is_ber=identity.is_ber,
    )


def open_rights(path: Path) -> bool:
    """Whether others than the owner may use the file. Raises `CertificateError` if there is none."""
    try:
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError as error:
        raise CertificateError(_unreadable("The rights of", path, error)) from None


def _load_identity(p12: Path, password: bytes | str) -> _Identity:
    try:
        data = p12.read_bytes()
    except OSError as error:
        raise CertificateError(_unreadable("KONKURS_CLIENT_P12", p12, error)) from None
    secret = usable_password(password) if isinstance(password, str) else password
    try:
        # The library warns about BER; here `doctor` says it, where somebody reads it.
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            store = load_pkcs12(data, secret or None)
    except (ValueError, UnsupportedAlgorithm):
        # The library has one text for both causes: a wrong password looks like a damaged file.
        message = (
            f"KONKURS_CLIENT_P12 {p12}: the password is wrong, or the file is no readable PKCS#12; "
            "expected: a .p12 file "
            "and its password. Check KONKURS_CLIENT_P12_PASSWORD_FILE, or export the certificate again"
        )
        if _OLD_CIPHERS in data:
            message += ": the file is in old ciphers (RC2 or 3DES), which this system may refuse; choose AES-256"
        raise CertificateError(message) from None
    return _identity_of(p12, store, is_ber=any("BER" in str(each.message) for each in warned))


def _identity_of(p12: Path, store: PKCS12KeyAndCertificates, *, is_ber: bool) -> _Identity:
    missing = "no private key" if store.key is None else "no certificate for its key" if store.cert is None else None
    if store.key is None or store.cert is None:
        message = (
            f"KONKURS_CLIENT_P12 {p12} holds {missing}; expected: the enterprise certificate with its "
            "private key. "
            "Export both into one file, with the chain"
        )
        raise CertificateError(message)
    key_pem = store.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    leaf = store.cert.certificate
    try:
        chain = _in_order(leaf, [other.certificate for other in store.additional_certs])
    except ValueError:
        # The library parses a certificate only as far as it is asked to: a damaged one fails here.
        raise CertificateError(_damaged(p12)) from None
    return _Identity(leaf, chain, key_pem, is_ber)


def _damaged(p12: Path) -> str:
    return (
        f"KONKURS_CLIENT_P12 {p12}: a certificate in it is damaged; expected: X.509 certificates. "
        "Export the file again, or ask the issuer"
    )


def _in_order(leaf: x509.Certificate, others: list[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    # TLS 1.2 asks for each certificate to be followed by its issuer; a PKCS#12 keeps them in any order.
    ordered: list[x509.Certificate] = []
    current, rest = leaf, list(others)
    while issuer := next((other for other in rest if other.subject == current.issuer), None):
        rest.remove(issuer)
        ordered.append(issuer)
        current = issuer
    return (*ordered, *rest)


def trusting(ca_bundle: Path | None, *, with_system_roots: bool = False) -> ssl.SSLContext:
    """Return a context that trusts `ca_bundle` (null: the system's roots) and shows no certificate.

    `with_system_roots`: the system's as well, for a host of the open internet. Raises `CertificateError`.
    """
    try:
        if not with_system_roots or ca_bundle is None:
            return ssl.create_default_context(cafile=ca_bundle)
        context = ssl.create_default_context()
        context.load_verify_locations(ca_bundle)
    except ssl.SSLError:
        message = (
            f"KONKURS_CA_BUNDLE {ca_bundle} holds no certificate that can be read; expected: a PEM file of "
            "trusted roots. "
            "Correct it, or leave the setting out to use the system's"
        )
        raise CertificateError(message) from None
    except OSError as error:
        raise CertificateError(_unreadable("KONKURS_CA_BUNDLE", ca_bundle, error)) from None
    return context


def _unreadable(variable: str, path: Path | None, error: OSError) -> str:
    cause = "there is no such file" if isinstance(error, FileNotFoundError) else f"it cannot be read ({error.strerror})"
    return f"{variable} {path}: {cause}; expected: a file we can read. Correct the path or its rights"


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "unknown reason").replace("_", " ").lower()


def _name_part(name: x509.Name, *wanted: x509.ObjectIdentifier) -> str | None:
    for oid in wanted:
        for attribute in name.get_attributes_for_oid(oid):
            if isinstance(attribute.value, str):
                return redact(attribute.value)
    return None


def _key_usages(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name for name in _KEY_USAGES if getattr(usage, name))


def _extended_usages(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(_EXTENDED_USAGES.get(usage, usage.dotted_string) for usage in usages)
