"""The ledger's tables of what we asked of core banking and people, and what they answered: actions, files, receipts, reviews.

All instants (`_at`) are UTC. What a column declares: table.py. What does not belong here: how a table is filled.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from konkurs_pipeline.domain.actions.receipts import ReceiptOutcome
from konkurs_pipeline.domain.actions.reviews import ReviewOutcome
from konkurs_pipeline.domain.actions.rows import ActionKind, ActionStatus
from konkurs_pipeline.domain.matching import MatchedVia
from konkurs_pipeline.domain.monitoring.alarms import AlarmKind, Severity
from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.schemas.table import SHA256, UUID, Instant, Privacy, Table, column, optional


class Actions(Table):
    """What the bank was asked to do. One row per decision (action_id). No national identifier.

    Source: the ledger.
    """

    action_id: str = column(
        "the same decision has the same id in every run", privacy=Privacy.IDENTIFIER, unique=True, str_matches=UUID
    )
    action: str = column("BLOCK, REOPEN, REVIEW or INFORM", isin=[k.value for k in ActionKind])
    customer_ref: str = column("the bank's reference of the customer", privacy=Privacy.REFERENCE)
    account_no: str = optional(
        "kontonummer; null: the customer as a whole", source="kontonummer", privacy=Privacy.IDENTIFIER
    )
    notice_uuid: str = column("the notice it follows from", source="uuid", str_matches=UUID)
    notice_type: str = column("the notice's type", source="type", words=list(NoticeType))
    registered_at_text: str = column(
        "the notice's registreringstidspunkt as received", source="registreringstidspunkt", privacy=Privacy.TEXT
    )
    registered_at: Instant = optional(
        "the notice's registreringstidspunkt as an instant; null: it could not be read", source="registreringstidspunkt"
    )
    ruling_date: dt.date = optional("the notice's kjennelsesdato", source="kjennelsesdato")
    matched_via: str = column("debtor, former_id or linked_unit", isin=[v.value for v in MatchedVia])
    reason: str = column("why, in one word (docs/decision-table.md)", privacy=Privacy.NONE)
    caused_by: str = optional(
        "the BLOCK that a REOPEN or REVIEW answers, or the REVIEW that a REVIEW answers",
        privacy=Privacy.IDENTIFIER,
        str_matches=UUID,
    )
    was_blocked: bool = optional("whether the register had the account blocked before our BLOCK; null: it did not say")
    decided_at: Instant = column("when it was decided")
    run_id: str = column("the run that decided it", privacy=Privacy.NONE)
    register_id: str = optional("the register snapshot that the run decided with", str_matches=SHA256)
    status: str = column("held, exported, applied, already_applied, rejected, void", isin=list(ActionStatus))
    seq: pl.Int64 = optional("sequence number of the outbox file that holds it")
    exported_at: Instant = optional("when that file was committed")
    confirmed_at: Instant = optional("when core banking says it was carried out, or rejected")
    status_code: str = optional("core banking's code", privacy=Privacy.TEXT)
    pending_at: Instant = optional("when core banking last said that it is not done yet (PENDING); null: never")
    released_at: Instant = optional("when a person released a held row")
    released_by: str = optional("who released it", privacy=Privacy.NAME)
    released_os_user: str = optional(
        "the operating system's user who released it; null: as above, or before this was recorded", privacy=Privacy.NAME
    )
    release_reason: str = optional("why it was released", privacy=Privacy.DOCUMENT)
    void_reason: str = optional("why a held row was never written", privacy=Privacy.NONE)


class ActionHistory(Table):
    """Every status an action took, and each PENDING of core banking. One row per change (action_id, version). No identifier.

    Source: the ledger, in the transaction that changed the action.
    """

    action_id: str = column("the action", privacy=Privacy.IDENTIFIER, str_matches=UUID)
    version: pl.Int64 = column("1, 2, 3, … of this action", gt=0)
    status: str = column("held, exported, applied, already_applied, rejected, void", isin=list(ActionStatus))
    known_at: Instant = column("from when on our ledger said so")
    reported_at: Instant = optional(
        "when core banking says it happened, or, while it is exported, that it is not done yet; null: it did not say"
    )
    status_code: str = optional("core banking's code; null: none was given", privacy=Privacy.TEXT)
    run_id: str = optional("the run that decided it; null: a receipt did", privacy=Privacy.NONE)
    source: str = optional("file name of the receipt; null: it is our own doing", privacy=Privacy.TEXT)


class OutboxFiles(Table):
    """Every file handed to core banking. One row per file. No personal data."""

    seq: pl.Int64 = column("sequence number, from 1, without gap", unique=True, gt=0)
    file_id: str = column("id of the file", unique=True, str_matches=UUID)
    base_name: str = column("its name without ending", privacy=Privacy.NONE)
    created_at: Instant = column("when it was committed")
    run_id: str = column("the run that wrote it", privacy=Privacy.NONE)
    sha256: str = column("hash of the .jsonl", privacy=Privacy.HASH, str_matches=SHA256)
    prev_sha256: str = optional(
        "hash of the .jsonl before it; null for the first", privacy=Privacy.HASH, str_matches=SHA256
    )
    action_count: pl.Int64 = column("number of action rows", ge=0)


class Receipts(Table):
    """Every receipt of core banking that was read. One row per version of a receipt (its bytes). No personal data."""

    name: str = column("file name; what no terminal should get is escaped", privacy=Privacy.TEXT)
    sha256: str = optional(
        "hash of the receipt's bytes; null: they were not read", privacy=Privacy.HASH, str_matches=SHA256
    )
    read_at: Instant = column("when it was read")
    outcome: str = column("taken, set_aside, or reading (the run ended before it was done)", isin=list(ReceiptOutcome))
    detail: str = column("what it changed, or why it was set aside", privacy=Privacy.NONE)
    seq: pl.Int64 = optional("the outbox file it is for; null: it was set aside")
    file_id: str = optional("id of that file; null as above", str_matches=UUID)
    unknown_action_count: pl.Int64 = optional("actions it names that do not stand in the file; null as above", ge=0)
    future_time_count: pl.Int64 = optional("times it gives that were later than the reading; null as above", ge=0)
    gone_at: Instant = optional(
        "when the file was gone from the folder, of a receipt that needs a person; null: it stands there"
    )


class Reviews(Table):
    """What people did about REVIEW actions. One row per recorded outcome (action_id, review_no). No national identifier.

    Source: `konkurs review`. Rows are only ever added: of several for one action, the highest review_no counts.
    """

    class Config(Table.Config):
        """An outcome is recorded once under its number."""

        unique = ("action_id", "review_no")

    action_id: str = column("the REVIEW", privacy=Privacy.IDENTIFIER, str_matches=UUID)
    review_no: pl.Int64 = column("1 for the first outcome of this action, 2 for one that corrects it, …", gt=0)
    outcome: str = column("what was done, in one word (docs/case-officers.md)", isin=[o.value for o in ReviewOutcome])
    reviewed_at: Instant = column("when the outcome was recorded")
    reviewed_by: str = column("who recorded it", privacy=Privacy.NAME)
    reviewed_os_user: str = optional(
        "the operating system's user who recorded it; null: before this was recorded", privacy=Privacy.NAME
    )
    note: str = column("what was found, and why it was so decided", privacy=Privacy.TEXT)


class Enforcement(Table):
    """Whether what was asked of an account holds. One row per BLOCK or REOPEN of an account (action_id).

    Source: the actions, core banking's receipts, and the register that was accepted last. No national identifier.
    """

    action_id: str = column("the BLOCK or REOPEN", privacy=Privacy.IDENTIFIER, unique=True, str_matches=UUID)
    customer_ref: str = column("the bank's reference of the customer", privacy=Privacy.REFERENCE)
    account_no: str = column("kontonummer", source="kontonummer", privacy=Privacy.IDENTIFIER)
    action: str = column("what we asked: BLOCK or REOPEN", isin=["BLOCK", "REOPEN"])
    status: str = column("what core banking answered; exported: nothing yet", isin=list(ActionStatus))
    confirmed_at: Instant = optional("when it says it did so, or refused; null: no answer yet")
    register_says_blocked: bool = optional("is_blocked of the account in the register; null: it does not say")
    register_accepted_at: Instant = optional("when that register was accepted; null: none was")
    holds: bool = optional(
        "whether a register accepted after the action was carried out agrees with it; null: there is no evidence, or the "
        "action was replaced (a REOPEN followed, or another BLOCK of ours stands)"
    )


class Alarms(Table):
    """Every alarm that was raised, and when it cleared. One row per raising (kind, raised_at). No personal data."""

    kind: str = column("which alarm (docs/runbook.md)", isin=list(AlarmKind))
    severity: str = column("error or warning", isin=list(Severity))
    raised_at: Instant = column("when it was first seen")
    cleared_at: Instant = optional("when it was seen to be over; null: it is raised still")
    # It may name an action, whose id is computed from an account number.
    message: str = column("what was found last", privacy=Privacy.DOCUMENT)
