"""The facts of one case: the page of evidence, its JSON and its clock are made from them. Values only.

All instants are UTC. No field holds a national identifier. What does not belong here: gathering them (gathering).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from konkurs_pipeline.enquiries.evidence.proofs import Proof
from konkurs_pipeline.enquiries.evidence.sightings import Sighting
from konkurs_pipeline.enquiries.worklists.reviews import RecordedOutcome


@dataclass(frozen=True)
class NoticeFacts:
    """One notice: what the register says, and when it came. Instants are UTC; a dataset that is null was not fetched.

    `documents_sha256`: each version of its document that was received, also those that were set aside.
    """

    uuid: str
    type: str
    registered_at: dt.datetime
    registered_at_text: str
    ruling_date: dt.date | None
    taken_at: dt.datetime
    taken_by_run: str
    answer_sha256: str
    sighting: Sighting
    dataset_fetched_at: dt.datetime | None
    dataset_sha256: str | None
    documents_sha256: tuple[str, ...]


@dataclass(frozen=True)
class ActionFacts:
    """One row for core banking or a person, as the table `actions` has it, with its reason in a sentence."""

    action_id: str
    action: str
    customer_ref: str
    account_no: str | None
    notice_uuid: str
    reason: str
    matched_via: str
    caused_by: str | None
    was_blocked: bool | None
    decided_at: dt.datetime
    run_id: str
    register_id: str | None
    status: str
    seq: int | None
    exported_at: dt.datetime | None
    confirmed_at: dt.datetime | None
    status_code: str | None
    released_at: dt.datetime | None
    released_by: str | None
    release_reason: str | None
    void_reason: str | None
    sentence: str
    outcomes: tuple[RecordedOutcome, ...]


@dataclass(frozen=True)
class EnforcementFacts:
    """What became of one BLOCK or REOPEN of an account, as the table `enforcement` has it."""

    action_id: str
    customer_ref: str
    account_no: str
    action: str
    status: str
    confirmed_at: dt.datetime | None
    register_says_blocked: bool | None
    register_accepted_at: dt.datetime | None
    holds: bool | None


@dataclass(frozen=True)
class ReceiptFacts:
    """One version of core banking's receipt for a file; `read_at`: when we read it (UTC)."""

    name: str
    sha256: str
    read_at: dt.datetime
    detail: str


@dataclass(frozen=True)
class FileFacts:
    """One file for core banking. `register_id`: the register that its header names; null: none, or the file is gone."""

    seq: int
    base_name: str
    created_at: dt.datetime
    run_id: str
    sha256: str
    prev_sha256: str | None
    action_count: int
    register_id: str | None
    receipts: tuple[ReceiptFacts, ...]


@dataclass(frozen=True)
class MatchFacts:
    """One customer that a notice was found to be about."""

    notice_uuid: str
    customer_ref: str
    matched_via: str
    doubt: str | None
    found_at: dt.datetime
    register_id: str


@dataclass(frozen=True)
class RegisterFacts:
    """One register snapshot that was used. Fields are null if it is no longer kept: its id still identifies it."""

    register_id: str
    accepted_at: dt.datetime | None
    customers: int | None
    accounts: int | None


@dataclass(frozen=True)
class QuarantineFacts:
    """What was wrong with a notice, and until when; null: still wrong."""

    notice_uuid: str
    reason: str
    sentence: str
    first_seen_at: dt.datetime
    resolved_at: dt.datetime | None


@dataclass(frozen=True)
class PollFacts:
    """One run that took part in the case."""

    run_id: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    from_workday: dt.date
    to_workday: dt.date
    outcome: str | None


@dataclass(frozen=True)
class Case:
    """Everything that the page says. `asked_for`: the id that was given; `newest_file`: the last file of the outbox.

    `files`: those with rows of the case, and the first one after each notice was taken, in sequence.
    """

    asked_for: str
    made_at: dt.datetime
    environment: str
    bank_id: str
    opening_uuid: str | None
    state: str | None
    notices: tuple[NoticeFacts, ...]
    others: tuple[tuple[str, str, str], ...]
    matches: tuple[MatchFacts, ...]
    actions: tuple[ActionFacts, ...]
    enforcement: tuple[EnforcementFacts, ...]
    files: tuple[FileFacts, ...]
    newest_file: FileFacts | None
    registers: tuple[RegisterFacts, ...]
    quarantine: tuple[QuarantineFacts, ...]
    polls: tuple[PollFacts, ...]
    proofs: tuple[Proof, ...]
