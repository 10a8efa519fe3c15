"""Which requests of a trustee are allowed (docs/domain.md § 9). Each rule alone can reject, and every reason is named."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.domain.control_requests import (
    BRREG,
    MANDATE,
    AskedFor,
    Known,
    RejectReason,
    earliest_from_date,
    estate_asked_about,
    reject_reasons,
)
from konkurs_pipeline.domain.estates import Estate, EstateState
from konkurs_pipeline.domain.notices import Notice

RULED = dt.date(2024, 5, 21)
ENCODED = "kkl.%20%C2%A7156%20%283%29%20og%20%284%29%2C%20jf.%20kkfor.%C2%A721"


def estate(state: EstateState = EstateState.OPEN, ruled: dt.date | None = RULED, uuid: str = "a") -> Estate:
    at = dt.datetime(2024, 5, 21, 10, tzinfo=dt.UTC)
    return Estate(Notice(uuid, "aapning", at, "", ruled, "910425463"), state)


KNOWN = Known(estates=[estate()], oslo_date=dt.date(2024, 6, 3), is_up_to_date=True)
GOOD = AskedFor(
    requester_orgnr=BRREG,
    is_party_id_valid=True,
    from_date=dt.date(2023, 5, 21),
    to_date=dt.date(2024, 6, 3),
    only_primary_owner=True,
    legal_mandate=MANDATE,
)


def test_a_request_that_keeps_to_every_rule_is_allowed() -> None:
    assert reject_reasons(GOOD, KNOWN) == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"requester_orgnr": "910425463"}, RejectReason.REQUESTER_NOT_ALLOWED),
        ({"from_date": dt.date(2023, 5, 20)}, RejectReason.FROM_DATE_TOO_EARLY),
        ({"to_date": dt.date(2024, 6, 4)}, RejectReason.TO_DATE_IN_FUTURE),
        ({"only_primary_owner": False}, RejectReason.NOT_ONLY_PRIMARY_OWNER),
        ({"legal_mandate": MANDATE + "."}, RejectReason.LEGAL_MANDATE_WRONG),
        ({"legal_mandate": ""}, RejectReason.LEGAL_MANDATE_WRONG),
        ({"from_date": dt.date(2024, 6, 1), "to_date": dt.date(2024, 5, 30)}, RejectReason.FROM_DATE_AFTER_TO_DATE),
    ],
)
def test_each_rule_alone_rejects(changed: dict[str, object], reason: RejectReason) -> None:
    assert reject_reasons(replace(GOOD, **changed), KNOWN) == [reason]  # type: ignore[arg-type]


@pytest.mark.parametrize("mandate", [MANDATE, ENCODED, ENCODED.lower(), MANDATE.replace(" ", "%20")])
def test_the_mandate_is_taken_plain_or_url_encoded(mandate: str) -> None:
    assert reject_reasons(replace(GOOD, legal_mandate=mandate), KNOWN) == []


@pytest.mark.parametrize("state", [EstateState.OPEN, EstateState.REVOKED, EstateState.CLOSED])
def test_a_bankruptcy_that_was_not_deleted_allows_the_request(state: EstateState) -> None:
    assert reject_reasons(GOOD, replace(KNOWN, estates=[estate(state)])) == []


def test_a_deleted_bankruptcy_rejects_the_request() -> None:
    known = replace(KNOWN, estates=[estate(EstateState.DELETED)])
    assert reject_reasons(GOOD, known) == [RejectReason.NO_BANKRUPTCY]
    assert reject_reasons(replace(GOOD, is_party_id_valid=False), known) == [
        RejectReason.PARTY_ID_INVALID,
        RejectReason.NO_BANKRUPTCY,
    ]


def test_an_unknown_ruling_date_rejects_the_request() -> None:
    known = replace(KNOWN, estates=[estate(ruled=None)])
    assert reject_reasons(GOOD, known) == [RejectReason.RULING_DATE_UNKNOWN]


def test_a_bank_that_has_not_read_the_service_rejects_every_request() -> None:
    assert reject_reasons(GOOD, replace(KNOWN, is_up_to_date=False)) == [RejectReason.NOT_UP_TO_DATE]


def test_every_reason_is_given() -> None:
    asked = AskedFor("x", False, dt.date(2020, 1, 1), dt.date(2030, 1, 1), False, "x")  # noqa: FBT003 -- in order
    assert len(reject_reasons(asked, replace(KNOWN, is_up_to_date=False))) == 6


def test_an_open_bankruptcy_goes_before_one_that_ended() -> None:
    ended, standing = estate(EstateState.CLOSED, dt.date(2025, 1, 2), "b"), estate(ruled=dt.date(2024, 2, 29))
    assert estate_asked_about([ended, standing]) == standing
    assert earliest_from_date([ended, standing]) == dt.date(2023, 2, 28)


@given(ruled=st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)), days=st.integers(0, 800))
def test_the_first_day_is_twelve_months_before_the_ruling_and_no_day_earlier(ruled: dt.date, days: int) -> None:
    known = replace(KNOWN, estates=[estate(ruled=ruled)], oslo_date=dt.date(2200, 1, 1))
    earliest = earliest_from_date(known.estates)
    assert earliest is not None
    assert 365 <= (ruled - earliest).days <= 366
    asked = replace(GOOD, from_date=ruled - dt.timedelta(days=days), to_date=ruled + dt.timedelta(days=1))
    assert (reject_reasons(asked, known) == []) is (asked.from_date >= earliest)
