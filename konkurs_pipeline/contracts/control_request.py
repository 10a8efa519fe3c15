"""A trustee's request for account information, and the answer. Source: INTERFACES § 12, DOMAIN § 9."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ControlRequest(BaseModel):
    """What `konkurs control-request --json` reads on stdin."""

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
    """What it answers on stdout."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: Literal["allow", "reject"] = Field(description="whether the bank may answer the request")
    reasons: tuple[str, ...] = Field(description="every reason for a rejection, as codes; empty: allowed")
    opening_uuid: str | None = Field(description="the notice that opened the bankruptcy; null: none is known")
    ruling_date: dt.date | None = Field(description="its kjennelsesdato")
    earliest_from_date: dt.date | None = Field(description="12 months before it")
    known_up_to: dt.datetime | None = Field(description="the last good poll")
    request_id: str = Field(description="under which the request was recorded")
