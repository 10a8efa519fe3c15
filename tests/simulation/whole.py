"""What would be decided if all debtors were decided on, beside what is decided on those in scope."""

from __future__ import annotations

from unittest.mock import patch

from konkurs_pipeline.domain.actions import decide_actions
from konkurs_pipeline.steps.actions import present_situation
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.handoff import decisions


def left_out_of_scope(poll: Poll) -> set[str]:
    """Return the ids of actions that are due now, and that a decision on the debtors in scope would leave out."""
    in_scope = _due(poll)
    with patch.object(decisions, "decided_from", return_value=None):
        return _due(poll) - in_scope


def _due(poll: Poll) -> set[str]:
    """Return the ids of what ought to be and was not written; what is held is due."""
    _, situation = present_situation(poll, poll.snapshot)
    ids = [action.action_id for action in decide_actions(situation)]
    return set(ids) - decisions.written_ids(poll.store.ledger, ids)
