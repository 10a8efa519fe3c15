"""What a run does with the actions that the state asks for: write, hold, release, void."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.domain.actions.reasons import Reason
from konkurs_pipeline.domain.actions.rows import Action, ActionKind
from konkurs_pipeline.domain.actions.settlement import HeldBlock, Settlement, settle
from konkurs_pipeline.domain.estates import EstateState
from konkurs_pipeline.domain.matching import MatchedVia
from tests.domain.invented import aapning

OPENING = aapning("a", 0)


def action(number: int, kind: ActionKind = ActionKind.BLOCK) -> Action:
    return Action(kind, f"C{number:02}", None, OPENING, MatchedVia.DEBTOR, Reason.ESTATE_OPEN)


BLOCKS = [action(n) for n in range(6)]


def settled(  # noqa: PLR0913 -- each is one thing the ledger knows, by name
    asked: Sequence[Action],
    *,
    written: Sequence[Action] = (),
    held: Sequence[Action] = (),
    released: Sequence[Action] = (),
    state: EstateState | None = EstateState.OPEN,
    max_blocks: int = 50,
) -> Settlement:
    waiting = [HeldBlock(a.action_id, OPENING.uuid) for a in held]
    free = [HeldBlock(a.action_id, OPENING.uuid, is_released=True) for a in released]
    return settle(
        asked,
        written=[a.action_id for a in written],
        held=[*waiting, *free],
        states={OPENING.uuid: state} if state else {},
        max_blocks=max_blocks,
    )


@pytest.mark.parametrize(
    ("max_blocks", "n_written"),
    [(0, 0), (1, 1), (5, 5), (6, 6), (7, 6)],
    ids=["none", "one", "all_but_one", "all", "room"],
)
def test_the_first_blocks_up_to_the_limit_are_written_and_the_rest_is_held(max_blocks: int, n_written: int) -> None:
    done = settled(BLOCKS, max_blocks=max_blocks)

    assert done == Settlement(tuple(BLOCKS[:n_written]), tuple(BLOCKS[n_written:]), {})


@pytest.mark.parametrize("kind", [ActionKind.REOPEN, ActionKind.REVIEW, ActionKind.INFORM])
def test_nothing_but_a_block_is_ever_held(kind: ActionKind) -> None:
    asked = [action(n, kind) for n in range(6)]

    assert settled(asked, max_blocks=0) == Settlement(tuple(asked), (), {})


def test_only_blocks_count_towards_the_limit() -> None:
    asked = [action(0, ActionKind.REVIEW), BLOCKS[1], action(2, ActionKind.REOPEN), BLOCKS[3], BLOCKS[4]]

    done = settled(asked, max_blocks=2)

    assert (done.write, done.hold) == (tuple(asked[:4]), (BLOCKS[4],))


def test_a_written_row_is_not_written_again_and_does_not_count() -> None:
    done = settled(BLOCKS, written=BLOCKS[:4], max_blocks=1)

    assert done == Settlement((BLOCKS[4],), (BLOCKS[5],), {})


def test_a_held_row_waits_and_does_not_count() -> None:
    done = settled(BLOCKS[:4], held=BLOCKS[:2], max_blocks=2)

    assert done == Settlement(tuple(BLOCKS[2:4]), (), {})


def test_released_rows_are_all_written_beyond_the_limit() -> None:
    done = settled(BLOCKS, released=BLOCKS[:4], max_blocks=1)

    assert done == Settlement((*BLOCKS[:4], BLOCKS[4]), (BLOCKS[5],), {})


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        pytest.param(EstateState.DELETED, "estate_deleted", id="deleted"),
        pytest.param(EstateState.REVOKED, "estate_revoked", id="revoked"),
        pytest.param(EstateState.CLOSED, "estate_closed", id="closed"),
        pytest.param(EstateState.OPEN, "no_longer_asked_for", id="customer_or_account_gone"),
        pytest.param(None, "no_longer_asked_for", id="opening_gone"),
    ],
)
@pytest.mark.parametrize("is_released", [False, True], ids=["held", "released"])
def test_a_held_row_that_the_state_no_longer_asks_for_is_void_with_the_reason(
    state: EstateState | None, reason: str, *, is_released: bool
) -> None:
    waiting = [BLOCKS[0]]

    done = settled([], held=() if is_released else waiting, released=waiting if is_released else (), state=state)

    assert done == Settlement((), (), {BLOCKS[0].action_id: reason})


def test_a_void_row_that_the_state_asks_for_again_counts_as_new() -> None:
    """A void row is neither in `held` nor in `written`, so an estate that is open again is blocked again."""
    done = settled(BLOCKS[:2], max_blocks=1)

    assert done == Settlement((BLOCKS[0],), (BLOCKS[1],), {})


def test_without_actions_nothing_is_written_held_or_void() -> None:
    assert settled([]) == Settlement((), (), {})


@given(
    kinds=st.lists(st.sampled_from(list(ActionKind)), max_size=12),
    fates=st.lists(st.sampled_from(["new", "written", "held", "released"]), min_size=12, max_size=12),
    gone=st.lists(st.booleans(), min_size=12, max_size=12),
    max_blocks=st.integers(0, 6),
)
def test_every_row_has_one_fate(kinds: list[ActionKind], fates: list[str], gone: list[bool], max_blocks: int) -> None:
    every = [action(n, kind) for n, kind in enumerate(kinds)]
    # Only a BLOCK is ever held.
    fate_of = {
        a.action_id: "new" if a.kind is not ActionKind.BLOCK and fate in {"held", "released"} else fate
        for a, fate in zip(every, fates, strict=False)
    }
    asked = [a for a, is_gone in zip(every, gone, strict=False) if not is_gone]
    of = {name: [a for a in every if fate_of[a.action_id] == name] for name in ("new", "written", "held", "released")}

    done = settled(asked, written=of["written"], held=of["held"], released=of["released"], max_blocks=max_blocks)

    new_blocks = [a for a in asked if a in of["new"] and a.kind is ActionKind.BLOCK]
    assert done.hold == tuple(new_blocks[max_blocks:])
    out = [a for a in asked if a in of["new"] or a in of["released"]]
    assert done.write == tuple(a for a in out if a not in done.hold)
    assert set(done.void) == {a.action_id for a in (*of["held"], *of["released"]) if a not in asked}
