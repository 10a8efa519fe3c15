"""Each row of the decision table after each other, on one account or its customer as a whole: 18 by 18 cases.

The simulation of the core counts the pairs that occur in it (`make soak-core`). Here every pair has a case.
No pair is impossible: the register changes, and the second row may come from another bankruptcy.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import pytest

from konkurs_pipeline.brreg.simulator.population import random_synthetic_fnr
from konkurs_pipeline.domain.actions.policy import decide_actions
from konkurs_pipeline.domain.actions.reasons import Reason
from konkurs_pipeline.domain.actions.rows import Action, ActionStatus, Issued
from konkurs_pipeline.domain.actions.situation import Account
from konkurs_pipeline.domain.notices import Notice
from tests.domain.bank import ACCOUNT, block_of, reopening_of, review_of, situation
from tests.domain.invented import COMPANY, OTHER_COMPANY, PERSON, aapning, avslutning, issued_as, oppheving, sletting

OWNED: Final = Account(ACCOUNT, "owner")
OTHER_PERSON: Final = random_synthetic_fnr(Random(1))  # noqa: S311 -- invented, no secret
# After these rows a BLOCK of ours stands, and no sletting has deleted its bankruptcy.
LEAVES_A_BLOCK: Final = {Reason.ESTATE_OPEN, Reason.OTHER_ESTATE_OPEN, Reason.OTHER_BLOCK_STANDS}


@dataclass(frozen=True)
class Story:
    """The causes of a row: notices of one debtor, rows written before, and the account in the register."""

    notices: Sequence[Notice]
    issued: Sequence[Issued] = ()
    account: Account | None = OWNED

    @property
    def accounts(self) -> dict[str, list[Account]]:
        return {"C1": [self.account] if self.account else []}


def stories(prefix: str, minute: int, debtors: tuple[str, str], seq: int) -> dict[Reason, Story]:
    """Return a story for each row, of a company or of a person. Written rows stand in the outbox file `seq`."""
    company, person = debtors
    opening, late = aapning(f"a{prefix}", minute, company), aapning(f"b{prefix}", minute + 2, company)
    of_person = aapning(f"p{prefix}", minute, person)
    deletion, closing = sletting(f"s{prefix}", minute + 4, company), avslutning(f"v{prefix}", minute + 1, company)
    block, late_block = block_of(opening, seq=seq), block_of(late, seq=seq)
    rejected = replace(block, status=ActionStatus.REJECTED)
    after_ruling = of_person.registered_at.date() + dt.timedelta(days=1)
    return {
        Reason.ESTATE_OPEN: Story([opening]),
        Reason.CO_OWNED_ACCOUNT: Story([opening], account=replace(OWNED, relation="co_owner")),
        Reason.DISPONENT_ACCOUNT: Story([opening], account=replace(OWNED, relation="disponent")),
        Reason.UNKNOWN_RELATION: Story([opening], account=replace(OWNED, relation="fullmektig")),
        Reason.ACCOUNT_INVALID: Story([opening], account=replace(OWNED, is_flagged=True)),
        Reason.SEVERAL_OWNERS: Story([opening], account=replace(OWNED, owners=frozenset({"C1", "C9"}))),
        Reason.OPENED_AFTER_RULING: Story([of_person], account=replace(OWNED, opened_at=after_ruling)),
        Reason.NO_ACCOUNT: Story([opening], account=None),
        Reason.REOPENED_BUT_ESTATE_OPEN: Story(
            [opening, late, deletion], [block, reopening_of(block, deletion, seq=seq + 1)]
        ),
        Reason.OPENING_DELETED: Story([opening, deletion], [block]),
        Reason.BLOCKED_BEFORE: Story([opening, deletion], [replace(block, was_blocked=True)]),
        Reason.OTHER_ESTATE_OPEN: Story([opening, late, deletion], [late_block]),
        Reason.OTHER_BLOCK_STANDS: Story([opening, closing, late, deletion], [block, late_block]),
        Reason.BLOCK_WAS_REJECTED: Story([opening, deletion], [rejected]),
        Reason.REVIEWED_OPENING_DELETED: Story([opening, deletion], [review_of(opening)]),
        Reason.SLETTING_WITHOUT_OPENING: Story([deletion]),
        Reason.OPPHEVING: Story([opening, oppheving(f"u{prefix}", minute + 4, company)]),
        Reason.AVSLUTNING: Story([opening, closing]),
    }


EARLIER: Final = stories("1", 0, (COMPANY, PERSON), seq=1)
LATER: Final = stories("2", 20, (OTHER_COMPANY, OTHER_PERSON), seq=5)


def decided(notices: Sequence[Notice], issued: Sequence[Issued], story: Story) -> list[Action]:
    """Return the actions that a story asks for and that were not written before. `notices`: include earlier notices."""
    named, written = {notice.uuid for notice in story.notices}, {row.action_id for row in issued}
    asked = decide_actions(situation(notices, accounts=story.accounts, issued=issued))
    return [action for action in asked if action.notice.uuid in named and action.action_id not in written]


def expected_after(earlier: Reason, story: Story) -> list[str]:
    """Return the reasons of a story alone. A standing BLOCK of ours explains `is_blocked` and keeps the account blocked."""
    reasons = [action.reason for action in decided(story.notices, story.issued, story)]
    if earlier not in LEAVES_A_BLOCK:
        return reasons
    held_up = {Reason.OPENING_DELETED, Reason.BLOCKED_BEFORE}
    return [Reason.OTHER_BLOCK_STANDS if reason in held_up else reason for reason in reasons]


def test_each_row_of_the_table_has_its_story() -> None:
    assert set(EARLIER) == set(Reason)
    for reason, story in EARLIER.items():
        assert reason in {action.reason for action in decided(story.notices, story.issued, story)}


@pytest.mark.parametrize("earlier", list(Reason))
def test_every_row_may_follow_this_one(earlier: Reason) -> None:
    before = EARLIER[earlier]
    written = [issued_as(action, seq=3) for action in decided(before.notices, before.issued, before)]
    # The first bankruptcy has ended before the second begins.
    ends = [avslutning("x1", 15, COMPANY), avslutning("y1", 15, PERSON), avslutning("z1", 16, COMPANY)]

    found = {}
    for later, story in LATER.items():
        notices, issued = [*before.notices, *ends, *story.notices], [*before.issued, *written, *story.issued]
        found[later] = [action.reason for action in decided(notices, issued, story)]

    assert found == {later: expected_after(earlier, story) for later, story in LATER.items()}
