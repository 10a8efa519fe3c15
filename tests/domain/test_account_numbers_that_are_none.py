"""An invalid account number is not written to core banking: its row is for the customer as a whole."""

from __future__ import annotations

from typing import Final

import pytest

from konkurs_pipeline.brreg.simulator.population import random_account_no, seeded
from konkurs_pipeline.domain.actions.policy import decide_actions
from konkurs_pipeline.domain.actions.situation import Account, Situation
from konkurs_pipeline.domain.estates import fold_estates
from konkurs_pipeline.domain.matching import Match, MatchedVia
from tests.domain.invented import aapning

OPENING: Final = aapning("opening", 0)
ACCOUNT: Final = random_account_no(seeded("an account"))


@pytest.mark.parametrize(
    ("account_no", "written"),
    [
        pytest.param(ACCOUNT, ACCOUNT, id="11 digits"),
        pytest.param(ACCOUNT[1:], None, id="10 digits: a leading zero is lost"),
        pytest.param(f"{ACCOUNT}0", None, id="12 digits"),
        pytest.param(ACCOUNT * 2, None, id="two numbers in one"),
        pytest.param(f"{ACCOUNT[:10]}x", None, id="a letter"),
        pytest.param(f"{ACCOUNT[:10]}\N{FULLWIDTH DIGIT ONE}", None, id="a digit of another script"),
        pytest.param(f"{ACCOUNT[:10]}\N{SUPERSCRIPT TWO}", None, id="a superscript"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_only_eleven_digits_are_written_as_an_account_number(account_no: str, written: str | None) -> None:
    accounts = {"K-1": [Account(account_no, "owner", is_flagged=True)]}
    matches = [Match(OPENING.uuid, "K-1", MatchedVia.DEBTOR)]

    [action] = decide_actions(Situation(fold_estates([OPENING]), [OPENING], matches, accounts))

    assert (action.kind, action.account_no, action.reason) == ("REVIEW", written, "account_invalid")
