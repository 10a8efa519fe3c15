"""What a run does with the actions that are asked for: write, hold, or make void. Pure.

Drop the actions already written. The first `max_blocks` new BLOCKs go out; the rest is held for a person's release.
What does not belong here: which actions are asked for (domain/actions/policy).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from konkurs_pipeline.domain.actions.rows import Action, ActionKind
from konkurs_pipeline.domain.estates import EstateState

_NOT_ASKED_FOR: Final = "no_longer_asked_for"


@dataclass(frozen=True, slots=True)
class HeldBlock:
    """A BLOCK that waits for a release, or that is released and goes out with the next run."""

    action_id: str
    opening_uuid: str
    is_released: bool = False


@dataclass(frozen=True)
class Settlement:
    """The actions of a run, in order: `write` goes out, `hold` waits for a release. `void`: held action id → reason."""

    write: tuple[Action, ...]
    hold: tuple[Action, ...]
    void: Mapping[str, str]


def settle(
    asked: Sequence[Action],
    *,
    written: Collection[str],
    held: Collection[HeldBlock],
    states: Mapping[str, EstateState],
    max_blocks: int,
) -> Settlement:
    """Return which of the actions asked for to write, to hold and to make void.

    `written`: the ids that are in the outbox. `states`: opening uuid → state, for the reason of a void row. A held row
    waits until it is released; then it goes out beyond `max_blocks`. A held row that is no longer asked for is void; its
    release ends with it. REOPEN, REVIEW and INFORM are never held.
    """
    is_released = {row.action_id: row.is_released for row in held}
    new = [action for action in asked if action.action_id not in written]
    new_blocks = [a for a in new if a.kind is ActionKind.BLOCK and a.action_id not in is_released]
    over_limit = {action.action_id for action in new_blocks[max_blocks:]}
    waiting = over_limit | {action_id for action_id, released in is_released.items() if not released}
    asked_ids = {action.action_id for action in asked}
    return Settlement(
        write=tuple(action for action in new if action.action_id not in waiting),
        hold=tuple(action for action in new_blocks if action.action_id in over_limit),
        void={r.action_id: _why_void(states.get(r.opening_uuid)) for r in held if r.action_id not in asked_ids},
    )


def _why_void(state: EstateState | None) -> str:
    return _NOT_ASKED_FOR if state in (None, EstateState.OPEN) else f"estate_{state}"
