"""Every reason that an action row may carry, each with its row of the decision table and its sentence for a case officer.

The enums are what core banking reads: never change a code. docs/decision-table.md is made from this module (`make docs`).
What does not belong here: when a reason applies, as a rule (domain/actions/policy).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from konkurs_pipeline.domain.matching import Doubt
from konkurs_pipeline.domain.notices import QuarantineReason


class Reason(StrEnum):
    """Why, in one word. A REVIEW may also carry a `Doubt` or a `QuarantineReason`."""

    ESTATE_OPEN = "estate_open"
    CO_OWNED_ACCOUNT = "co_owned_account"
    DISPONENT_ACCOUNT = "disponent_account"
    UNKNOWN_RELATION = "unknown_relation"
    ACCOUNT_INVALID = "account_invalid"
    SEVERAL_OWNERS = "several_owners"
    OPENED_AFTER_RULING = "opened_after_ruling"
    NO_ACCOUNT = "no_account"
    REOPENED_BUT_ESTATE_OPEN = "reopened_but_estate_open"
    OPENING_DELETED = "opening_deleted"
    BLOCKED_BEFORE = "blocked_before"
    OTHER_ESTATE_OPEN = "other_estate_open"
    OTHER_BLOCK_STANDS = "other_block_stands"
    BLOCK_WAS_REJECTED = "block_was_rejected"
    REVIEWED_OPENING_DELETED = "reviewed_opening_deleted"
    SLETTING_WITHOUT_OPENING = "sletting_without_opening"
    OPPHEVING = "oppheving"
    AVSLUTNING = "avslutning"


class ReasonFacts(NamedTuple):
    """A row of the decision table: when the reason applies, the action it leads to, and a sentence for a person."""

    when: str
    action: str
    sentence: str


OF_POLICY: Final[Mapping[Reason, ReasonFacts]] = MappingProxyType(
    {
        Reason.ESTATE_OPEN: ReasonFacts(
            "a bankruptcy is open, and the customer owns the account",
            "BLOCK",
            "The customer is bankrupt and owns the account: it is blocked.",
        ),
        Reason.CO_OWNED_ACCOUNT: ReasonFacts(
            "… the customer is a co-owner",
            "REVIEW",
            "The customer is bankrupt and co-owns this account: the other owner is not. Assess it.",
        ),
        Reason.DISPONENT_ACCOUNT: ReasonFacts(
            "… the customer may only dispose of it",
            "REVIEW",
            "The customer is bankrupt and may use this account, which is somebody else's.",
        ),
        Reason.UNKNOWN_RELATION: ReasonFacts(
            "… the relation is unknown",
            "REVIEW",
            "The bank's register does not say how the customer stands to this account.",
        ),
        Reason.ACCOUNT_INVALID: ReasonFacts(
            "… the account's row is damaged",
            "REVIEW",
            "The account number, its blocked mark or its opening date fails its check: find the right account.",
        ),
        Reason.SEVERAL_OWNERS: ReasonFacts(
            "… it has several owners, not all matched",
            "REVIEW",
            "The customer is bankrupt and owns this account together with others who are not: assess their share.",
        ),
        Reason.OPENED_AFTER_RULING: ReasonFacts(
            "… the debtor is a person, and the account is newer than the ruling",
            "REVIEW",
            "The account was opened after the ruling: wages earned since then are not the estate's. Assess it.",
        ),
        Reason.NO_ACCOUNT: ReasonFacts(
            "… the customer has no account in the file",
            "REVIEW",
            "The customer is bankrupt, and the register has no account: look for loans, cards and other agreements.",
        ),
        Reason.REOPENED_BUT_ESTATE_OPEN: ReasonFacts(
            "… we reopened it, and the sletting turned out to be of another opening",
            "REVIEW",
            "We reopened the account, and the bankruptcy is still open: block it by hand.",
        ),
        Reason.OPENING_DELETED: ReasonFacts(
            "a sletting deletes the opening, and our BLOCK stands",
            "REOPEN",
            "The opening was annulled: the account that was blocked because of it is reopened.",
        ),
        Reason.BLOCKED_BEFORE: ReasonFacts(
            "… somebody else had blocked it before",
            "REVIEW",
            "The opening was annulled, but the account was blocked before, for another reason.",
        ),
        Reason.OTHER_ESTATE_OPEN: ReasonFacts(
            "… another open bankruptcy holds the customer or account",
            "REVIEW",
            "One opening was annulled, another stands: the account stays blocked until assessed.",
        ),
        Reason.OTHER_BLOCK_STANDS: ReasonFacts(
            "… another BLOCK of ours on it stands",
            "REVIEW",
            "One opening was annulled, but we blocked the account for another one too, and nothing lifted that block.",
        ),
        Reason.BLOCK_WAS_REJECTED: ReasonFacts(
            "… core banking had rejected our BLOCK",
            "REVIEW",
            "The opening was annulled, and our block was never carried out: does another stand?",
        ),
        Reason.REVIEWED_OPENING_DELETED: ReasonFacts(
            "a sletting deletes the opening, which had led to a REVIEW",
            "REVIEW",
            "The opening that this customer or account was reviewed for was annulled: undo what was done by hand.",
        ),
        Reason.SLETTING_WITHOUT_OPENING: ReasonFacts(
            "a sletting of no known opening",
            "REVIEW",
            "An annulment came and no opening is known: was the account blocked by hand?",
        ),
        Reason.OPPHEVING: ReasonFacts(
            "an oppheving on a customer",
            "REVIEW",
            "The opening was changed after an appeal: the bank assesses whether to reopen.",
        ),
        Reason.AVSLUTNING: ReasonFacts(
            "an avslutning on a customer",
            "INFORM",
            "The proceedings have ended. Nothing is reopened by this.",
        ),
    }
)

OF_DOUBT: Final[Mapping[Doubt, str]] = MappingProxyType(
    {
        Doubt.PARTY_IDENTIFIER_INVALID: "The number in the notice or document fails its check; a customer has the same text.",
        Doubt.CUSTOMER_IDENTIFIER_INVALID: "The customer's number in the bank's own register fails its check.",
        Doubt.LINKED_UNIT_FORM_UNKNOWN: "The document lists this unit, and its form is neither ENK nor TVAM.",
    }
)

OF_QUARANTINE: Final[Mapping[QuarantineReason, str]] = MappingProxyType(
    {
        QuarantineReason.UNREADABLE_NOTICE: "An item of the list could not be read.",
        QuarantineReason.UNKNOWN_TYPE: "The type is not one of the four known.",
        QuarantineReason.INVALID_DEBTOR: "The debtor's number fails its check.",
        QuarantineReason.INVALID_RULING_DATE: "The kjennelsesdato is not a date.",
        QuarantineReason.REGISTERED_IN_FUTURE: "The notice says that it was registered more than a day from now.",
        QuarantineReason.CHANGED_NOTICE: "The notice says something else than when it was first seen.",
        QuarantineReason.DATASET_CONTRADICTS: "The document and its notice have different uuids, types or debtors.",
    }
)

_SENTENCES: Final[Mapping[str, str]] = {
    **{str(reason): facts.sentence for reason, facts in OF_POLICY.items()},
    **{str(doubt): sentence for doubt, sentence in OF_DOUBT.items()},
    **{str(reason): sentence for reason, sentence in OF_QUARANTINE.items()},
}


def sentence_of(reason: str) -> str:
    """Return the reason in a sentence. For the reason of a later version it says that this version does not know it."""
    return _SENTENCES.get(reason, "This version of the program does not know the reason: see the decision table.")


def reason_tables() -> Mapping[str, str]:
    """Return the tables of docs/decision-table.md as Markdown, by name: policy, doubts, quarantine."""
    policy = ((f.when, f"{f.action} `{r}`") for r, f in OF_POLICY.items())
    return {
        "policy": _table(("when", "action, `reason`"), policy),
        "doubts": _list(OF_DOUBT),
        "quarantine": _list(OF_QUARANTINE),
    }


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _list(sentences: Mapping[Doubt, str] | Mapping[QuarantineReason, str]) -> str:
    return "".join(f"- `{reason}`: {sentence}\n" for reason, sentence in sentences.items())
