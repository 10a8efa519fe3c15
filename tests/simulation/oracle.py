"""The rows that core banking must get, by docs/domain.md and docs/outbox.md alone. Nothing of `domain/` is used here.

The oracle gets the pipeline's input (notices, datasets, register, receipts) and gives the rows that a poll must write.
Its code is simple, so a reader can compare it with the documents line by line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Row(NamedTuple):
    """An action row: the action, the customer, the notice. `account` None: the customer as a whole."""

    action: str
    customer: str
    account: str | None
    notice: str


class Notified(NamedTuple):
    """A notice as it was first delivered; `at` sorts as text. `invalid`: the debtor's number fails its check.

    `ruled`: the ruling date as ISO text; empty if the notice has none.
    """

    uuid: str
    type: str
    at: str
    debtor: str
    invalid: bool = False
    flawed: bool = False
    ruled: str = ""


class Unit(NamedTuple):
    """A linked unit of a dataset. `doubtful`: its form is unknown."""

    number: str
    doubtful: bool = False


class Customer(NamedTuple):
    """A customer with its numbers. `invalid`: the present number fails its check, so the customer gets REVIEW rows only."""

    ref: str
    number: str
    former: tuple[str, ...] = ()
    invalid: bool = False


class Account(NamedTuple):
    """A row of the accounts file. `blocked`: what the register says, None if nothing. `opened`: ISO text.

    `damaged`: the number or the opening date fails its check.
    """

    number: str
    customer: str
    relation: str = "owner"
    blocked: bool | None = False
    opened: str = ""
    damaged: bool = False


class Written(NamedTuple):
    """A written row's past: what the register said then, and our BLOCKs that stood on the account then."""

    blocked: bool | None
    ours: frozenset[Row]


@dataclass
class Estate:
    """An opening and its state."""

    opening: Notified
    state: str = "open"
    ended_by: Notified | None = None
    endings: list[Notified] = field(default_factory=list)


AFTER = {"sletting": "deleted", "oppheving": "revoked", "avslutning": "closed"}
_RELATIONS = {"owner", "co_owner", "disponent"}
_PERSON_DIGITS = 11
_ACCOUNT_DIGITS = 11


@dataclass
class Oracle:
    """All input and rows so far. `why`: the reasons that a row of the last poll may give."""

    limit: int
    notices: dict[str, Notified] = field(default_factory=dict)
    other_debtor: dict[str, str] = field(default_factory=dict)
    units: dict[str, tuple[Unit, ...]] = field(default_factory=dict)
    contradicting: set[str] = field(default_factory=set)
    ahead: set[str] = field(default_factory=set)
    rejected: set[Row] = field(default_factory=set)
    written: dict[Row, Written] = field(default_factory=dict)
    held: dict[Row, bool] = field(default_factory=dict)
    lifted: set[Row] = field(default_factory=set)
    why: defaultdict[Row, set[str]] = field(default_factory=lambda: defaultdict(set))

    def use_register(self, customers: Iterable[Customer], accounts: Iterable[Account] | None) -> None:
        """Use this register from now on. `accounts` None: the bank gives no accounts file."""
        self._having: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
        for customer in customers:
            for number in {customer.number, *customer.former}:
                # The whole row can only lead to a REVIEW, also by a former number that passes its check.
                self._having[number].append((customer.ref, customer.invalid))
        self._accounts: defaultdict[str, list[Account]] | None = None if accounts is None else defaultdict(list)
        self._owners: defaultdict[str, set[str]] = defaultdict(set)
        for account in accounts or ():
            if self._accounts is not None:
                self._accounts[account.customer].append(account)
            if account.relation == "owner":
                self._owners[account.number].add(account.customer)

    def judge(self, rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
        """Compare the rows of a poll with the expected ones; returns (lost, wrong), and continues from the written rows."""
        self._lifted_by: dict[Row, Row] = {}
        self.why.clear()
        given, due = set(rows), self._due() - set(self.written)
        blocks = {row for row in due if row.action == "BLOCK"}
        # If the state no longer asks for a row, the row is void and its release ends.
        self.held = {row: released for row, released in self.held.items() if row in blocks}
        fresh = blocks - set(self.held)
        must = (due - blocks) | {row for row, released in self.held.items() if released}
        within_limit = min(self.limit, len(fresh))
        lost = (
            sorted(must - given, key=str) + sorted(fresh - given, key=str)[: max(0, within_limit - len(given & fresh))]
        )
        wrong = sorted(given - must - fresh, key=str) + sorted(given & fresh, key=str)[within_limit:]
        self.held = {row: is_released for row, is_released in self.held.items() if row not in given}
        self.held |= dict.fromkeys(fresh - given, False)
        self.written |= {row: Written(self._says_blocked(row), frozenset(self._ours_beside(row))) for row in given}
        self.lifted |= {self._lifted_by[row] for row in given if row in self._lifted_by}
        return lost, wrong

    def _says_blocked(self, row: Row) -> bool | None:
        accounts = self._accounts[row.customer] if self._accounts is not None else []
        return next((account.blocked for account in accounts if account.number == row.account), None)

    def _ours_beside(self, row: Row) -> set[Row]:
        """Return our other standing BLOCKs on the account of `row`, or on its customer as a whole."""
        near = {*self._blocks_on[row.customer], *self._blocks_on[row.account]}
        return {other for other in near if other not in self.lifted and other != row and _is_on_the_same(other, row)}

    def _sort_written(self) -> None:
        """Index the written rows by notice, and the BLOCKs by customer and by account."""
        self._rows_of: defaultdict[str, list[Row]] = defaultdict(list)
        self._blocks_on: defaultdict[str | None, list[Row]] = defaultdict(list)
        for row in self.written:
            self._rows_of[row.notice].append(row)
            if row.action == "BLOCK":
                self._blocks_on[row.customer].append(row)
                self._blocks_on[row.account].append(row)

    def _due(self) -> set[Row]:
        self._sort_written()
        self._matched: dict[str, dict[str, bool]] = {}
        self._by_somebody_else: dict[Row, bool] = {}
        concerned = defaultdict(list)
        debtors = {n.debtor for n in self.notices.values() if n.uuid in self._rows_of or self._matches(n)}
        for notice in self.notices.values():
            if notice.debtor in debtors:
                concerned[notice.debtor].append(notice)
        self._estates = [estate for notices in concerned.values() for estate in fold(notices)]
        self._opening_of = {ending.uuid: estate.opening for estate in self._estates for ending in estate.endings}
        self._going = {estate.opening.uuid for estate in self._estates if self._is_to_be_reopened(estate)}
        self._held = self._held_customers()
        for estate in self._estates:
            if estate.state == "open" and not self._flawed(estate.opening):
                self._of_open(estate.opening)
            elif self._is_to_be_reopened(estate):
                self._of_deleted(estate)
        for notice in (notice for notices in concerned.values() for notice in notices):
            self._of_ending_or_flawed(notice, self._opening_of.get(notice.uuid))
        deleted_by = {e.opening.uuid: e.ended_by for e in self._estates if self._is_to_be_reopened(e)}
        for row in [row for row in self.why if row.action == "REVIEW"]:
            if sletting := deleted_by.get(row.notice):
                self._ask(row._replace(notice=sletting.uuid), "reviewed_opening_deleted")
        return set(self.why)

    def _ask(self, row: Row, reason: str) -> None:
        self.why[row].add(reason)

    def _flawed(self, notice: Notified) -> bool:
        of_its_own = notice.invalid or notice.flawed or notice.uuid in self.ahead
        return of_its_own or notice.uuid in self.contradicting or notice.uuid in self.other_debtor

    def _numbers(self, notice: Notified) -> dict[str, bool]:
        """Return the numbers that a notice names → whether each is doubtful."""
        numbers = {unit.number: unit.doubtful for unit in self.units.get(notice.uuid, ())}
        if notice.uuid in self.other_debtor:
            numbers[self.other_debtor[notice.uuid]] = False
        return numbers | {notice.debtor: notice.invalid}

    def _matches(self, notice: Notified) -> dict[str, bool]:
        """Return the customers that a notice matches → whether the match is doubtful. Computed once a poll."""
        if notice.uuid not in self._matched:
            found: dict[str, bool] = {}
            for number, doubt in self._numbers(notice).items():
                for ref, invalid in self._having.get(number, ()):
                    found[ref] = found.get(ref, True) and (doubt or invalid)
            self._matched[notice.uuid] = found
        return self._matched[notice.uuid]

    # An estate is open

    def _of_open(self, opening: Notified) -> None:
        matches = self._matches(opening)
        surely = {ref for ref, doubt in matches.items() if not doubt}
        for ref, doubt in matches.items():
            whole = Row("REVIEW", ref, None, opening.uuid)
            if doubt:
                self._ask(whole, "a doubt")
            elif self._accounts is None:
                self._ask_to_block(whole._replace(action="BLOCK"))
            elif not self._accounts[ref]:
                self._ask(whole, "no_account")
            else:
                for account in self._accounts[ref]:
                    self._of_account(opening, account, surely)

    def _of_account(self, opening: Notified, account: Account, surely: set[str]) -> None:
        block = Row("BLOCK", account.customer, account.number, opening.uuid)
        is_a_persons = len(opening.debtor) == _PERSON_DIGITS
        reasons = {
            "unknown_relation": account.relation not in _RELATIONS,
            "account_invalid": account.damaged,
            "co_owned_account": account.relation == "co_owner",
            "disponent_account": account.relation == "disponent",
            "several_owners": account.relation == "owner" and not self._owners[account.number] <= surely,
            "opened_after_ruling": account.relation == "owner"
            and is_a_persons
            and account.opened > (opening.ruled or opening.at[:10]),
        }
        review = [reason for reason, applies in reasons.items() if applies]
        for reason in review:
            # An invalid account number is not written.
            number = account.number if len(account.number) == _ACCOUNT_DIGITS else None
            self._ask(block._replace(action="REVIEW", account=number), reason)
        if not review:
            self._ask_to_block(block)

    def _ask_to_block(self, block: Row) -> None:
        if block in self.lifted:
            self._ask(block._replace(action="REVIEW"), "reopened_but_estate_open")
        else:
            self._ask(block, "estate_open")

    # A sletting deletes an estate

    def _is_to_be_reopened(self, estate: Estate) -> bool:
        return estate.state == "deleted" and estate.ended_by is not None and not self._flawed(estate.ended_by)

    def _of_deleted(self, estate: Estate) -> None:
        sletting = estate.ended_by
        if sletting is None:
            return
        for row in (row for row in self._rows_of[estate.opening.uuid] if row not in self.lifted):
            review = Row("REVIEW", row.customer, row.account, sletting.uuid)
            if row.action == "REVIEW":
                self._ask(review, "reviewed_opening_deleted")
            elif row.action == "BLOCK":
                reasons = self._against_reopening(row)
                for reason in reasons:
                    self._ask(review, reason)
                if not reasons:
                    reopen = review._replace(action="REOPEN")
                    self._ask(reopen, "opening_deleted")
                    self._lifted_by[reopen] = row

    def _against_reopening(self, block: Row) -> set[str]:
        on_account = {block, *self._ours_beside(block)}
        reasons = {
            "block_was_rejected": block in self.rejected,
            "blocked_before": self._was_blocked_by_somebody_else(block),
            "other_estate_open": not self._held.isdisjoint(row.customer for row in on_account),
            "other_block_stands": any(row.notice not in self._going for row in on_account),
        }
        return {reason for reason, applies in reasons.items() if applies}

    def _was_blocked_by_somebody_else(self, block: Row) -> bool:
        if block not in self._by_somebody_else:
            then = self.written[block]
            ours = then.ours - self.rejected
            found = bool(then.blocked) and (not ours or any(map(self._was_blocked_by_somebody_else, ours)))
            self._by_somebody_else[block] = found
        return self._by_somebody_else[block]

    def _held_customers(self) -> set[str]:
        openings = [estate.opening for estate in self._estates if estate.state == "open"]
        matched = {ref for opening in openings for ref in self._matches(opening)}
        rows = (row for opening in openings for row in self._rows_of[opening.uuid])
        return matched | {row.customer for row in rows if row.action == "BLOCK" and row not in self.lifted}

    # Notices that only inform

    def _of_ending_or_flawed(self, notice: Notified, opening: Notified | None) -> None:
        """Ask for the rows of a flawed notice or an ending, for the customers that it and its opening match."""
        flawed = self._flawed(notice)
        matches = self._matches(notice)
        if opening is not None and (flawed or notice.type != "sletting"):
            at_opening = self._matches(opening)
            matches = {ref: matches.get(ref, True) and at_opening.get(ref, True) for ref in matches | at_opening}
        if flawed:
            informed = {row.customer for row in self._rows_of[opening.uuid]} if opening else set()
            for ref in informed | matches.keys():
                self._ask(Row("REVIEW", ref, None, notice.uuid), "a flaw")
        elif notice.type in AFTER and (notice.type != "sletting" or opening is None):
            kind = "INFORM" if notice.type == "avslutning" else "REVIEW"
            reason = "sletting_without_opening" if notice.type == "sletting" else notice.type
            for ref, doubt in matches.items():
                row = Row("REVIEW" if doubt else kind, ref, None, notice.uuid)
                self._ask(row, "a doubt" if doubt else reason)


def _is_on_the_same(one: Row, other: Row) -> bool:
    if one.account is None or other.account is None:
        return one.customer == other.customer
    return one.account == other.account


def fold(notices: Iterable[Notified]) -> list[Estate]:
    """Return one debtor's estates."""
    estates: list[Estate] = []
    for notice in sorted(notices, key=lambda notice: (notice.at, notice.uuid)):
        fits = [e for e in estates if e.state == "open" or (notice.type == "sletting" and e.state != "deleted")]
        if notice.type == "aapning":
            estates.append(Estate(notice))
        elif notice.type in AFTER and fits:
            fits[-1].state, fits[-1].ended_by = AFTER[notice.type], notice
            fits[-1].endings.append(notice)
    return estates
