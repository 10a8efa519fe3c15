"""Whether the bank's register confirms what core banking says it did. Pure. Source: docs/outbox.md.

A BLOCK holds if a register accepted later shows the account as blocked. A REOPEN holds if it shows the account as open.
What does not belong here: reading the register, and the alarms.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from konkurs_pipeline.domain.actions.rows import ActionKind, ActionStatus

_CARRIED_OUT: Final = frozenset({ActionStatus.APPLIED, ActionStatus.ALREADY_APPLIED})


@dataclass(frozen=True, slots=True)
class AskedOfAccount:
    """A BLOCK or REOPEN of one account that was written, and what core banking answered."""

    action_id: str
    kind: ActionKind
    customer_ref: str
    account_no: str
    notice_uuid: str
    status: ActionStatus
    confirmed_at: dt.datetime | None
    caused_by: str | None


@dataclass(frozen=True, slots=True)
class EnforcedAction:
    """What we asked of an account, and whether it holds. `holds` null: no evidence, or a later action replaced it."""

    asked: AskedOfAccount
    register_says_blocked: bool | None
    register_accepted_at: dt.datetime | None
    holds: bool | None


def enforcement_of(
    asked: Sequence[AskedOfAccount],
    says_blocked: Mapping[str, bool | None],
    accepted_at: dt.datetime | None,
) -> list[EnforcedAction]:
    """Return for each action whether it holds, in the order given.

    `says_blocked`: account number → what the register accepted at `accepted_at` says; null or absent: nothing.
    """
    lifted = {
        one.caused_by for one in asked if one.kind is ActionKind.REOPEN and one.status is not ActionStatus.REJECTED
    }
    standing = {
        one.account_no
        for one in asked
        if one.kind is ActionKind.BLOCK and one.status is not ActionStatus.REJECTED and one.action_id not in lifted
    }
    found = []
    for one in asked:
        is_blocked = says_blocked.get(one.account_no)
        is_asked_still = (
            one.account_no not in standing if one.kind is ActionKind.REOPEN else one.action_id not in lifted
        )
        has_evidence = is_blocked is not None and _is_later(accepted_at, one)
        holds = bool(is_blocked) is (one.kind is ActionKind.BLOCK)
        found.append(EnforcedAction(one, is_blocked, accepted_at, holds if is_asked_still and has_evidence else None))
    return found


def _is_later(accepted_at: dt.datetime | None, one: AskedOfAccount) -> bool:
    """Whether the register was accepted after core banking carried the action out."""
    is_done = one.status in _CARRIED_OUT and one.confirmed_at is not None
    return is_done and accepted_at is not None and one.confirmed_at is not None and accepted_at > one.confirmed_at
