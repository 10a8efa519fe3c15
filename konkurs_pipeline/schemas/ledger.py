"""The ledger's tables of what the pipeline did and received: polls, answers, accepted registers, quarantine.

All instants (`_at`) are UTC. What a column declares: table.py. What does not belong here: how a table is filled.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from konkurs_pipeline.domain.notices import NoticeType, QuarantineReason
from konkurs_pipeline.domain.outcomes import IssueCode, Outcome
from konkurs_pipeline.domain.retention import RetentionRule
from konkurs_pipeline.domain.second_source import ComparisonOutcome, DifferenceKind
from konkurs_pipeline.schemas.table import SHA256, UUID, Instant, Privacy, Table, column, optional


class Registers(Table):
    """Every register of the bank that was accepted, also one that came back. One row per acceptance (accepted_at).

    Source: the bank's files (docs/settings.md). The rows themselves are kept for the last three only. No personal data.
    """

    register_id: str = column("id of the snapshot, from the hashes of the two files", str_matches=SHA256)
    accepted_at: Instant = column("from when on it was the one in use")
    customer_count: pl.Int64 = column("number of customers", ge=0)
    flagged_customer_count: pl.Int64 = column("of those, with an identifier that fails its check", ge=0)
    identifier_count: pl.Int64 = column("number of present and former identifiers", ge=0)
    account_count: pl.Int64 = optional("number of accounts; null: the bank gave no accounts file", ge=0)
    flagged_account_count: pl.Int64 = optional("of those, with something that fails its check; null: as above", ge=0)
    run_id: str = column("the run that took it in", privacy=Privacy.NONE)
    respelled_count: pl.Int64 = optional(
        "values that were spelled otherwise and read; null: accepted before this was counted", ge=0
    )
    unread_former_id_count: pl.Int64 = optional("entries of former_ids that are no identifier; null: as above", ge=0)
    withheld_count: pl.Int64 = optional(
        "customers whose reference holds their own number, and is withheld; null: as above", ge=0
    )


class Polls(Table):
    """Every run that polled or tried to. One row per run. No personal data."""

    run_id: str = column("Dagster's id of the run", privacy=Privacy.NONE, unique=True)
    started_at: Instant = column("when it began")
    ended_at: Instant = optional("when it ended; null: it is under way, or was killed")
    from_workday: dt.date = column("first workday asked for")
    to_workday: dt.date = column("last workday asked for")
    outcome: str = optional(
        "new, nothing_new, partial or failed; null: under way",
        isin=list(Outcome),
    )
    notices_seen: pl.Int64 = optional("notices of these workdays and the lookback in the answer")
    notices_new: pl.Int64 = optional("of those, never seen before")
    detail: str = optional("the messages of its issues, in one line for people", privacy=Privacy.DOCUMENT)


class PollIssues(Table):
    """What a poll could not get, or left for a person. One row per issue (run_id, number). No personal data."""

    run_id: str = column("the poll", privacy=Privacy.NONE)
    number: pl.Int64 = column("1, 2, 3, … of this poll, in the order they were found", gt=0)
    code: str = column("what it is, in one word", isin=list(IssueCode))
    message: str = column("the same in a sentence", privacy=Privacy.DOCUMENT)
    issue_count: pl.Int64 = optional("how many things it is about; null: not counted", ge=0)


class Quarantine(Table):
    """What could not be understood, or contradicts itself. One row per entry. Personal data: payload.

    While an entry of a notice is open, the notice can lead to REVIEW only. Tried again by every run.
    """

    entry_id: str = column(
        "the same problem has the same id in every run", privacy=Privacy.IDENTIFIER, unique=True, str_matches=UUID
    )
    uuid: str = optional("the notice; null if none could be read", source="uuid", privacy=Privacy.TEXT)
    workday: dt.date = optional("its workday; null if none could be read")
    reason: str = column("what is wrong, in one word", isin=[r.value for r in QuarantineReason])
    detail: str = column("what is wrong, in a sentence", privacy=Privacy.DOCUMENT)
    payload: str = column("what was received", privacy=Privacy.DOCUMENT)
    first_seen_at: Instant = column("when it was first seen")
    answer_sha256: str = optional("hash of the answer that held it", privacy=Privacy.HASH, str_matches=SHA256)
    debtor_id: str = optional(
        "debitor that what was set aside names; null: not read", source="debitor", privacy=Privacy.IDENTIFIER
    )
    resolved_at: Instant = optional("when it was found to be right after all; null: it is still open")


class Answers(Table):
    """Every answer of the service that was kept. One row per answer. The bytes are in the lake, named by their hash."""

    run_id: str = column("the run that received it", privacy=Privacy.NONE)
    resource: str = column("path of the request", privacy=Privacy.TEXT)
    fetched_at: Instant = column("when it was received")
    sha256: str = column("hash of its bytes", privacy=Privacy.HASH, str_matches=SHA256)
    byte_count: pl.Int64 = column("its size in bytes", ge=0)
    erased_at: Instant = optional("when an erasure searched it; null: never, so it is whole")
    kept_sha256: str = optional(
        "hash of what is kept of it since; null: no erasure searched it, or nothing is kept",
        privacy=Privacy.HASH,
        str_matches=SHA256,
    )
    is_look: bool = optional(
        "whether a light look received it, before the run that it started; null: the run itself did"
    )


class SecondSource(Table):
    """How Enhetsregisteret differs now from the bankruptcies we know. One row per difference. No national identifier.

    Source: the last comparison that could be made (docs/domain.md); a difference that is gone has no row.
    """

    difference_id: str = column(
        "the same difference has the same id in every comparison",
        privacy=Privacy.IDENTIFIER,
        unique=True,
        str_matches=UUID,
    )
    difference: str = column(
        "flagged_without_notice: a customer is flagged, and no bankruptcy is known; linked_unit_unmatched: the same for a "
        "sole proprietorship; notice_without_flag: a bankruptcy is open, and the unit is neither flagged nor deleted",
        isin=list(DifferenceKind),
    )
    customer_ref: str = optional(
        "the bank's reference of the customer; null: it is no customer's", privacy=Privacy.REFERENCE
    )
    opening_uuid: str = optional("the notice that opened the bankruptcy; null: none is known", str_matches=UUID)
    flag_date: dt.date = optional("the date of the flag; null: none is given", source="konkursdato")
    found_at: Instant = column("when a comparison first found it")
    seen_at: Instant = column("when a comparison last found it")


class SecondSourceComparisons(Table):
    """Every comparison with Enhetsregisteret that was tried. One row per comparison. No personal data."""

    compared_at: Instant = column("when it began")
    outcome: str = column(
        "compared; unreachable: it could not be asked; short_list: its list was far shorter than before",
        isin=list(ComparisonOutcome),
    )
    unit_count: pl.Int64 = optional("flagged units in its list; null: no list was had", ge=0)
    difference_count: pl.Int64 = optional("differences found; null: nothing was compared", ge=0)
    unjudged_count: pl.Int64 = optional("open bankruptcies whose unit was not answered for; null: as above", ge=0)
    detail: str = optional("what went wrong; null: nothing", privacy=Privacy.DOCUMENT)


class Erasures(Table):
    """Every erasure of personal data whose time had ended. One row per erasure and rule. No personal data.

    Source: `konkurs erase --apply` and the nightly job (docs/data-protection.md).
    """

    erasure_id: str = column("one run of the erasure", str_matches=UUID)
    rule: str = column("others, customers, or late (what came for an erased debtor)", isin=list(RetentionRule))
    started_at: Instant = column("when it was decided; from then on nothing of it is taken in again")
    finished_at: Instant = optional("when nothing of it was left; null: it was killed, and the next one finishes it")
    erased_by: str = column("who asked for it: a user of the machine, or the nightly job", privacy=Privacy.NAME)
    case_count: pl.Int64 = column("bankruptcies, and notices of none", ge=0)
    notice_count: pl.Int64 = column("notices", ge=0)
    document_count: pl.Int64 = column("expanded datasets", ge=0)
    quarantine_count: pl.Int64 = column("entries of the quarantine", ge=0)
    uuids_sha256: str = column("hash of the uuids of the notices, sorted, one a line", str_matches=SHA256)


class ErasedNotices(Table):
    """What stays of a notice that was erased. One row per notice (uuid). No number, name or document.

    Source: the erasure. A notice with this uuid is never taken in again.
    """

    uuid: str = column("Brreg's id of the notice", source="uuid", unique=True, str_matches=UUID)
    workday: dt.date = column("the workday the notice belonged to")
    type: str = column("varseltype as received", source="type", words=list(NoticeType))
    registered_at: Instant = column("registreringstidspunkt as an instant", source="registreringstidspunkt")
    first_seen_at: Instant = column("when an answer first held the notice")
    answer_sha256: str = column("hash of the answer that first held it", privacy=Privacy.HASH, str_matches=SHA256)
    erased_at: Instant = column("when it was erased")
    rule: str = column("why: others, customers or late", isin=list(RetentionRule))
    erasure_id: str = column("the erasure", str_matches=UUID)
    debtor_mark: str = column(
        "keyed hash of the debtor's number: tells a later notice for the same debtor; the key is in the ledger alone",
        privacy=Privacy.HASH,
        str_matches=SHA256,
    )
