"""The rules that allow or reject a trustee's request for account information (kontrollinformasjon).

Source: docs/domain.md § 9, DSOP's recommended checks. What does not belong here: reading a
request from JSON, finding the party's bankruptcies, and recording the answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote, unquote_plus

from konkurs_pipeline.domain.estates import Estate, EstateState

BRREG: Final = "974760673"
MANDATE: Final = "kkl. §156 (3) og (4), jf. kkfor.§21"


class Decision(StrEnum):
    """The answer to a request."""

    ALLOW = "allow"
    REJECT = "reject"


class RejectReason(StrEnum):
    """Why a request is rejected. The answer gives all reasons that apply, in this order."""

    NOT_UP_TO_DATE = "not_up_to_date"
    REQUESTER_NOT_ALLOWED = "requester_not_allowed"
    PARTY_ID_INVALID = "party_id_invalid"
    NO_BANKRUPTCY = "no_bankruptcy"
    RULING_DATE_UNKNOWN = "ruling_date_unknown"
    FROM_DATE_TOO_EARLY = "from_date_too_early"
    FROM_DATE_AFTER_TO_DATE = "from_date_after_to_date"
    TO_DATE_IN_FUTURE = "to_date_in_future"
    NOT_ONLY_PRIMARY_OWNER = "not_only_primary_owner"
    LEGAL_MANDATE_WRONG = "legal_mandate_wrong"


@dataclass(frozen=True)
class AskedFor:
    """The parts of a request that the rules use. Dates are Norwegian calendar dates."""

    requester_orgnr: str
    is_party_id_valid: bool
    from_date: dt.date
    to_date: dt.date
    only_primary_owner: bool
    legal_mandate: str


@dataclass(frozen=True)
class Known:
    """What the bank knows: the party's estates, Oslo's date, and whether the service was read recently enough."""

    estates: Sequence[Estate]
    oslo_date: dt.date
    is_up_to_date: bool


def estate_asked_about(estates: Sequence[Estate]) -> Estate | None:
    """Return the open estate with the earliest ruling date, else the latest that was not deleted; null: there is none."""
    standing = [estate for estate in estates if estate.state is not EstateState.DELETED]
    still_open = [estate for estate in standing if estate.state is EstateState.OPEN]
    if still_open:
        return min(still_open, key=lambda estate: (estate.opening.ruling_date or dt.date.max, estate.opening.order))
    return max(standing, key=lambda estate: estate.opening.order, default=None)


def earliest_from_date(estates: Sequence[Estate]) -> dt.date | None:
    """Return twelve months before the ruling date of the estate asked about; null if there is no such date."""
    estate = estate_asked_about(estates)
    day = estate.opening.ruling_date if estate else None
    if day is None:
        return None
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if is_leap_day else day.day)


def reject_reasons(request: AskedFor, known: Known) -> list[RejectReason]:
    """Return every reason to reject the request; none: it is allowed."""
    estate = estate_asked_about(known.estates)
    earliest = earliest_from_date(known.estates)
    holds = {
        RejectReason.NOT_UP_TO_DATE: not known.is_up_to_date,
        RejectReason.REQUESTER_NOT_ALLOWED: request.requester_orgnr != BRREG,
        RejectReason.PARTY_ID_INVALID: estate is None and not request.is_party_id_valid,
        RejectReason.NO_BANKRUPTCY: estate is None,
        RejectReason.RULING_DATE_UNKNOWN: estate is not None and earliest is None,
        RejectReason.FROM_DATE_TOO_EARLY: earliest is not None and request.from_date < earliest,
        RejectReason.FROM_DATE_AFTER_TO_DATE: request.from_date > request.to_date,
        RejectReason.TO_DATE_IN_FUTURE: request.to_date > known.oslo_date,
        RejectReason.NOT_ONLY_PRIMARY_OWNER: not request.only_primary_owner,
        RejectReason.LEGAL_MANDATE_WRONG: MANDATE not in _spellings(request.legal_mandate),
    }
    return [reason for reason, is_so in holds.items() if is_so]


def _spellings(mandate: str) -> tuple[str, ...]:
    """Return a mandate as it is and URL-decoded: a space may be written as %20 or, by a form's encoder (Java), as a plus."""
    return mandate, unquote(mandate), unquote_plus(mandate)
