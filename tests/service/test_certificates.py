"""Wrong certificates on either side, in whole polls: a named error, no retry, and good certificates repair it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.errors import AccessRefusedError
from konkurs_pipeline.onboarding.doctor import Level, diagnose
from tests.brreg.hostile_server import Authority, HostileServer
from tests.pipeline.kit import Bank
from tests.service.certificates import GOOD, Wrong, p12_bytes, server_context
from tests.service.expectations import Fails, expect_all_made_good, expect_failure
from tests.service.one_notice import answers_for

VERSIONS = pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"]
)


Authorities = tuple[Authority, Authority]


@pytest.fixture
def authorities(authority: Authority, other_authority: Authority) -> Authorities:
    """Return the authority that both sides trust, and one that neither trusts."""
    return authority, other_authority


SERVER_FAULTS = [
    pytest.param(Wrong(days=(-30, -1)), "certificate has expired", id="expired"),
    pytest.param(Wrong(days=(1, 30)), "certificate is not yet valid", id="not yet valid"),
    pytest.param(Wrong(of_other_authority=True), "unable to get local issuer certificate", id="of another CA"),
    pytest.param(Wrong(host="192.0.2.1"), "IP address mismatch", id="for another host"),
    pytest.param(Wrong(with_chain=False), "unable to get local issuer certificate", id="without its chain"),
    pytest.param(Wrong(has_other_purpose=True), "unsuitable certificate purpose", id="for clients only"),
]


@pytest.mark.parametrize(("wrong", "says"), SERVER_FAULTS)
def test_a_service_with_a_wrong_certificate_gets_no_request(
    wrong: Wrong, says: str, bank: Bank, authorities: Authorities
) -> None:
    authority, other = authorities
    issuer = other if wrong.of_other_authority else authority
    tls = server_context(issuer, wrong, clients=authority.bundle)
    with HostileServer(answers_for(bank.notices[0]), tls=tls) as server:
        bank.extra["KONKURS_API_URL"] = server.url
        expect_failure(bank, Fails(AccessRefusedError, f"the service's certificate fails our check ({says}"))
        assert (server.connections, server.requests) == (1, [])


CLIENT_FAULTS = [
    pytest.param(Wrong(days=(-30, -1)), "expired", id="expired"),
    pytest.param(Wrong(days=(1, 30)), "", id="not yet valid"),
    pytest.param(Wrong(of_other_authority=True), "unknown ca", id="of another CA"),
    pytest.param(Wrong(with_chain=False), "unknown ca", id="without its chain"),
    pytest.param(Wrong(has_other_purpose=True), "", id="for servers only"),
    pytest.param(Wrong(signs_documents_only=True), "", id="for signing documents only"),
]


@VERSIONS
@pytest.mark.parametrize(("wrong", "says"), CLIENT_FAULTS)
def test_a_refused_client_certificate_is_not_retried_and_a_good_one_repairs_it(
    version: ssl.TLSVersion, wrong: Wrong, says: str, bank: Bank, authorities: Authorities
) -> None:
    """Under TLS 1.3 the refusal comes with the first read, after our own handshake."""
    authority, other = authorities
    issuer = other if wrong.of_other_authority else authority
    p12 = Path(bank.extra["KONKURS_CLIENT_P12"])
    tls = server_context(authority, clients=authority.bundle, version=version)
    with HostileServer(answers_for(bank.notices[0]), tls=tls) as server:
        bank.extra["KONKURS_API_URL"] = server.url
        p12.write_bytes(p12_bytes(issuer, wrong))
        expect_failure(bank, Fails(AccessRefusedError, "the service refused our client certificate"))
        row = bank.published("polls").sort("started_at").to_dicts()[-1]
        assert says in row["detail"]
        assert "konkurs doctor" in row["detail"]
        assert (server.connections, server.requests) == (1, [])
        p12.write_bytes(p12_bytes(authority, GOOD))
        expect_all_made_good(bank)


@pytest.mark.parametrize(
    ("wrong", "what", "level"),
    [
        pytest.param(Wrong(days=(-30, -1)), "certificate", Level.PROBLEM, id="expired"),
        pytest.param(Wrong(days=(-1, 30)), "certificate", Level.WARNING, id="expires soon"),
        pytest.param(Wrong(with_chain=False), "chain", Level.WARNING, id="without its chain"),
        pytest.param(Wrong(has_other_purpose=True), "key usage", Level.PROBLEM, id="for servers only"),
        pytest.param(Wrong(signs_documents_only=True), "key usage", Level.PROBLEM, id="for signing documents only"),
    ],
)
def test_the_doctor_names_what_is_wrong_with_our_certificate(
    bank: Bank, authority: Authority, wrong: Wrong, what: str, level: Level
) -> None:
    Path(bank.extra["KONKURS_CLIENT_P12"]).write_bytes(p12_bytes(authority, wrong))
    assert (what, level) in {(one.what, one.level) for one in diagnose(bank.settings, utc_now())}
