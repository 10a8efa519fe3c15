"""The rules of test_any_order over whole polls with their files, for a few orders of arrival."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice
from tests.pipeline.kit import FRIDAY, MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Bank, company

DAYS = (WEDNESDAY, THURSDAY, FRIDAY)


@pytest.mark.parametrize(
    "order",
    [
        pytest.param((1, 0, 2), id="the sletting before its opening"),
        pytest.param((2, 0, 1), id="the second opening first"),
        pytest.param((2, 1, 0), id="backwards"),
    ],
)
def test_three_notices_one_by_one_in_any_order_end_as_all_at_once(bank: Bank, order: Sequence[int]) -> None:
    bank.customer("K-1", company("firm"))
    notices: list[SimulatedNotice] = [
        bank.notice("aapning", company("firm"), MONDAY, "09:00"),
        bank.notice("sletting", company("firm"), MONDAY, "10:00"),
        bank.notice("aapning", company("firm"), TUESDAY, "09:00"),
    ]
    for count, day in enumerate(DAYS, start=1):
        bank.serve([notices[n] for n in order[:count]])
        bank.poll(day)
    assert bank.states() == {notices[0].uuid: "deleted", notices[2].uuid: "open"}
    actions = bank.all_actions()
    lifted = {a["caused_by"] for a in actions if a["action"] == "REOPEN"}
    standing = {a["notice_uuid"] for a in actions if a["action"] == "BLOCK" and a["action_id"] not in lifted}
    # If the second opening came first, a REOPEN for the first would reopen an account that the second blocks: a person looks.
    reviewed = {a["reason"] for a in actions if a["action"] == "REVIEW"}
    assert notices[2].uuid in standing
    assert notices[0].uuid not in standing or "other_estate_open" in reviewed
