"""Which REVIEW rows wait for a person, and what people did about the others.

A REVIEW is open from its decision until an outcome is recorded (`konkurs review`). A held or void one was never handed
over: it does not count.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from konkurs_pipeline.domain.actions.reasons import sentence_of
from konkurs_pipeline.domain.actions.rows import NEVER_WRITTEN, ActionKind
from konkurs_pipeline.storage.readers.published import Published


@dataclass(frozen=True)
class RecordedOutcome:
    """What a person recorded; the one with the highest `review_no` counts. `reviewed_at` is UTC."""

    review_no: int
    outcome: str
    reviewed_at: dt.datetime
    reviewed_by: str
    note: str


@dataclass(frozen=True)
class Review:
    """One REVIEW. Instants are UTC; `registered_at` is as received.

    `estate_state`: where the bankruptcy that the notice opens or ends stands now; null: it is in none. `outcomes`: oldest
    first; empty: it is open.
    """

    action_id: str
    decided_at: dt.datetime
    customer_ref: str
    account_no: str | None
    reason: str
    sentence: str
    notice_uuid: str
    notice_type: str
    registered_at: str
    estate_state: str | None
    caused_by: str | None
    outcomes: tuple[RecordedOutcome, ...]

    @property
    def is_open(self) -> bool:
        """Whether it waits for a person."""
        return not self.outcomes


def reviews_of(published: Published) -> list[Review]:
    """Return every REVIEW that was handed over, oldest first."""
    is_review = (pl.col("action") == ActionKind.REVIEW.value) & ~pl.col("status").is_in(
        [s.value for s in NEVER_WRITTEN]
    )
    rows = published.read("actions").filter(is_review)
    outcomes, states = outcomes_by_action(published), _state_by_notice(published)
    order = ("decided_at", "registered_at_text", "notice_uuid", "customer_ref", "account_no")
    return [
        _review(row, states.get(row["notice_uuid"]), outcomes.get(row["action_id"], ()))
        for row in rows.sort(order).iter_rows(named=True)
    ]


def _review(row: Mapping[str, Any], state: str | None, outcomes: tuple[RecordedOutcome, ...]) -> Review:
    return Review(
        action_id=row["action_id"],
        decided_at=row["decided_at"],
        customer_ref=row["customer_ref"],
        account_no=row["account_no"],
        reason=row["reason"],
        sentence=sentence_of(row["reason"]),
        notice_uuid=row["notice_uuid"],
        notice_type=row["notice_type"],
        registered_at=row["registered_at_text"],
        estate_state=state,
        caused_by=row["caused_by"],
        outcomes=outcomes,
    )


def outcomes_by_action(published: Published) -> dict[str, tuple[RecordedOutcome, ...]]:
    """Return action_id → its recorded outcomes, oldest first."""
    grouped: defaultdict[str, list[RecordedOutcome]] = defaultdict(list)
    columns = ["action_id", "review_no", "outcome", "reviewed_at", "reviewed_by", "note"]
    for action_id, *outcome in published.read("reviews").sort("action_id", "review_no").select(columns).iter_rows():
        grouped[action_id].append(RecordedOutcome(*outcome))
    return {action_id: tuple(outcomes) for action_id, outcomes in grouped.items()}


def _state_by_notice(published: Published) -> dict[str, str]:
    estates = published.read("estates").select("opening_uuid", "changed_by_uuid", "state")
    return {uuid: state for *uuids, state in estates.iter_rows() for uuid in uuids if uuid is not None}
