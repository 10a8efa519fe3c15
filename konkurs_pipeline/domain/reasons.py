"""Every reason of an action in a sentence, for the person who must act on it: the one place with these sentences.

What belongs here: words for the reasons that `actions`, `matching` and `notices` define. What does not: when a reason
applies (domain/actions; docs/decision-table.md says the same for a case officer, with examples).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from konkurs_pipeline.domain.actions import Reason
from konkurs_pipeline.domain.matching import Doubt
from konkurs_pipeline.domain.notices import QuarantineReason

_SENTENCES: Final[Mapping[str, str]] = {
    Reason.ESTATE_OPEN: "The customer is bankrupt and owns the account: it is blocked.",
    Reason.OPENING_DELETED: "The opening was annulled: the account that was blocked because of it is reopened.",
    Reason.CO_OWNED_ACCOUNT: "The customer is bankrupt and co-owns this account: the other owner is not. Assess it.",
    Reason.DISPONENT_ACCOUNT: "The customer is bankrupt and may use this account, which is somebody else's.",
    Reason.UNKNOWN_RELATION: "The bank's register does not say how the customer stands to this account.",
    Reason.ACCOUNT_INVALID: "The account number, or its blocked mark, fails its check: find the right account.",
    Reason.REOPENED_BUT_ESTATE_OPEN: "We reopened the account, and the bankruptcy is still open: block it by hand.",
    Reason.BLOCKED_BEFORE: "The opening was annulled, but the account was blocked before, for another reason.",
    Reason.OTHER_ESTATE_OPEN: "One opening was annulled, another stands: the account stays blocked until assessed.",
    Reason.BLOCK_WAS_REJECTED: "The opening was annulled, and our block was never carried out: does another stand?",
    Reason.SLETTING_WITHOUT_OPENING: "An annulment came and no opening is known: was the account blocked by hand?",
    Reason.OPPHEVING: "The opening was changed after an appeal: the bank assesses whether to reopen.",
    Reason.AVSLUTNING: "The proceedings have ended. Nothing is reopened by this.",
    Doubt.PARTY_IDENTIFIER_INVALID: "The number in the notice or document fails its check; a customer has the same text.",
    Doubt.CUSTOMER_IDENTIFIER_INVALID: "The customer's number in the bank's own register fails its check.",
    Doubt.LINKED_UNIT_FORM_UNKNOWN: "The document lists this unit, and its form is neither ENK nor TVAM.",
    QuarantineReason.UNREADABLE_NOTICE: "An item of the service's list could not be read as a notice.",
    QuarantineReason.UNKNOWN_TYPE: "The notice's type is not one of the four that are known.",
    QuarantineReason.INVALID_DEBTOR: "The debtor's number in the notice fails its check.",
    QuarantineReason.INVALID_RULING_DATE: "The notice's kjennelsesdato is not a date.",
    QuarantineReason.REGISTERED_IN_FUTURE: "The notice says that it was registered more than a day from now.",
    QuarantineReason.CHANGED_NOTICE: "The notice says something else than when it was first seen.",
    QuarantineReason.DATASET_CONTRADICTS: "The document's uuid, type or debtor is another than its notice's.",
}


def sentence_of(reason: str) -> str:
    """Return the reason in a sentence; one that a later version of this program wrote is said to be unknown here."""
    return _SENTENCES.get(reason, "This version of the program does not know the reason: see the decision table.")
