"""If a day is closed or opened after its notices are stored, their workday stays the same and polls go on."""

from __future__ import annotations

import datetime as dt

import pytest

from konkurs_pipeline.enquiries.integrity import inspect
from tests.pipeline.kit import Bank, company, oslo

FIRST_OF_JUNE = dt.date(2026, 6, 1)
NEXT = dt.date(2026, 6, 2)
CLOSED = {"KONKURS_EXTRA_CLOSED_DAYS": "2026-06-01"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, CLOSED, id="a day is closed later"),
        pytest.param(CLOSED, {}, id="a closed day is opened later"),
        pytest.param({}, {"KONKURS_FIRST_WORKDAY": "2026-06-02"}, id="the first workday moves past it"),
    ],
)
def test_a_calendar_that_changes_stops_no_poll(bank: Bank, before: dict[str, str], after: dict[str, str]) -> None:
    bank.customer("K-1", company("firm"))
    bank.notice("aapning", company("firm"), FIRST_OF_JUNE)
    bank.extra = before
    first = dt.date(2026, 5, 29) if before else FIRST_OF_JUNE
    assert len(bank.poll(first, now=oslo(FIRST_OF_JUNE, "23:59")).actions) == 1
    stored = bank.published("raw_notices")["workday"].to_list()
    for changed in (after, before):
        bank.extra = changed
        assert bank.poll(NEXT).actions == []
        for table in ("raw_notices", "debtors", "estates", "customer_matches"):
            assert bank.published(table)["workday"].to_list() == stored, table
        with bank.store() as store:
            assert [problem for part in inspect(store) for problem in part.problems] == []
