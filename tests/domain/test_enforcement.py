"""Whether the later register agrees with core banking's receipts (docs/outbox.md)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.domain.actions.enforcement import AskedOfAccount, enforcement_of
from konkurs_pipeline.domain.actions.rows import ActionKind, ActionStatus

DONE_AT: Final = dt.datetime(2018, 9, 3, 10, tzinfo=dt.UTC)
LATER: Final = DONE_AT + dt.timedelta(days=1)
BLOCK: Final = AskedOfAccount(
    "block", ActionKind.BLOCK, "K-1", "97100000000", "opening", ActionStatus.APPLIED, DONE_AT, caused_by=None
)
REOPEN: Final = replace(BLOCK, action_id="reopen", kind=ActionKind.REOPEN, notice_uuid="sletting", caused_by="block")
OTHER: Final = replace(BLOCK, action_id="other", notice_uuid="other opening")
UNCONFIRMED: Final = {"status": ActionStatus.EXPORTED, "confirmed_at": None}


def holds(
    *asked: AskedOfAccount,
    says: bool | None,
    accepted_at: dt.datetime | None = LATER,
) -> list[bool | None]:
    return [one.holds for one in enforcement_of(asked, {BLOCK.account_no: says}, accepted_at)]


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        pytest.param(True, True, id="blocked, as we asked"),
        pytest.param(False, False, id="open"),
        pytest.param(None, None, id="empty is no evidence"),
    ],
)
def test_a_block_holds_if_a_later_register_has_the_account_as_blocked(
    says: bool | None,  # noqa: FBT001 -- a case
    expected: bool | None,  # noqa: FBT001 -- as above
) -> None:
    assert holds(BLOCK, says=says) == [expected]


@pytest.mark.parametrize("accepted_at", [None, DONE_AT, DONE_AT - dt.timedelta(seconds=1)], ids=str)
def test_a_register_that_is_not_later_is_no_evidence(accepted_at: dt.datetime | None) -> None:
    assert holds(BLOCK, says=False, accepted_at=accepted_at) == [None]


@pytest.mark.parametrize("status", [ActionStatus.EXPORTED, ActionStatus.REJECTED])
def test_only_a_carried_out_action_can_fail_to_hold(status: ActionStatus) -> None:
    assert holds(replace(BLOCK, status=status), says=False) == [None]


def test_an_already_applied_block_must_hold_too() -> None:
    assert holds(replace(BLOCK, status=ActionStatus.ALREADY_APPLIED), says=False) == [False]


@pytest.mark.parametrize(("says", "expected"), [(True, False), (False, True), (None, None)])
def test_a_reopening_holds_if_a_later_register_has_the_account_as_open(
    says: bool | None,  # noqa: FBT001 -- a case
    expected: bool | None,  # noqa: FBT001 -- as above
) -> None:
    assert holds(BLOCK, REOPEN, says=says) == [None, expected], "nothing is expected of the BLOCK any more"


def test_nothing_is_expected_of_a_reopening_while_another_block_of_ours_stands() -> None:
    assert holds(BLOCK, REOPEN, OTHER, says=True) == [None, None, True]


def test_another_block_that_core_banking_rejected_does_not_stand() -> None:
    assert holds(BLOCK, REOPEN, replace(OTHER, status=ActionStatus.REJECTED), says=True) == [None, False, None]


def test_a_block_whose_reopening_was_rejected_must_still_hold() -> None:
    assert holds(BLOCK, replace(REOPEN, status=ActionStatus.REJECTED), says=False) == [False, None]


def test_nothing_is_expected_of_a_block_that_is_being_reopened() -> None:
    reopening = replace(REOPEN, status=ActionStatus.EXPORTED, confirmed_at=None)
    assert holds(BLOCK, reopening, says=False) == [None, None]


ASKED = st.lists(
    st.sampled_from([BLOCK, REOPEN, OTHER, replace(OTHER, account_no="97100000001")]),
    unique_by=lambda one: one.action_id,
)


@given(ASKED, st.none() | st.booleans(), st.sampled_from([None, DONE_AT, LATER]), st.permutations([0, 1, 2, 3]))
def test_in_any_order_nothing_is_claimed_without_evidence(
    asked: list[AskedOfAccount],
    says: bool | None,  # noqa: FBT001 -- drawn
    accepted_at: dt.datetime | None,
    order: list[int],
) -> None:
    found = enforcement_of(asked, {BLOCK.account_no: says}, accepted_at)
    turned = [asked[n] for n in order if n < len(asked)]
    again = {one.asked.action_id: one for one in enforcement_of(turned, {BLOCK.account_no: says}, accepted_at)}
    for one in found:
        assert again[one.asked.action_id] == one
        has_evidence = one.register_says_blocked is not None and accepted_at == LATER
        assert one.holds is None or has_evidence
