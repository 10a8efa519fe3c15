"""Another action that names a BLOCK as its cause, such as a REVIEW, leaves the BLOCK in force."""

from __future__ import annotations

from typing import Final

import pytest

from konkurs_pipeline.brreg.simulator.population import random_account_no, seeded
from konkurs_pipeline.domain.actions.policy import decide_actions
from konkurs_pipeline.domain.actions.rows import ActionKind, ActionStatus, Issued
from konkurs_pipeline.domain.actions.situation import Account, Situation
from konkurs_pipeline.domain.estates import fold_estates
from konkurs_pipeline.domain.matching import Match, MatchedVia
from tests.domain.invented import aapning, sletting, uuid_of

ACCOUNT: Final = random_account_no(seeded("an account"))
OPENING: Final = aapning("opening", 0)
DELETION: Final = sletting("zletting", 1)
VIA: Final = MatchedVia.DEBTOR
BLOCK: Final = Issued(
    uuid_of("block"), ActionKind.BLOCK, OPENING.uuid, "K-1", ACCOUNT, VIA, ActionStatus.APPLIED, was_blocked=False
)


def answer(kind: ActionKind) -> Issued:
    """Return an action that names the BLOCK as its cause."""
    return Issued(
        uuid_of("answer"), kind, DELETION.uuid, "K-1", ACCOUNT, VIA, ActionStatus.EXPORTED, caused_by=BLOCK.action_id
    )


@pytest.mark.parametrize(
    ("kind", "asked_for"),
    [
        pytest.param(ActionKind.REOPEN, [], id="a REOPEN lifts it: no second REOPEN follows"),
        pytest.param(ActionKind.REVIEW, ["REOPEN"], id="a REVIEW does not"),
        pytest.param(ActionKind.INFORM, ["REOPEN"], id="an INFORM does not"),
    ],
)
def test_a_deleted_estate_reopens_every_block_that_no_reopen_lifted(kind: ActionKind, asked_for: list[str]) -> None:
    notices = [OPENING, DELETION]
    matches = [Match(one.uuid, "K-1", VIA) for one in notices]
    accounts = {"K-1": [Account(ACCOUNT, "owner")]}
    issued = (BLOCK, answer(kind))

    decided = decide_actions(Situation(fold_estates(notices), notices, matches, accounts, issued=issued))

    assert [action.kind.value for action in decided] == asked_for


@pytest.mark.parametrize("lifted", [0, 1, 2], ids=["the first", "the second", "the third"])
def test_a_lifted_block_does_not_stop_the_reopening_of_another(lifted: int) -> None:
    """A killed run may have written some of the REOPEN rows, or one account was blocked later than the others."""
    accounts = [random_account_no(seeded(f"account {n}")) for n in range(3)]
    blocks = [
        Issued(uuid_of(f"block {n}"), ActionKind.BLOCK, OPENING.uuid, "K-1", number, VIA, ActionStatus.APPLIED)
        for n, number in enumerate(accounts)
    ]
    cause = blocks[lifted].action_id
    reopened = Issued(
        uuid_of("reopened"), ActionKind.REOPEN, DELETION.uuid, "K-1", None, VIA, ActionStatus.EXPORTED, caused_by=cause
    )
    notices = [OPENING, DELETION]

    decided = decide_actions(Situation(fold_estates(notices), notices, issued=(*blocks, reopened)))

    assert {action.caused_by for action in decided} == {block.action_id for block in blocks} - {cause}
    assert {action.kind for action in decided} == {ActionKind.REOPEN}
