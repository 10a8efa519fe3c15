"""Decide: drop actions already written, and commit the rest with the outbox file.

Every poll decides everything. It folds only debtors that a match or an earlier action concerns: one in twenty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import polars as pl

from konkurs_pipeline.contracts.outbox import Header
from konkurs_pipeline.domain.actions.policy import decide_actions
from konkurs_pipeline.domain.actions.settlement import Settlement, settle
from konkurs_pipeline.domain.actions.situation import Account, Situation
from konkurs_pipeline.domain.estates import fold_estates
from konkurs_pipeline.domain.matching import Doubt, Match, MatchedVia
from konkurs_pipeline.domain.notices import QuarantineReason, notices_of
from konkurs_pipeline.domain.outcomes import IssueCode
from konkurs_pipeline.steps.list.notices import PolledNotices
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.handoff import decisions, enforcement
from konkurs_pipeline.storage.handoff.decisions import RunDecision
from konkurs_pipeline.storage.ledger import polls, quarantine
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.ledger.quarantine import Entry
from konkurs_pipeline.storage.register.accepted import Snapshot
from konkurs_pipeline.storage.register.matched_accounts import accounts_of


@dataclass(frozen=True)
class ActionCounts:
    """How many actions a poll wrote, by kind and by reason, held, and made void."""

    header: Header
    written: Mapping[str, int]
    by_reason: Mapping[str, int]
    held: int
    void: int


def decide(poll: Poll, snapshot: Snapshot | None, polled: PolledNotices) -> ActionCounts:
    """Commit the poll's decisions, its outbox file and its end in one transaction.

    `polled`: the list that this poll read: a run decides only on what the service says now.
    """
    ledger, settings, now = poll.store.ledger, poll.settings, poll.now()
    matched = poll.store.lake.read("customer_matches")
    situation = present_situation(ledger, snapshot, polled.known, matched)
    settlement = _settle(ledger, situation, settings.max_blocks_per_run)
    waiting = len(settlement.hold) + _still_held(ledger, settlement)
    if waiting:
        message = f"{waiting} BLOCK rows are held: look at them with `konkurs held`, then `konkurs release`"
        poll.report(IssueCode.BLOCKS_HELD, message)
    days = poll.window.from_workday, poll.window.to_workday
    decision = RunDecision(poll.run_id, now, *days, snapshot.id if snapshot else None, settlement)
    with ledger.transaction():
        header = decisions.commit(ledger, decision, bank=settings.bank_id, environment=settings.environment.value)
        polls.end(ledger, poll.run_id, now, is_decided=True)
        enforcement.refresh(ledger, snapshot)
    return ActionCounts(
        header,
        decisions.counts(settlement.write),
        Counter(f"{action.kind.value}: {action.reason}" for action in settlement.write),
        len(settlement.hold),
        len(settlement.void),
    )


def _settle(ledger: Ledger, situation: Situation, max_blocks: int) -> Settlement:
    asked = decide_actions(situation)
    return settle(
        asked,
        written=decisions.written_ids(ledger, [action.action_id for action in asked]),
        held=decisions.held_rows(ledger),
        states={estate.opening.uuid: estate.state for estate in situation.fold.estates},
        max_blocks=max_blocks,
    )


def _still_held(ledger: Ledger, settlement: Settlement) -> int:
    """Return how many rows were held before and still are."""
    going_out = {action.action_id for action in settlement.write}
    held = decisions.held_rows(ledger)
    return sum(row.action_id not in going_out and row.action_id not in settlement.void for row in held)


def present_situation(
    ledger: Ledger, snapshot: Snapshot | None, notices: pl.DataFrame, matched: pl.DataFrame
) -> Situation:
    """Gather the facts for the decision.

    `notices`: NOTICE_COLUMNS of every notice that is stored; `matched`: the table `customer_matches`.
    """
    open_entries = quarantine.open_entries(ledger)
    issued = decisions.issued_actions(ledger)
    matches = [*_present_matches(matched, snapshot), *_matches_of_changed_versions(open_entries, snapshot)]
    uuids = {match.notice_uuid for match in matches} | {action.notice_uuid for action in issued}
    concerned = notices_of(_of_same_debtors(notices, uuids))
    return Situation(
        fold=fold_estates(concerned),
        notices=concerned,
        matches=matches,
        accounts=_accounts(snapshot, {match.customer_ref for match in matches}),
        flaws=quarantine.flaws(open_entries),
        issued=issued,
    )


def _of_same_debtors(notices: pl.DataFrame, uuids: Iterable[str]) -> pl.DataFrame:
    """Return every notice of the debtors of these notices: a sletting need not match a customer itself."""
    named = pl.Series(sorted(uuids), dtype=pl.String)
    debtors = notices.filter(pl.col("uuid").is_in(named.implode()))["debtor_id"].unique()
    return notices.filter(pl.col("debtor_id").is_in(debtors.implode()))


def _present_matches(matched: pl.DataFrame, snapshot: Snapshot | None) -> list[Match]:
    """Return the matches that still hold in the present register."""
    if snapshot is None:
        return []
    present = matched.filter(pl.col("gone_at").is_null())
    return [
        Match(notice_uuid, customer_ref, MatchedVia(via), Doubt(doubt) if doubt else None)
        for notice_uuid, customer_ref, via, doubt in present.select(
            "notice_uuid", "customer_ref", "matched_via", "doubt"
        ).iter_rows()
    ]


def _matches_of_changed_versions(entries: Sequence[Entry], snapshot: Snapshot | None) -> list[Match]:
    """Match the debtor that a changed notice names now: a person looks at the customers of both versions.

    These matches never block: as long as the entry is open, the notice can lead to REVIEW only. The notice that ends its
    bankruptcy informs these customers too.
    """
    named = {
        entry.uuid: entry.debtor_id
        for entry in entries
        if entry.reason is QuarantineReason.CHANGED_NOTICE and entry.uuid and entry.debtor_id
    }
    if snapshot is None or not named:
        return []
    columns = ("national_id", "customer_ref", "is_former", "is_flagged")
    found = snapshot.customers_with(set(named.values())).select(columns)
    return [
        Match(
            uuid,
            ref,
            MatchedVia.FORMER_ID if is_former else MatchedVia.DEBTOR,
            Doubt.CUSTOMER_IDENTIFIER_INVALID if is_flagged else None,
        )
        for uuid, debtor_id in named.items()
        for national_id, ref, is_former, is_flagged in found.iter_rows()
        if national_id == debtor_id
    ]


def _accounts(snapshot: Snapshot | None, customer_refs: Collection[str]) -> Mapping[str, Sequence[Account]] | None:
    rows = accounts_of(snapshot, customer_refs) if snapshot else None
    if rows is None:
        return None
    ordered = rows.select("customer_ref", "account_no", "relation", "is_blocked", "is_flagged", "opened_at", "owners")
    return {ref: [_account(row[1:]) for row in group] for ref, group in groupby(ordered.iter_rows(), lambda r: r[0])}


def _account(row: tuple[Any, ...]) -> Account:
    account_no, relation, is_blocked, is_flagged, opened_at, owners = row
    all_owners = frozenset(owners.split("\n") if owners else ())
    return Account(account_no, relation, is_blocked, is_flagged, opened_at, all_owners)
