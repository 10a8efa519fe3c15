"""The certificate's files in whole polls: damaged, old, readable by others, or replaced while the schedule runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from konkurs_pipeline.cli.running import run_command
from konkurs_pipeline.errors import AccessRefusedError, CertificateError
from tests.brreg.hostile_server import PASSWORD, Authority, HostileServer
from tests.pipeline.kit import MONDAY, TUESDAY, Bank
from tests.service.certificates import p12_bytes, server_context
from tests.service.conftest import BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON
from tests.service.expectations import Fails, expect_all_made_good, expect_failure
from tests.service.one_notice import answers_for

OPENSSL: Final = shutil.which("openssl")
NEW_PASSWORD: Final = b"et nytt passord"


def p12_of(bank: Bank) -> Path:
    return Path(bank.extra["KONKURS_CLIENT_P12"])


def password_of(bank: Bank) -> Path:
    return Path(bank.extra["KONKURS_CLIENT_P12_PASSWORD_FILE"])


DAMAGES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "half of it": lambda whole: whole[: len(whole) // 2],
    "its last byte missing": lambda whole: whole[:-1],
    "nothing": lambda _: b"",
    "garbage": lambda whole: bytes(reversed(whole)),
    "a PEM file": lambda _: b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_fails_the_poll_with_a_named_error_before_any_request_and_a_good_one_repairs_it(
    bank: Bank, damage: Callable[[bytes], bytes]
) -> None:
    whole = p12_of(bank).read_bytes()
    p12_of(bank).write_bytes(damage(whole))
    expect_failure(
        bank, Fails(CertificateError, f"KONKURS_CLIENT_P12 {p12_of(bank)}: the password is wrong, or the file")
    )
    assert not bank.service.requests
    p12_of(bank).write_bytes(whole)
    expect_all_made_good(bank)


def test_a_wrong_password_fails_the_poll_with_a_named_error_and_is_not_quoted(bank: Bank) -> None:
    password_of(bank).write_bytes(b"feil-passord")
    expect_failure(bank, Fails(CertificateError, "Check KONKURS_CLIENT_P12_PASSWORD_FILE"))
    assert not bank.published("polls")["detail"].str.contains("feil-passord").any()
    password_of(bank).unlink()
    expect_failure(bank, Fails(CertificateError, "KONKURS_CLIENT_P12_PASSWORD_FILE"))
    password_of(bank).write_bytes(PASSWORD)
    expect_all_made_good(bank)


def in_3des(authority: Authority, _folder: Path) -> bytes:
    """Return a file in the old default cipher of other programs."""
    old = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2048)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())  # noqa: S303 -- the old file has it
        .build(PASSWORD)
    )
    return p12_bytes(authority, encryption=old)


def in_40_bit_rc2(authority: Authority, folder: Path) -> bytes:
    """Return a file as Windows exports it, with the certificates in RC2 of 40 bits."""
    legacy = ["list", "-providers", "-provider", "legacy"]
    if OPENSSL is None or subprocess.run([OPENSSL, *legacy], check=False, capture_output=True).returncode:  # noqa: S603
        pytest.skip("making such a file takes the openssl command with its legacy provider")
    whole = folder / "whole.p12"
    whole.write_bytes(p12_bytes(authority))
    pem, old, secret = folder / "pem", folder / "old.p12", f"pass:{PASSWORD.decode()}"
    for step in (
        ["-in", str(whole), "-passin", secret, "-nodes", "-out", str(pem)],
        ["-export", "-legacy", "-in", str(pem), "-passout", secret, "-out", str(old)],
    ):
        subprocess.run([OPENSSL, "pkcs12", *step], check=True, capture_output=True)  # noqa: S603 -- found on PATH
    return old.read_bytes()


OLD_CIPHERS = [
    pytest.param(in_3des, b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x03", id="3DES with SHA-1"),
    pytest.param(in_40_bit_rc2, b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x06", id="RC2 of 40 bits with SHA-1"),
]


@pytest.mark.parametrize(("make", "cipher"), OLD_CIPHERS)
def test_a_file_in_old_ciphers_works(
    bank: Bank, authority: Authority, tmp_path: Path, make: Callable[[Authority, Path], bytes], cipher: bytes
) -> None:
    old = make(authority, tmp_path)
    assert cipher in old, "the file names its cipher"
    p12_of(bank).write_bytes(old)
    assert sorted(bank.poll(MONDAY).decided()) == [BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON]


def test_if_the_system_refuses_old_ciphers_the_error_names_the_cure(authority: Authority, tmp_path: Path) -> None:
    old = tmp_path / "windows.p12"
    old.write_bytes(in_40_bit_rc2(authority, tmp_path))
    program = (
        "import sys, pathlib\n"
        "from konkurs_pipeline.brreg.certificate import read_client_certificate\n"
        "from konkurs_pipeline.errors import CertificateError\n"
        "try: read_client_certificate(pathlib.Path(sys.argv[1]), sys.argv[2])\n"
        "except CertificateError as error: print(error)\n"
    )
    done = subprocess.run(  # noqa: S603 -- this interpreter
        [sys.executable, "-c", program, str(old), PASSWORD.decode()],
        env={**os.environ, "CRYPTOGRAPHY_OPENSSL_NO_LEGACY": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "old ciphers (RC2 or 3DES), which this system may refuse; choose AES-256" in done.stdout


@pytest.mark.parametrize("which", ["KONKURS_CLIENT_P12", "KONKURS_CLIENT_P12_PASSWORD_FILE"])
def test_the_doctor_warns_of_a_file_that_others_may_read(
    bank: Bank, which: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "file rights" not in doctor(bank, monkeypatch, capsys)
    Path(bank.extra[which]).chmod(0o640)
    printed = doctor(bank, monkeypatch, capsys)
    assert f"warning  file rights  {bank.extra[which]} can be read by others: chmod 600 {bank.extra[which]}" in printed
    assert printed.count("file rights") == 1


def doctor(bank: Bank, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Run `konkurs doctor` with the bank's settings."""
    with monkeypatch.context() as patched:
        for name, value in {**bank.extra, "KONKURS_DATA_DIR": str(bank.folder)}.items():
            patched.setenv(name, value)
        patched.chdir(bank.folder)
        run_command(["doctor"])
    return capsys.readouterr().out


def test_the_next_poll_of_the_same_process_uses_a_replaced_certificate(
    bank: Bank, authority: Authority, other_authority: Authority
) -> None:
    """The service now accepts only the new certificate. A rename replaces file and password, as a careful person does."""
    tls = server_context(authority, clients=other_authority.bundle)
    with HostileServer(answers_for(bank.notices[0]), tls=tls) as server:
        bank.extra["KONKURS_API_URL"] = server.url
        expect_failure(bank, Fails(AccessRefusedError, "the service refused our client certificate"))
        replaced(password_of(bank), NEW_PASSWORD)
        replaced(p12_of(bank), p12_bytes(other_authority, password=NEW_PASSWORD))
        expect_all_made_good(bank)


def replaced(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def test_a_poll_between_the_new_file_and_its_password_fails_with_a_named_error_and_the_next_repairs_it(
    bank: Bank, authority: Authority
) -> None:
    replaced(p12_of(bank), p12_bytes(authority, password=NEW_PASSWORD))
    expect_failure(bank, Fails(CertificateError, "Check KONKURS_CLIENT_P12_PASSWORD_FILE"))
    replaced(password_of(bank), NEW_PASSWORD)
    expect_all_made_good(bank)


def test_a_certificate_replaced_during_a_poll_does_no_harm(bank: Bank, authority: Authority) -> None:
    def replace_both() -> None:
        replaced(password_of(bank), NEW_PASSWORD)
        replaced(p12_of(bank), p12_bytes(authority, password=NEW_PASSWORD))

    polled = bank.poll(MONDAY, before={"expanded datasets": replace_both})
    assert sorted(polled.decided()) == [BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON]


def test_after_a_certificate_is_damaged_during_a_poll_nothing_is_decided_and_the_next_poll_repairs_it(
    bank: Bank,
) -> None:
    whole = p12_of(bank).read_bytes()
    shown = bank.shown()

    def damage() -> None:
        p12_of(bank).write_bytes(b"")

    assert isinstance(bank.try_poll(MONDAY, before={"expanded datasets": damage}), CertificateError)
    assert bank.shown() == shown
    assert bank.published("actions").is_empty()
    p12_of(bank).write_bytes(whole)
    assert sorted(bank.poll(TUESDAY).decided()) == [BLOCK_OF_THE_FIRM, BLOCK_OF_THE_PERSON]
