"""Answers a trustee's request from what the bank knows of the party, and makes the row that records both."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Final

from konkurs_pipeline.contracts.control_request import ControlAnswer, ControlRequest
from konkurs_pipeline.domain.control_requests import (
    AskedFor,
    Decision,
    Known,
    RejectReason,
    earliest_from_date,
    estate_asked_about,
    reject_reasons,
)
from konkurs_pipeline.domain.estates import Estate
from konkurs_pipeline.domain.foreign_text import without_controls
from konkurs_pipeline.domain.identifiers import IdKind, identify, typed_number
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.enquiries.party.lookup import known_up_to, party_estates
from konkurs_pipeline.enquiries.watch import longest_without_poll
from konkurs_pipeline.redaction import MASK, redact
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.published import Published

_LONGEST_TEXT: Final = 200


def answer_request(settings: Settings, layout: Layout, request: ControlRequest, now: dt.datetime) -> ControlAnswer:
    """Return the answer to a request at `now`."""
    number = typed_number(request.party_id)
    estates = party_estates(layout, number, now).estates if number else []
    kind = identify(number or "", synthetic_allowed=settings.synthetic_allowed)
    read_up_to = known_up_to(Published(layout), now)
    known = Known(
        estates=estates,
        oslo_date=now.astimezone(OSLO).date(),
        is_up_to_date=read_up_to is not None and now - read_up_to <= longest_without_poll(now, settings.calendar),
    )
    asked_for = AskedFor(
        requester_orgnr=typed_number(request.requester_orgnr) or "",
        is_party_id_valid=kind is not IdKind.UNKNOWN,
        from_date=request.from_date,
        to_date=request.to_date,
        only_primary_owner=request.only_primary_owner,
        legal_mandate=request.legal_mandate,
    )
    return _answer(estates, reject_reasons(asked_for, known), read_up_to)


def _answer(estates: list[Estate], reasons: list[RejectReason], read_up_to: dt.datetime | None) -> ControlAnswer:
    estate = estate_asked_about(estates)
    return ControlAnswer(
        decision=Decision.REJECT if reasons else Decision.ALLOW,
        reasons=tuple(reasons),
        opening_uuid=estate.opening.uuid if estate else None,
        ruling_date=estate.opening.ruling_date if estate else None,
        earliest_from_date=earliest_from_date(estates),
        known_up_to=read_up_to,
        request_id=str(uuid.uuid4()),
    )


def row_of(request: ControlRequest, answer: ControlAnswer, now: dt.datetime) -> dict[str, Any]:
    """Return the row of `control_requests`: the request and the answer, without the party's number."""
    return {
        "request_id": answer.request_id,
        "received_at": now,
        "requester_orgnr": _kept(request.requester_orgnr, request.party_id, keep=typed_number(request.requester_orgnr)),
        "opening_uuid": answer.opening_uuid,
        "from_date": request.from_date,
        "to_date": request.to_date,
        "only_primary_owner": request.only_primary_owner,
        "legal_mandate": _kept(request.legal_mandate, request.party_id),
        "correlation_id": _kept(request.correlation_id, request.party_id),
        "account_info_request_id": _kept(request.account_info_request_id, request.party_id),
        "scope": _kept(request.scope, request.party_id),
        "decision": answer.decision.value,
        "reasons": ",".join(answer.reasons),
        "ruling_date": answer.ruling_date,
        "earliest_from_date": answer.earliest_from_date,
        "known_up_to": answer.known_up_to,
    }


def _kept(text: str, party_id: str, *, keep: str | None = None) -> str:
    """Return the requester's text with the party's number masked wherever it stands; `keep`: a company's own number."""
    if keep is not None and len(keep) == len("974760673") and keep != typed_number(party_id):
        return keep
    hidden = text.replace(party_id, MASK) if party_id.strip() else text
    return redact(without_controls(hidden))[:_LONGEST_TEXT]
