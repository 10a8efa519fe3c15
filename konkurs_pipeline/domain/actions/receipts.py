"""What core banking may answer about an action, and which of its answers counts. Pure.

What does not belong here: the bytes of a receipt (contracts/receipt) and the ledger (storage/handoff).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from konkurs_pipeline.domain.actions.rows import ActionStatus


class ReceiptOutcome(StrEnum):
    """The result of one version of a receipt. `READING`: a run noted it and has not finished reading it."""

    READING = "reading"
    TAKEN = "taken"
    SET_ASIDE = "set_aside"


class ActionAnswer(StrEnum):
    """What core banking says about one action."""

    APPLIED = "APPLIED"
    ALREADY_APPLIED = "ALREADY_APPLIED"
    REJECTED = "REJECTED"
    PENDING = "PENDING"


NEW_STATUS: Final[Mapping[ActionAnswer, ActionStatus]] = {
    ActionAnswer.APPLIED: ActionStatus.APPLIED,
    ActionAnswer.ALREADY_APPLIED: ActionStatus.ALREADY_APPLIED,
    ActionAnswer.REJECTED: ActionStatus.REJECTED,
}
# If core banking carried out an action, no later receipt changes that.
_OPEN_TO_CHANGE: Final = frozenset({ActionStatus.EXPORTED, ActionStatus.REJECTED})


class Answered(Protocol):
    """One action of a receipt."""

    @property
    def action_id(self) -> str:
        """The action."""

    @property
    def status(self) -> ActionAnswer:
        """What core banking says about it."""


AnsweredT = TypeVar("AnsweredT", bound=Answered)


def answers_that_count(answers: Iterable[AnsweredT], statuses: Mapping[str, str]) -> dict[str, AnsweredT]:
    """Return the answers that change or explain an action, by action_id; of several on one action the last counts.

    `statuses`: action_id → status of the file's actions. Answers on other actions are left out.
    """
    last = {answer.action_id: answer for answer in answers}
    return {action_id: answer for action_id, answer in last.items() if statuses.get(action_id) in _OPEN_TO_CHANGE}
