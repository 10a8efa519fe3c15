"""One action: what core banking or a person is asked to do, its id, its order, and its status.

What does not belong here: when a row is due (`policy`), and the sentences of reasons (`reasons`).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from konkurs_pipeline.domain.matching import MatchedVia
from konkurs_pipeline.domain.notices import Notice

# The namespace of action ids. Changing it would make every decision look new: never change it.
_ACTION_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "konkurs-actions/1")


# A decision computes each id several times. The cache holds as many as a large bank has in ten years.
@lru_cache(maxsize=100_000)
def _id_of(name: str) -> str:
    return str(uuid.uuid5(_ACTION_NAMESPACE, name))


class ActionKind(StrEnum):
    """What core banking or a person is asked to do, in the order to do it within one notice."""

    REOPEN = "REOPEN"
    BLOCK = "BLOCK"
    REVIEW = "REVIEW"
    INFORM = "INFORM"


_RANK: Final = {kind: rank for rank, kind in enumerate(ActionKind)}


class ActionStatus(StrEnum):
    """How far an action has come, from decision to core banking's receipt."""

    HELD = "held"
    EXPORTED = "exported"
    APPLIED = "applied"
    ALREADY_APPLIED = "already_applied"
    REJECTED = "rejected"
    VOID = "void"


NEVER_WRITTEN: Final = frozenset({ActionStatus.HELD, ActionStatus.VOID})


@dataclass(frozen=True, slots=True)
class Action:
    """One row for core banking. `account_no` null: the customer as a whole.

    `was_blocked`: what the register said about the account when a BLOCK was decided; null: nothing.
    """

    kind: ActionKind
    customer_ref: str
    account_no: str | None
    notice: Notice
    matched_via: MatchedVia
    reason: str
    caused_by: str | None = None
    was_blocked: bool | None = None

    @property
    def action_id(self) -> str:
        """The id, the same for the same decision in every run, replay and backfill."""
        parts = (self.notice.uuid, self.customer_ref, self.account_no or "*", self.kind)
        return _id_of("|".join(parts))

    @property
    def order(self) -> tuple[object, ...]:
        """The order to carry actions out in: by notice, then kind, customer and account."""
        return (*self.notice.order, _RANK[self.kind], self.customer_ref, self.account_no or "")


@dataclass(frozen=True, slots=True)
class Issued:
    """A BLOCK, REOPEN or REVIEW that the ledger knows. `seq`: its outbox file; 0: none."""

    action_id: str
    kind: ActionKind
    notice_uuid: str
    customer_ref: str
    account_no: str | None
    matched_via: MatchedVia
    status: ActionStatus
    was_blocked: bool | None = None
    caused_by: str | None = None
    seq: int = 0

    @property
    def is_written(self) -> bool:
        """Whether it is in an outbox file."""
        return self.status not in NEVER_WRITTEN
