"""Decide: what ought to be, less what was written before, committed together with the file that hands it over."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import polars as pl

from konkurs_pipeline.brreg.wire import parse_notice
from konkurs_pipeline.contracts.outbox import Header
from konkurs_pipeline.domain.actions import Account, Settlement, Situation, decide_actions, settle
from konkurs_pipeline.domain.estates import fold_estates
from konkurs_pipeline.domain.matching import Doubt, Match, MatchedVia
from konkurs_pipeline.domain.notices import QuarantineReason, notices_of
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.steps.notices import all_notices
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.steps.register import take_register
from konkurs_pipeline.steps.scope import Scope, find_scope
from konkurs_pipeline.storage.handoff import decisions
from konkurs_pipeline.storage.handoff.decisions import Decision
from konkurs_pipeline.storage.ledger import polls, quarantine
from konkurs_pipeline.storage.ledger.quarantine import Entry
from konkurs_pipeline.storage.snapshots import Snapshot

_LINK: Final = ("notice_uuid", "customer_ref")


@dataclass(frozen=True)
class ActionCounts:
    """What a poll wrote, by kind and by reason, what it held, and what it gave up."""

    header: Header
    written: Mapping[str, int]
    by_reason: Mapping[str, int]
    held: int
    void: int


def decide(poll: Poll) -> ActionCounts:
    """Commit the poll's decisions, its outbox file and its end in one transaction.

    Raises `UsageError` in a run that did not poll: a decision rests on what the service says now.
    """
    if not (poll.is_polling and poll.has_list):
        message = "actions are decided only by a run that polls: materialise all assets together (job konkurs_poll)"
        raise UsageError(message)
    snapshot = take_register(poll)
    scope, situation = present_situation(poll, snapshot)
    settlement = _settle(poll, situation)
    now = poll.now()
    decision = Decision(
        poll.run_id,
        now,
        poll.window.from_workday,
        poll.window.to_workday,
        snapshot.id if snapshot else None,
        settlement,
        scope.decided_from,
    )
    waiting = len(settlement.hold) + _still_held(poll, settlement)
    if waiting:
        poll.attention.append(
            f"{waiting} BLOCK rows are held: look at them with `konkurs held`, then `konkurs release`"
        )
    ledger, settings = poll.store.ledger, poll.settings
    with ledger.transaction():
        header = decisions.commit(ledger, decision, bank=settings.bank_id, environment=settings.environment.value)
        polls.end(ledger, poll.run_id, poll.outcome(), poll.detail(), now)
    poll.is_decided = True
    return ActionCounts(
        header,
        decisions.counts(settlement.write),
        Counter(f"{action.kind.value}: {action.reason}" for action in settlement.write),
        len(settlement.hold),
        len(settlement.void),
    )


def _settle(poll: Poll, situation: Situation) -> Settlement:
    ledger = poll.store.ledger
    ought, held = decide_actions(situation), decisions.held_rows(ledger)
    return settle(
        ought,
        written=decisions.written_ids(ledger, [action.action_id for action in ought]),
        held={row.action_id: row.is_released for row in held},
        states={estate.opening.uuid: estate.state for estate in situation.fold.estates},
        held_openings={row.action_id: row.opening_uuid for row in held},
        max_blocks=poll.settings.max_blocks_per_run,
    )


def _still_held(poll: Poll, settlement: Settlement) -> int:
    """Return how many rows that were held before are held on."""
    going_out = {action.action_id for action in settlement.write}
    held = decisions.held_rows(poll.store.ledger)
    return sum(row.action_id not in going_out and row.action_id not in settlement.void for row in held)


def present_situation(poll: Poll, snapshot: Snapshot | None) -> tuple[Scope, Situation]:
    """Gather what the decisions rest on, for the debtors whose decisions can have become others."""
    lake, ledger = poll.store.lake, poll.store.ledger
    notices = all_notices(poll)
    matched = lake.read("customer_matches")
    open_entries = quarantine.open_entries(ledger)
    of_versions = _matches_of_changed_versions(open_entries, snapshot)
    issued = [*decisions.block_and_reopen_links(ledger), *((m.notice_uuid, m.customer_ref) for m in of_versions)]
    links = pl.concat([matched.select(*_LINK, "workday"), _links(issued)], how="diagonal")
    scope = find_scope(poll, snapshot, notices, links)
    of_scope = notices.filter(pl.col("debtor_id").is_in(scope.debtors.implode()))
    in_scope = matched.filter(pl.col("notice_uuid").is_in(of_scope["uuid"].implode()))
    matches = [*_present_matches(in_scope, snapshot), *of_versions]
    concerned = notices_of(of_scope)
    return scope, Situation(
        fold=fold_estates(concerned),
        notices=concerned,
        matches=matches,
        accounts=_accounts(snapshot, {match.customer_ref for match in matches}),
        flaws=quarantine.flaws(open_entries),
        issued=decisions.issued_blocks_and_reopens(ledger, scope.customers.to_list()),
    )


def _links(pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema=dict.fromkeys(_LINK, pl.String), orient="row")


def _present_matches(matched: pl.DataFrame, snapshot: Snapshot | None) -> list[Match]:
    """Return the matches that the present snapshot still has."""
    if snapshot is None:
        return []
    present = snapshot.customers_with(matched["national_id"].unique().to_list())
    still = matched.join(present.select("national_id", "customer_ref"), on=["national_id", "customer_ref"], how="semi")
    return [
        Match(notice_uuid, customer_ref, MatchedVia(via), Doubt(doubt) if doubt else None)
        for notice_uuid, customer_ref, via, doubt in still.select(
            "notice_uuid", "customer_ref", "matched_via", "doubt"
        ).iter_rows()
    ]


def _matches_of_changed_versions(entries: Sequence[Entry], snapshot: Snapshot | None) -> list[Match]:
    """Match the debtor that a changed notice names now: whichever version is right, its customer must be looked at.

    As long as its entry is open the notice can lead to REVIEW only, so these matches never block.
    """
    changed = [entry for entry in entries if entry.reason is QuarantineReason.CHANGED_NOTICE]
    if snapshot is None or not changed:
        return []
    named = [parse_notice(json.loads(entry.payload)).notice for entry in changed]
    found = snapshot.customers_with({notice.debtor_id for notice in named})
    return [
        Match(notice.uuid, ref, MatchedVia.FORMER_ID if is_former else MatchedVia.DEBTOR)
        for notice in named
        for national_id, ref, is_former in found.select("national_id", "customer_ref", "is_former").iter_rows()
        if national_id == notice.debtor_id
    ]


def _accounts(snapshot: Snapshot | None, customer_refs: Collection[str]) -> Mapping[str, Sequence[Account]] | None:
    rows = snapshot.accounts_of(customer_refs) if snapshot else None
    if rows is None:
        return None
    ordered = rows.sort("customer_ref", "account_no").select(
        "customer_ref", "account_no", "relation", "is_blocked", "is_flagged"
    )
    return {ref: [Account(*row[1:]) for row in group] for ref, group in groupby(ordered.iter_rows(), lambda r: r[0])}
