"""A poll without Dagster: the steps in the order of the job's assets."""

from __future__ import annotations

from konkurs_pipeline.steps.actions import decide
from konkurs_pipeline.steps.debtors import normalise_debtors
from konkurs_pipeline.steps.documents.datasets import fetch_missing_datasets
from konkurs_pipeline.steps.estates.fold import fold_notices
from konkurs_pipeline.steps.list.notices import poll_notices
from konkurs_pipeline.steps.matches import match_debtors
from konkurs_pipeline.steps.outbox import hand_over
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.steps.register import take_register


def run_steps(poll: Poll) -> None:
    """Run every step of a poll; raises `KonkursError` if one fails."""
    begin = poll.progress
    begin("register", 0, None)
    snapshot = take_register(poll)
    begin("raw notices", 0, None)
    polled = poll_notices(poll)
    begin("expanded datasets", 0, None)
    fetch_missing_datasets(poll, snapshot)
    begin("debtors", 0, None)
    normalise_debtors(poll)
    begin("customer matches", 0, None)
    match_debtors(poll, snapshot)
    begin("estates", 0, None)
    fold_notices(poll, polled.known)
    begin("actions", 0, None)
    decide(poll, snapshot, polled)
    begin("outbox", 0, None)
    hand_over(poll.store)
