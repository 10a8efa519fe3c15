"""A trustee's request for account information, and the answer. Source: docs/domain.md § 9."""

from __future__ import annotations

import datetime as dt
import json

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from konkurs_pipeline.domain.control_requests import Decision, RejectReason
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.json_strict import parse_strictly


class ControlRequest(BaseModel):
    """The request that `konkurs control-request --json` reads on stdin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requester_orgnr: str = Field(description="who asks: Brønnøysundregistrene is 974760673")
    party_id: str = Field(description="orgnr, fødselsnummer or D-nummer of the party asked about")
    from_date: dt.date = Field(description="the first day of the account history asked for")
    to_date: dt.date = Field(description="the last day")
    only_primary_owner: bool = Field(description="onlyPrimaryOwner of the request")
    legal_mandate: str = Field(description="Legal-Mandate of the request, plain or URL-encoded")
    correlation_id: str = Field(description="CorrelationID of the request")
    account_info_request_id: str = Field(description="AccountInfoRequestID of the request")
    scope: str = Field(description="which of the account information services is asked")


class ControlAnswer(BaseModel):
    """The answer on stdout."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: Decision = Field(description="whether the bank may answer the request")
    reasons: tuple[RejectReason, ...] = Field(description="every reason for a rejection, as codes; empty: allowed")
    opening_uuid: str | None = Field(description="the notice that opened the bankruptcy; null: none is known")
    ruling_date: dt.date | None = Field(description="its kjennelsesdato")
    earliest_from_date: dt.date | None = Field(description="12 months before it")
    known_up_to: dt.datetime | None = Field(description="the last good poll")
    request_id: str = Field(description="under which the request was recorded")


def parse_control_request(body: bytes) -> ControlRequest:
    """Return the request in a JSON text. Raises `UsageError`, naming the fields and never their values."""
    try:
        return ControlRequest.model_validate_json(json.dumps(parse_strictly(body)), strict=True)
    except ValidationError as error:
        wrong = "; ".join(f"{_place(one['loc'])}: {one['msg']}" for one in error.errors(include_input=False))
        message = f"the request cannot be read: {wrong}. Expected: {', '.join(ControlRequest.model_fields)}"
    except ValueError as error:
        message = f"the request cannot be read as JSON ({error}): send one object in UTF-8"
    raise UsageError(message)


def _place(location: tuple[int | str, ...]) -> str:
    # An unknown name may be an identifier in the wrong place.
    return ".".join(str(part) if part in ControlRequest.model_fields else "(a name not known)" for part in location)
