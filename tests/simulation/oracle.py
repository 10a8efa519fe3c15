"""What the bank must have been asked to do, written from DOMAIN and INTERFACES § 5 alone: nothing of `domain/` is used here.

The oracle is told what was delivered to the pipeline (notices, datasets, register, receipts) and says which rows a poll
must write. It is plain rather than clever, so that a reader can hold it against the contract line by line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Row(NamedTuple):
    """An action row: what is asked, of whom, by which notice. `account` null: the customer as a whole."""

    action: str
    customer: str
    account: str | None
    notice: str


class Told(NamedTuple):
    """A notice as it was first delivered; `at` sorts as text. `invalid`: the debtor's number fails its check."""

    uuid: str
    type: str
    at: str
    debtor: str
    invalid: bool = False
    flawed: bool = False


class Unit(NamedTuple):
    """A linked unit of a dataset; `doubtful`: of a form nobody knows."""

    number: str
    doubtful: bool = False


class Customer(NamedTuple):
    """A customer with its numbers; `invalid`: the present one fails its check."""

    ref: str
    number: str
    former: tuple[str, ...] = ()
    invalid: bool = False


class Account(NamedTuple):
    """An account; `blocked`: what the register says, null where it says nothing."""

    number: str
    customer: str
    relation: str = "owner"
    blocked: bool | None = False


@dataclass
class Estate:
    """An opening, and what became of it."""

    opening: Told
    state: str = "open"
    ended_by: Told | None = None


AFTER = {"sletting": "deleted", "oppheving": "revoked", "avslutning": "closed"}


@dataclass
class Oracle:
    """All that was delivered and asked for so far. `written`: row → whether its account was blocked before it."""

    limit: int
    notices: dict[str, Told] = field(default_factory=dict)
    other_debtor: dict[str, str] = field(default_factory=dict)
    units: dict[str, tuple[Unit, ...]] = field(default_factory=dict)
    contradicting: set[str] = field(default_factory=set)
    ahead: set[str] = field(default_factory=set)
    rejected: set[Row] = field(default_factory=set)
    written: dict[Row, bool | None] = field(default_factory=dict)
    held: dict[Row, bool] = field(default_factory=dict)
    lifted: set[Row] = field(default_factory=set)

    def use_register(self, customers: Iterable[Customer], accounts: Iterable[Account]) -> None:
        """Take this register from now on."""
        self._having: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
        for customer in customers:
            for number in {customer.number, *customer.former}:
                self._having[number].append((customer.ref, customer.invalid and number == customer.number))
        self._accounts = list(accounts)

    def judge(self, rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
        """Hold the rows of a poll against what it must write; returns (lost, wrong), and goes on from what was written."""
        self._lifted_by: dict[Row, Row] = {}
        given, ought = set(rows), self._ought() - set(self.written)
        blocks = {row for row in ought if row.action == "BLOCK"}
        self.held = {row: released for row, released in self.held.items() if row in blocks}
        fresh = blocks - set(self.held)
        must = (ought - blocks) | {row for row, released in self.held.items() if released}
        within_limit = min(self.limit, len(fresh))
        lost = (
            sorted(must - given, key=str) + sorted(fresh - given, key=str)[: max(0, within_limit - len(given & fresh))]
        )
        wrong = sorted(given - must - fresh, key=str) + sorted(given & fresh, key=str)[within_limit:]
        self.held = {row: is_released for row, is_released in self.held.items() if row not in given}
        self.held |= dict.fromkeys(fresh - given, False)
        blocked = {account.number: account.blocked for account in self._accounts}
        self.written |= {row: blocked.get(row.account or "") for row in given}
        self.lifted |= {self._lifted_by[row] for row in given if row in self._lifted_by}
        return lost, wrong

    def _ought(self) -> set[Row]:
        numbers, acted_on = self._having.keys(), {row.notice for row in self.written}
        concerned = defaultdict(list)
        debtors = {n.debtor for n in self.notices.values() if n.uuid in acted_on or self._numbers(n).keys() & numbers}
        for notice in self.notices.values():
            if notice.debtor in debtors:
                concerned[notice.debtor].append(notice)
        estates = [estate for notices in concerned.values() for estate in fold(notices)]
        opening_of = {estate.ended_by.uuid: estate.opening for estate in estates if estate.ended_by}
        rows = {row for estate in estates if estate.state == "open" for row in self._of_open(estate.opening)}
        rows |= {row for estate in estates if estate.state == "deleted" for row in self._of_deleted(estate, estates)}
        for notice in (notice for notices in concerned.values() for notice in notices):
            rows |= self._told(notice, opening_of.get(notice.uuid))
        return rows

    def _flawed(self, notice: Told) -> bool:
        of_its_own = notice.invalid or notice.flawed or notice.uuid in self.ahead
        return of_its_own or notice.uuid in self.contradicting or notice.uuid in self.other_debtor

    def _numbers(self, notice: Told) -> dict[str, bool]:
        """Return the numbers a notice is about → whether there is a doubt about each."""
        numbers = {unit.number: unit.doubtful for unit in self.units.get(notice.uuid, ())}
        if notice.uuid in self.other_debtor:
            numbers[self.other_debtor[notice.uuid]] = False
        return numbers | {notice.debtor: notice.invalid}

    def _matches(self, notice: Told) -> dict[str, bool]:
        """Return the customers a notice is about → whether there is a doubt about it."""
        found: dict[str, bool] = {}
        for number, doubt in self._numbers(notice).items():
            for ref, invalid in self._having.get(number, ()):
                found[ref] = found.get(ref, True) and (doubt or invalid)
        return found

    def _of_open(self, opening: Told) -> set[Row]:
        rows: set[Row] = set()
        for ref, doubt in {} if self._flawed(opening) else self._matches(opening).items():
            if doubt:
                rows.add(Row("REVIEW", ref, None, opening.uuid))
            for account in self._accounts if not doubt else ():
                block = Row("BLOCK", ref, account.number, opening.uuid)
                if account.customer == ref:
                    is_ours = account.relation == "owner" and block not in self.lifted
                    rows.add(block if is_ours else block._replace(action="REVIEW"))
        return rows

    def _of_deleted(self, estate: Estate, estates: Iterable[Estate]) -> set[Row]:
        sletting, rows = estate.ended_by, set[Row]()
        if sletting is None or self._flawed(sletting):
            return rows
        holding = {other.opening.uuid for other in estates if other.state == "open"}
        held = {ref for uuid in holding for ref in self._matches(self.notices[uuid])}
        held |= {
            r.customer for r in self.written if r.action == "BLOCK" and r.notice in holding and r not in self.lifted
        }
        for block, was_blocked in self.written.items():
            if block.action == "BLOCK" and block.notice == estate.opening.uuid and block not in self.lifted:
                may_reopen = not was_blocked and block not in self.rejected and block.customer not in held
                row = Row("REOPEN" if may_reopen else "REVIEW", block.customer, block.account, sletting.uuid)
                rows.add(row)
                self._lifted_by |= {row: block} if may_reopen else {}
        return rows

    def _told(self, notice: Told, opening: Told | None) -> set[Row]:
        """Return what a notice that is flawed, or is no opening, tells the customers it and its opening are about."""
        flawed = self._flawed(notice)
        matches = self._matches(notice)
        if opening is not None and (flawed or notice.type != "sletting"):
            matches = self._matches(opening) | matches
        if flawed:
            blocked = {r.customer for r in self.written if r.action == "BLOCK" and opening and r.notice == opening.uuid}
            return {Row("REVIEW", ref, None, notice.uuid) for ref in blocked | matches.keys()}
        if notice.type not in AFTER or (notice.type == "sletting" and opening is not None):
            return set()
        kind = "INFORM" if notice.type == "avslutning" else "REVIEW"
        return {Row("REVIEW" if doubt else kind, ref, None, notice.uuid) for ref, doubt in matches.items()}


def fold(notices: Iterable[Told]) -> list[Estate]:
    """Return one debtor's estates."""
    estates: list[Estate] = []
    for notice in sorted(notices, key=lambda notice: (notice.at, notice.uuid)):
        fits = [e for e in estates if e.state == "open" or (notice.type == "sletting" and e.state != "deleted")]
        if notice.type == "aapning":
            estates.append(Estate(notice))
        elif notice.type in AFTER and fits:
            fits[-1].state, fits[-1].ended_by = AFTER[notice.type], notice
    return estates
