"""The outcomes that a person may record for a REVIEW, each with its meaning.

A REVIEW asks a person of the bank to look. It is open until an outcome is recorded. What does not belong here: which
reviews are open (enquiries/worklists/reviews), and recording an outcome (storage/handoff/reviews).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ReviewOutcome(StrEnum):
    """What a person did about a REVIEW. `OUTCOME_MEANINGS` says each in a sentence."""

    BLOCKED = "blocked"
    REOPENED = "reopened"
    ACCESS_WITHDRAWN = "access_withdrawn"
    NO_ACTION = "no_action"
    NOT_OUR_CUSTOMER = "not_our_customer"
    REGISTER_CORRECTED = "register_corrected"
    OTHER = "other"


OUTCOME_MEANINGS: Final[Mapping[ReviewOutcome, str]] = MappingProxyType(
    {
        ReviewOutcome.BLOCKED: "blocked by hand",
        ReviewOutcome.REOPENED: "reopened by hand",
        ReviewOutcome.ACCESS_WITHDRAWN: "the customer may no longer use the account; its owner may",
        ReviewOutcome.NO_ACTION: "assessed, and left as it was",
        ReviewOutcome.NOT_OUR_CUSTOMER: "the match was wrong",
        ReviewOutcome.REGISTER_CORRECTED: "the bank's register was put right: the next run decides again",
        ReviewOutcome.OTHER: "something else, as the note says",
    }
)
