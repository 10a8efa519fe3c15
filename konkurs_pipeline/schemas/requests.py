"""The journal of trustees' requests for account information (kontrollinformasjon). It grows without the ledger."""

from __future__ import annotations

import datetime as dt

from konkurs_pipeline.domain.control_requests import Decision
from konkurs_pipeline.schemas.table import UUID, Instant, Privacy, Table, column, optional


class ControlRequests(Table):
    """Every request that a trustee made, and the answer. One row per request (request_id). No number of the party.

    Source: `konkurs control-request`. What the requester wrote stands here with numbers of the form of an identifier masked.
    """

    request_id: str = column("our id of the request", unique=True, str_matches=UUID)
    received_at: Instant = column("when it was answered")
    requester_orgnr: str = column("who asked, as the request says", privacy=Privacy.TEXT)
    opening_uuid: str = optional(
        "the party: the notice that opened its bankruptcy; null: no bankruptcy is known", str_matches=UUID
    )
    from_date: dt.date = column("first day asked for")
    to_date: dt.date = column("last day asked for")
    only_primary_owner: bool = column("onlyPrimaryOwner of the request")
    legal_mandate: str = column("Legal-Mandate of the request", privacy=Privacy.TEXT)
    correlation_id: str = column("CorrelationID of the request", privacy=Privacy.TEXT)
    account_info_request_id: str = column("AccountInfoRequestID of the request", privacy=Privacy.TEXT)
    scope: str = column("what was asked for", privacy=Privacy.TEXT)
    decision: str = column("allow or reject", isin=[decision.value for decision in Decision])
    reasons: str = column("why it was rejected: codes, comma separated; empty: allowed", privacy=Privacy.NONE)
    ruling_date: dt.date = optional("kjennelsesdato of the bankruptcy; null: none is known")
    earliest_from_date: dt.date = optional("12 months before it; null as above")
    known_up_to: Instant = optional("the last good poll when it was answered; null: there was none")
