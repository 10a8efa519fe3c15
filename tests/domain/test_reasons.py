"""Every reason has a sentence for the person who acts on it, and a row in the decision table."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import pytest

from konkurs_pipeline.domain.actions.reasons import Reason, reason_tables, sentence_of
from konkurs_pipeline.domain.actions.reviews import OUTCOME_MEANINGS, ReviewOutcome
from konkurs_pipeline.domain.matching import Doubt
from konkurs_pipeline.domain.notices import QuarantineReason
from konkurs_pipeline.storage.readers.decision_table import with_tables

DOCS = Path(__file__).parents[2] / "docs"
REASONS: list[StrEnum] = [*Reason, *Doubt, *QuarantineReason]
UNKNOWN = sentence_of("a reason of a later version")


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_a_sentence_of_its_own_and_a_row_in_the_decision_table(reason: StrEnum) -> None:
    others = {sentence_of(other) for other in REASONS if other != reason}
    assert sentence_of(reason) not in {*others, UNKNOWN}
    assert f"`{reason}`" in (DOCS / "decision-table.md").read_text(encoding="utf-8")


def test_the_decision_table_is_up_to_date() -> None:
    page = (DOCS / "decision-table.md").read_text(encoding="utf-8")

    assert with_tables(page) == page
    assert all(table in page for table in reason_tables().values())


@pytest.mark.parametrize("outcome", ReviewOutcome)
def test_every_outcome_has_a_meaning_that_the_case_officers_page_gives(outcome: ReviewOutcome) -> None:
    page = (DOCS / "case-officers.md").read_text(encoding="utf-8")
    assert f"- `{outcome}`: {OUTCOME_MEANINGS[outcome]}." in page
