"""The tables of the lake and the ledger, and the key of each.

A table's model gives the check before a write, the type of an empty frame, the ledger's DDL, the analyst views with their
comments, the columns shown in Dagster and the data dictionary. What does not belong here: the columns (lake.py,
ledger.py, handoff.py). How to add a table: CONTRIBUTING.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from konkurs_pipeline.schemas.handoff import ActionHistory, Actions, Alarms, Enforcement, OutboxFiles, Receipts, Reviews
from konkurs_pipeline.schemas.lake import (
    CustomerMatches,
    Debtors,
    Estates,
    EstateVersions,
    ExpandedDatasets,
    RawNotices,
)
from konkurs_pipeline.schemas.ledger import (
    Answers,
    ErasedNotices,
    Erasures,
    PollIssues,
    Polls,
    Quarantine,
    Registers,
    SecondSource,
    SecondSourceComparisons,
)
from konkurs_pipeline.schemas.requests import ControlRequests
from konkurs_pipeline.schemas.table import Instant, Table, dtypes, frame, validated

__all__ = [
    "JOURNALS",
    "KEYS",
    "LAKE",
    "LEDGER",
    "ActionHistory",
    "Actions",
    "Alarms",
    "Answers",
    "ControlRequests",
    "CustomerMatches",
    "Debtors",
    "Enforcement",
    "ErasedNotices",
    "Erasures",
    "EstateVersions",
    "Estates",
    "ExpandedDatasets",
    "Instant",
    "OutboxFiles",
    "PollIssues",
    "Polls",
    "Quarantine",
    "RawNotices",
    "Receipts",
    "Registers",
    "Reviews",
    "SecondSource",
    "SecondSourceComparisons",
    "Table",
    "dtypes",
    "frame",
    "validated",
]

LAKE: Final[dict[str, type[Table]]] = {
    "raw_notices": RawNotices,
    "expanded_datasets": ExpandedDatasets,
    "debtors": Debtors,
    "customer_matches": CustomerMatches,
    "estates": Estates,
    "estate_versions": EstateVersions,
}
LEDGER: Final[dict[str, type[Table]]] = {
    "actions": Actions,
    "action_history": ActionHistory,
    "registers": Registers,
    "polls": Polls,
    "poll_issues": PollIssues,
    "quarantine": Quarantine,
    "outbox_files": OutboxFiles,
    "receipts": Receipts,
    "answers": Answers,
    "erasures": Erasures,
    "erased_notices": ErasedNotices,
    "reviews": Reviews,
    "second_source": SecondSource,
    "second_source_comparisons": SecondSourceComparisons,
    "enforcement": Enforcement,
    "alarms": Alarms,
}
# Kept beside the ledger, in a file that grows by a line a request: `storage/control_requests`.
JOURNALS: Final[dict[str, type[Table]]] = {"control_requests": ControlRequests}
# The key of each table.
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "raw_notices": ("uuid",),
    "control_requests": ("request_id",),
    "expanded_datasets": ("uuid",),
    "debtors": ("notice_uuid", "national_id"),
    "customer_matches": ("notice_uuid", "customer_ref"),
    "estates": ("opening_uuid",),
    "estate_versions": ("workday", "opening_uuid", "version"),
    "actions": ("action_id",),
    "action_history": ("action_id", "version"),
    "registers": ("accepted_at",),
    "polls": ("run_id",),
    "poll_issues": ("run_id", "number"),
    "quarantine": ("entry_id",),
    "outbox_files": ("seq",),
    "receipts": ("name", "sha256"),
    "reviews": ("action_id", "review_no"),
    "enforcement": ("action_id",),
    "alarms": ("kind", "raised_at"),
    "erasures": ("erasure_id", "rule"),
    "erased_notices": ("uuid",),
    "answers": ("run_id", "fetched_at", "resource"),
    "second_source": ("difference_id",),
    "second_source_comparisons": ("compared_at",),
}
