"""A bank in memory for tests of the policy: notices about the customer C1, its account, and the ledger's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from konkurs_pipeline.brreg.simulator.population import random_account_no
from konkurs_pipeline.domain.actions.policy import decide_actions
from konkurs_pipeline.domain.actions.reasons import Reason
from konkurs_pipeline.domain.actions.rows import Action, ActionKind, ActionStatus, Issued
from konkurs_pipeline.domain.actions.situation import Account, Situation
from konkurs_pipeline.domain.estates import fold_estates
from konkurs_pipeline.domain.matching import Doubt, Match, MatchedVia
from konkurs_pipeline.domain.notices import Notice
from tests.domain.invented import issued_as

ACCOUNT, SECOND_ACCOUNT = (random_account_no(Random(n)) for n in (1, 2))  # noqa: S311 -- invented, no secret
OWNED: Final[Mapping[str, Sequence[Account]]] = {
    "C1": [Account(ACCOUNT, "owner")],
    "C2": [Account(SECOND_ACCOUNT, "owner")],
}

Row = tuple[str, str, str | None, str, str]


def matched(notice: Notice, ref: str = "C1", via: MatchedVia = MatchedVia.DEBTOR, doubt: Doubt | None = None) -> Match:
    return Match(notice.uuid, ref, via, doubt)


def situation(
    notices: Sequence[Notice],
    *,
    matches: Sequence[Match] | None = None,
    accounts: Mapping[str, Sequence[Account]] | None = OWNED,
    flaws: Mapping[str, str] | None = None,
    issued: Sequence[Issued] = (),
) -> Situation:
    """Return a situation. By default every notice is about the customer C1, who has one account."""
    if matches is None:
        matches = [matched(notice) for notice in notices]
    return Situation(fold_estates(notices), notices, matches, accounts, flaws or {}, issued)


def rows(situation: Situation) -> list[Row]:
    """Return the decided rows as (action, customer, account, notice, reason), in order."""
    return [
        (a.kind.value, a.customer_ref, a.account_no, a.notice.uuid, str(a.reason)) for a in decide_actions(situation)
    ]


def block_of(  # noqa: PLR0913 -- each is one thing the ledger knows, by name
    opening: Notice,
    ref: str = "C1",
    account_no: str | None = ACCOUNT,
    *,
    status: ActionStatus = ActionStatus.EXPORTED,
    was_blocked: bool | None = None,
    seq: int = 1,
) -> Issued:
    """Return the BLOCK that was written in file `seq` when `opening` stood."""
    via = MatchedVia.DEBTOR
    action = Action(ActionKind.BLOCK, ref, account_no, opening, via, Reason.ESTATE_OPEN, was_blocked=was_blocked)
    return issued_as(action, status, seq=seq)


def reopening_of(
    block: Issued, ending: Notice, *, status: ActionStatus = ActionStatus.EXPORTED, seq: int = 2
) -> Issued:
    """Return the REOPEN that was written in file `seq` when `ending` lifted `block`."""
    kind, ref, number = ActionKind.REOPEN, block.customer_ref, block.account_no
    action = Action(kind, ref, number, ending, MatchedVia.DEBTOR, Reason.OPENING_DELETED, caused_by=block.action_id)
    return issued_as(action, status, seq=seq)


def review_of(
    notice: Notice, ref: str = "C1", account_no: str | None = ACCOUNT, reason: str = Reason.CO_OWNED_ACCOUNT
) -> Issued:
    """Return the REVIEW that was written because of `notice`."""
    return issued_as(Action(ActionKind.REVIEW, ref, account_no, notice, MatchedVia.DEBTOR, reason))
