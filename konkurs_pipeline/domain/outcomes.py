"""How a poll ends, and the issues that decide it: codes for programs, each beside a message for people.

What belongs here: the codes and what they mean for the outcome. What does not: finding an issue (steps/), recording it
(storage/ledger/polls).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """How a poll ended. `failed`: nothing was decided."""

    NEW = "new"
    NOTHING_NEW = "nothing_new"
    PARTIAL = "partial"
    FAILED = "failed"


# Polls that read the list and decided.
GOOD: Final = frozenset({Outcome.NEW, Outcome.NOTHING_NEW, Outcome.PARTIAL})


class IssueCode(StrEnum):
    """What a poll could not get, or leaves for a person."""

    # The poll could not get something: it ends as partial.
    NO_REGISTER = "no_register"
    DATASETS_MISSING = "datasets_missing"
    DATASETS_POSTPONED = "datasets_postponed"
    # The poll stopped.
    SERVICE_UNREACHABLE = "service_unreachable"
    ACCESS_REFUSED = "access_refused"
    ANSWER_NOT_UNDERSTOOD = "answer_not_understood"
    STORE_FAILED = "store_failed"
    STOPPED = "stopped"
    # A person must look; the poll still counts as good.
    REGISTER_REFUSED = "register_refused"
    BLOCKS_HELD = "blocks_held"
    NEW_IN_QUARANTINE = "new_in_quarantine"
    LIST_NOT_AS_DOCUMENTED = "list_not_as_documented"
    DATASETS_NOT_AS_DOCUMENTED = "datasets_not_as_documented"
    DATASETS_CONTRADICT = "datasets_contradict"
    SLETTING_WITHOUT_OPENING = "sletting_without_opening"
    VERSIONS_REMADE = "versions_remade"
    RECEIPT_SET_ASIDE = "receipt_set_aside"


MISSING: Final = frozenset(
    {
        IssueCode.NO_REGISTER,
        IssueCode.DATASETS_MISSING,
        IssueCode.DATASETS_POSTPONED,
    }
)
STOPPING: Final = frozenset(
    {
        IssueCode.SERVICE_UNREACHABLE,
        IssueCode.ACCESS_REFUSED,
        IssueCode.ANSWER_NOT_UNDERSTOOD,
        IssueCode.STORE_FAILED,
        IssueCode.STOPPED,
    }
)


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of a poll; its message holds no national identifier. `count`: of how many things; null: not counted."""

    code: IssueCode
    message: str
    count: int | None = None


def outcome_of(codes: Collection[IssueCode], *, is_decided: bool, notices_new: int) -> Outcome:
    """Return how a poll with these issues ends."""
    if not is_decided:
        return Outcome.FAILED
    if (MISSING | STOPPING).intersection(codes):
        return Outcome.PARTIAL
    return Outcome.NEW if notices_new else Outcome.NOTHING_NEW


def detail_of(issues: Collection[Issue]) -> str | None:
    """Return the messages as one line for people, those about missing things first; null if there is none."""
    ordered = sorted(issues, key=lambda issue: issue.code not in MISSING | STOPPING)
    return "; ".join(issue.message for issue in ordered) or None
