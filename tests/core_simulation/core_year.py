"""One seed, one bank-year of the pure core without a disk, against the oracle.

A year has a judged register, matching, fold, decide, settle, releases, receipts and people's answers.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import polars as pl

from konkurs_pipeline.domain.actions.policy import decide_actions
from konkurs_pipeline.domain.actions.rows import NEVER_WRITTEN, Action, ActionKind, ActionStatus, Issued
from konkurs_pipeline.domain.actions.settlement import HeldBlock, Settlement, settle
from konkurs_pipeline.domain.actions.situation import Account, Situation
from konkurs_pipeline.domain.documents.datasets import Role
from konkurs_pipeline.domain.estates import fold_estates
from konkurs_pipeline.domain.identifiers import identify
from konkurs_pipeline.domain.matching import Doubt, Match, MatchedVia, match_customers
from konkurs_pipeline.domain.notices import QuarantineReason
from konkurs_pipeline.register.rules import Limits, judge_accounts, judge_customers
from tests.core_simulation.life import Event, Life, pick
from tests.core_simulation.met import Met
from tests.domain.invented import issued_as
from tests.simulation.oracle import Notified, Oracle, Row, Unit

_LIMIT: Final = 5
_LAX: Final = Limits(synthetic_allowed=True, max_invalid=1.0)
_ANSWERS: Final = (ActionStatus.APPLIED, ActionStatus.ALREADY_APPLIED, ActionStatus.EXPORTED, ActionStatus.REJECTED)
_DONE: Final = {ActionStatus.APPLIED, ActionStatus.ALREADY_APPLIED}
_VIAS: Final[Mapping[str, MatchedVia]] = {via.value: via for via in MatchedVia}
_DOUBTS: Final[Mapping[str | None, Doubt | None]] = {None: None, **{doubt.value: doubt for doubt in Doubt}}
_PARTY: Final = {
    "notice_uuid": pl.String,
    "workday": pl.Date,
    "national_id": pl.String,
    "id_kind": pl.String,
    "role": pl.String,
    "organisation_form": pl.String,
}


@dataclass
class LedgerRow:
    """What the ledger in memory knows of an action. `seq`: the last poll that decided it."""

    action: Action
    status: ActionStatus
    seq: int
    is_released: bool = False

    def __post_init__(self) -> None:
        """Compute the action's id once, because it is a hash."""
        action = self.action
        self.row = Row(action.kind.value, action.customer_ref, action.account_no, action.notice.uuid)
        self._issued = issued_as(action, self.status, seq=self.seq)

    @property
    def issued(self) -> Issued:
        """The action as the ledger knows it now."""
        if self._issued.status is not self.status:
            self._issued = replace(self._issued, status=self.status)
        return self._issued


class CoreYear:
    """The simulation of one seed. `failures`: one line for each lost, doubled or wrong row."""

    def __init__(self, seed: int, day_count: int = 365) -> None:
        self._seed = seed
        self._first = dt.date(2020, 1, 1) + dt.timedelta(days=seed % 300)
        self._days = [self._first + dt.timedelta(days=n) for n in range(day_count)]
        self._life = Life(seed, self._first)
        self._rng = self._life.rng
        self._oracle = Oracle(_LIMIT)
        self._ledger: dict[str, LedgerRow] = {}
        self._polls = 0
        self._account_rows: tuple[tuple[str, ...], ...] = ()
        self._judged: pl.DataFrame | None = None
        self._by_customer: dict[str, list[Account]] = {}
        self.met = Met(bank_years=day_count / 365)
        self.failures: list[str] = []

    def run(self) -> Met:
        """Simulate the year, a poll or two a workday; returns the counts of what occurred."""
        for day in self._days:
            self._life.go_on(day)
            if day.weekday() < 5:
                for _ in range(self._rng.choice((1, 1, 1, 2))):
                    self._people_and_receipts()
                    self._poll(day)
        self.met.polls, self.met.notices = self._polls, len(self._oracle.notices)
        return self.met

    # Between two polls

    def _people_and_receipts(self) -> None:
        if pick(self._rng, 0.3):
            self._release()
        for row in self._ledger.values():
            if row.seq and row.status not in NEVER_WRITTEN and pick(self._rng, 0.05):
                self._answer(row)
        self._oracle.rejected = {
            row.row
            for row in self._ledger.values()
            if row.action.kind is ActionKind.BLOCK and row.status is ActionStatus.REJECTED
        }

    def _release(self) -> None:
        for row in self._ledger.values():
            row.is_released = row.is_released or row.status is ActionStatus.HELD
        self._oracle.held = dict.fromkeys(self._oracle.held, True)

    def _answer(self, row: LedgerRow) -> None:
        """Let core banking answer a row, or a person a REVIEW. A carried-out row stays so; `blocked` blocks by hand."""
        if row.action.kind in (ActionKind.BLOCK, ActionKind.REOPEN):
            if row.status not in _DONE:
                row.status = self._rng.choices(_ANSWERS, (14, 2, 3, 2))[0]
        elif row.action.kind is ActionKind.REVIEW:
            number = row.action.account_no
            numbers = [number] if number else self._life.numbers_of(row.action.customer_ref)
            change = self._rng.choice((set.update, set.difference_update, None, None))
            if change is not None:
                change(self._life.blocked_by_hand, numbers)

    # A poll

    def _poll(self, day: dt.date) -> None:
        self._polls += 1
        visible = [event for event in self._life.events if event.visible_on <= day]
        self._rng.shuffle(visible)
        self._give_to_oracle(visible, day)
        situation = self._situation(visible, day)
        asked = decide_actions(situation)
        held = [row for row in self._ledger.values() if row.status is ActionStatus.HELD]
        settlement = settle(
            asked,
            written={uid for uid, row in self._ledger.items() if row.status not in NEVER_WRITTEN},
            held=[HeldBlock(row.issued.action_id, row.action.notice.uuid, row.is_released) for row in held],
            states={estate.opening.uuid: estate.state for estate in situation.fold.estates},
            max_blocks=_LIMIT,
        )
        self._judge(settlement)
        self._keep(settlement)

    def _judge(self, settlement: Settlement) -> None:
        rows = [LedgerRow(action, ActionStatus.EXPORTED, self._polls) for action in settlement.write]
        lost, wrong = self._oracle.judge(row.row for row in rows)
        where = f"seed {self._seed}, poll {self._polls}"
        self.failures += [f"{where}: lost {row}" for row in lost] + [f"{where}: wrong {row}" for row in wrong]
        known = {uid for uid, row in self._ledger.items() if row.status not in NEVER_WRITTEN}
        for row in rows:
            may_say = self._oracle.why.get(row.row, set())
            if may_say and _kind_of(row.action.reason) not in may_say:
                self.failures.append(f"{where}: {row.row} says {row.action.reason}, not one of {may_say}")
            if row.action.action_id in known:
                self.failures.append(f"{where}: doubled {row.row}")
        orders = [action.order for action in settlement.write]
        if orders != sorted(orders):
            self.failures.append(f"{where}: rows do not stand in the order to carry them out")

    def _keep(self, settlement: Settlement) -> None:
        for action in settlement.write:
            self._ledger[action.action_id] = LedgerRow(action, ActionStatus.EXPORTED, self._polls)
            self.met.note(action)
        for action in settlement.hold:
            self._ledger[action.action_id] = LedgerRow(action, ActionStatus.HELD, 0)
            self.met.fates["held"] += 1
        for uid, reason in settlement.void.items():
            fate = f"void after release: {reason}" if self._ledger[uid].is_released else f"void: {reason}"
            self.met.fates[fate] += 1
            self._ledger[uid].status = ActionStatus.VOID

    # The input of the core

    def _situation(self, visible: Sequence[Event], day: dt.date) -> Situation:
        customers = tuple((c.ref, c.number, " ".join(c.former), "") for c in self._life.customers)
        judged, identifiers = _judged_customers(customers)
        matched = match_customers(_parties(visible, day), identifiers)
        matches = [
            Match(uid, ref, _VIAS[via], _DOUBTS[doubt])
            for uid, ref, via, doubt in matched.select(
                "notice_uuid", "customer_ref", "matched_via", "doubt"
            ).iter_rows()
        ]
        notices = [event.notice for event in visible]
        return Situation(
            fold_estates(notices),
            notices,
            [*matches, *self._matches_of_changed(visible, identifiers)],
            self._accounts(judged, day),
            {event.notice.uuid: flaw.value for event in visible if (flaw := _flaw_of(event, day))},
            [row.issued for row in self._ledger.values()],
        )

    def _accounts(self, customers: pl.DataFrame, day: dt.date) -> dict[str, list[Account]] | None:
        accounts = self._life.accounts(day, self._blocked_by_us())
        if accounts is None:
            return None
        rows = tuple((a.number, a.customer, a.relation, "", a.opened) for a in accounts)
        if rows != self._account_rows or customers is not self._judged:
            self._account_rows, self._judged = rows, customers
            self._by_customer = _judged_accounts(rows, customers)
        blocked = {account.number: account.blocked for account in accounts}
        return {
            ref: [replace(one, is_blocked=blocked[one.account_no]) for one in of_one]
            for ref, of_one in self._by_customer.items()
        }

    def _blocked_by_us(self) -> set[str]:
        """Return the accounts that core banking has blocked for us; it did not carry out rejected rows."""
        lifted = {
            row.action.caused_by
            for row in self._ledger.values()
            if row.action.kind is ActionKind.REOPEN and row.status in _DONE
        }
        return {
            row.action.account_no
            for uid, row in self._ledger.items()
            if row.action.kind is ActionKind.BLOCK
            and row.status in _DONE
            and uid not in lifted
            and row.action.account_no
        }

    @staticmethod
    def _matches_of_changed(visible: Iterable[Event], identifiers: pl.DataFrame) -> list[Match]:
        having: defaultdict[str, list[tuple[str, Doubt | None]]] = defaultdict(list)
        for number, ref, is_flagged in identifiers.select("national_id", "customer_ref", "is_flagged").iter_rows():
            having[number].append((ref, Doubt.CUSTOMER_IDENTIFIER_INVALID if is_flagged else None))
        return [
            Match(event.notice.uuid, ref, MatchedVia.DEBTOR, doubt)
            for event in visible
            if event.other_debtor
            for ref, doubt in having[event.other_debtor]
        ]

    def _give_to_oracle(self, visible: Iterable[Event], day: dt.date) -> None:
        oracle, life = self._oracle, self._life
        for event in visible:
            uid = event.notice.uuid
            if uid not in oracle.notices:
                self.met.note_arrival(event.notice, oracle.notices.values())
                oracle.notices[uid] = _for_oracle(event)
            if event.other_debtor:
                oracle.other_debtor[uid] = event.other_debtor
            if _is_doubted(event, day):
                oracle.contradicting.add(uid)
            elif _has_document(event, day):
                oracle.contradicting.discard(uid)
                oracle.units[uid] = tuple(Unit(number, doubtful) for number, doubtful in event.units.items())
        oracle.use_register(life.customers, life.accounts(day, self._blocked_by_us()))


@lru_cache(maxsize=2)
def _judged_customers(rows: tuple[tuple[str, ...], ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    columns = ["customer_ref", "national_id", "former_ids", "name"]
    raw = pl.DataFrame(list(rows), schema=dict.fromkeys(columns, pl.String), orient="row")
    return judge_customers(raw, "customers.csv", _LAX)


def _judged_accounts(rows: tuple[tuple[str, ...], ...], customers: pl.DataFrame) -> dict[str, list[Account]]:
    columns = ["account_no", "customer_ref", "relation", "is_blocked", "opened_at"]
    raw = pl.DataFrame(list(rows), schema=dict.fromkeys(columns, pl.String), orient="row")
    judged = judge_accounts(raw, "accounts.csv", customers, _LAX).accounts
    found: defaultdict[str, list[Account]] = defaultdict(list)
    for number, ref, relation, is_blocked, opened_at, is_flagged, owners in judged.iter_rows():
        all_owners = frozenset(owners.split("\n") if owners else ())
        found[ref].append(Account(number, relation, is_blocked, is_flagged, opened_at, all_owners))
    return found


def _for_oracle(event: Event) -> Notified:
    notice = event.notice
    return Notified(
        notice.uuid,
        notice.type,
        notice.registered_at_text,
        notice.debtor_id,
        invalid=event.flaw is QuarantineReason.INVALID_DEBTOR,
        flawed=event.flaw not in (None, QuarantineReason.INVALID_DEBTOR),
        ruled=notice.ruling_date.isoformat() if notice.ruling_date else "",
    )


def _has_document(event: Event, day: dt.date) -> bool:
    return event.document_on is not None and event.document_on <= day


def _is_doubted(event: Event, day: dt.date) -> bool:
    return _has_document(event, day) and event.doubted_until is not None and day < event.doubted_until


def _flaw_of(event: Event, day: dt.date) -> QuarantineReason | None:
    if event.flaw is not None:
        return event.flaw
    if event.other_debtor is not None:
        return QuarantineReason.CHANGED_NOTICE
    return QuarantineReason.DATASET_CONTRADICTS if _is_doubted(event, day) else None


def _parties(visible: Iterable[Event], day: dt.date) -> pl.DataFrame:
    rows: list[tuple[str, dt.date, str, str, str, str | None]] = []
    for event in visible:
        uid, debtor = event.notice.uuid, event.notice.debtor_id
        rows.append((uid, day, debtor, _kind(debtor), Role.DEBTOR.value, None))
        if _has_document(event, day) and not _is_doubted(event, day):
            rows += [
                (uid, day, number, _kind(number), Role.LINKED_UNIT.value, "ANS" if is_unknown else "ENK")
                for number, is_unknown in event.units.items()
            ]
    return pl.DataFrame(list(zip(*rows, strict=True)), schema=_PARTY) if rows else pl.DataFrame(schema=_PARTY)


@lru_cache(maxsize=1000)
def _kind(number: str) -> str:
    return identify(number, synthetic_allowed=True).value


def _kind_of(reason: str) -> str:
    if reason in set(Doubt):
        return "a doubt"
    return "a flaw" if reason in set(QuarantineReason) else reason
