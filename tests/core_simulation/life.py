"""A seeded year of notices and of a bank's register, with many rare cases.

Two openings of one debtor, dozens of slettinger, late and odd notices, shared accounts, accounts that change owner.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from dataclasses import dataclass, field, replace
from typing import Final

from konkurs_pipeline.brreg.simulator.population import random_account_no, random_orgnr, random_synthetic_fnr, seeded
from konkurs_pipeline.domain.notices import Notice, QuarantineReason
from tests.simulation.oracle import Account, Customer

_DEBTORS: Final = 30
_CUSTOMERS: Final = 30
_KINDS: Final = ("aapning", "sletting", "oppheving", "avslutning", "gjenaapning")
_WEIGHTS: Final = (46, 27, 9, 15, 3)
_PERSON_DIGITS: Final = 11
_RELATIONS: Final = ("owner", "co_owner", "disponent", "fullmektig")
_RELATION_WEIGHTS: Final = (24, 3, 3, 1)


@dataclass
class Event:
    """A notice and what the bank later learns of it. `units`: number → whether its form is unknown.

    `flaw`: what is wrong with it from the start. `doubted_until`: its document contradicts it until then. `other_debtor`: the
    debtor that it names after its first reading.
    """

    notice: Notice
    visible_on: dt.date
    flaw: QuarantineReason | None = None
    units: dict[str, bool] = field(default_factory=dict)
    document_on: dt.date | None = None
    doubted_until: dt.date | None = None
    other_debtor: str | None = None


class Life:
    """What happens day by day: the visible `events`, and the register."""

    def __init__(self, seed: int, first: dt.date) -> None:
        self.rng = seeded(f"core {seed}")
        self.first = first
        people = [random_synthetic_fnr(self.rng) for _ in range(_DEBTORS // 2)]
        self._units = {person: random_orgnr(self.rng) for person in people}
        self._debtors = [*people, *(random_orgnr(self.rng) for _ in range(_DEBTORS // 2))]
        self._damaged = self._debtors[-1][:-1] + str((int(self._debtors[-1][-1]) + 1) % 10)
        self.events: list[Event] = []
        self.customers: list[Customer] = []
        self._accounts: list[Account] = []
        self._refs = 0
        self._has_accounts_from = first + dt.timedelta(days=self.rng.choice((0, 0, 0, 120, 1000)))
        self.blocked_by_hand: set[str] = set()
        for _ in range(_CUSTOMERS):
            self._add_customer()

    def go_on(self, day: dt.date) -> None:
        """Simulate a day: notices are registered, and the register changes."""
        for _ in range(self.rng.choice((0, 1, 1, 2, 3))):
            self._register(day)
        draw = self.rng.random()
        if draw < 0.06:
            self._add_customer()
        elif draw < 0.09 and len(self.customers) > _CUSTOMERS // 2:
            gone = self.customers.pop(self.rng.randrange(len(self.customers)))
            self._accounts = [account for account in self._accounts if account.customer != gone.ref]
        elif draw < 0.12:
            self._give_new_number()
        elif draw < 0.16:
            self._open_account(self.rng.choice(self.customers).ref, day)
        elif draw < 0.2 and self._accounts:
            self._change_account(self.rng.randrange(len(self._accounts)))

    def accounts(self, day: dt.date, blocked_by_us: set[str]) -> list[Account] | None:
        """Return the accounts file of a day; None while the bank gives none."""
        if day < self._has_accounts_from:
            return None
        blocked = blocked_by_us | self.blocked_by_hand
        return [a._replace(blocked=a.blocked if a.blocked is None else a.number in blocked) for a in self._accounts]

    def numbers_of(self, ref: str) -> list[str]:
        """Return the numbers of a customer's accounts."""
        return [account.number for account in self._accounts if account.customer == ref]

    # Notices

    def _register(self, day: dt.date) -> None:
        rng = self.rng
        at = dt.datetime.combine(day, dt.time(8 + rng.randrange(8), rng.randrange(60)), dt.UTC)
        if self.events and rng.random() < 0.05:
            at = self.events[-1].notice.registered_at
        recent = [event.notice.debtor_id for event in self.events[-12:] if event.flaw is None]
        debtor = rng.choice(recent if recent and rng.random() < 0.6 else self._debtors)
        kind = rng.choices(_KINDS, _WEIGHTS)[0]
        ruled = rng.choice((day, day, day - dt.timedelta(days=rng.randrange(4)), None))
        uid = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        text = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        late = rng.choice((0, 0, 0, 0, 0, 1, 3, 20))
        event = Event(Notice(uid, kind, at, text, ruled, debtor), day + dt.timedelta(days=late))
        self._describe(event)
        self._make_odd(event, day)
        self.events.append(event)

    def _describe(self, event: Event) -> None:
        """Give a notice its document. A person's names the person's unit; that of an ending often does not."""
        unit = self._units.get(event.notice.debtor_id)
        event.document_on = event.visible_on + dt.timedelta(days=self.rng.choice((0, 0, 0, 1, 5)))
        if unit and self.rng.random() < (0.9 if event.notice.type == "aapning" else 0.4):
            event.units[unit] = self.rng.random() < 0.1
        if self.rng.random() < 0.03:
            event.units[self._damaged] = True

    def _make_odd(self, event: Event, day: dt.date) -> None:
        draw = self.rng.random()
        if event.notice.type == "gjenaapning":
            event.flaw = QuarantineReason.UNKNOWN_TYPE
        elif draw < 0.02:
            event.notice = replace(event.notice, debtor_id=self._damaged)
            event.flaw = QuarantineReason.INVALID_DEBTOR
        elif draw < 0.04:
            event.notice = replace(event.notice, ruling_date=None)
            event.flaw = QuarantineReason.INVALID_RULING_DATE
        elif draw < 0.08:
            event.doubted_until = day + dt.timedelta(days=self.rng.choice((2, 9, 1000)))
        elif draw < 0.11:
            event.other_debtor = self.rng.choice(self._debtors)

    # The register

    def _add_customer(self) -> None:
        rng = self.rng
        numbers = [*self._debtors, *self._units.values(), self._damaged]
        number, former = rng.choice(numbers), tuple(n for n in (rng.choice(numbers),) if rng.random() < 0.3)
        self._refs += 1
        ref = f"K-{self._refs:04}"
        self.customers.append(Customer(ref, number, former, invalid=number == self._damaged))
        for _ in range(rng.choice((0, 1, 1, 2))):
            self._open_account(ref, self.first)

    def _open_account(self, ref: str, day: dt.date) -> None:
        rng = self.rng
        number = random_account_no(rng)
        relation = rng.choices(_RELATIONS, _RELATION_WEIGHTS)[0]
        opened = rng.choice(
            ("", "2009-03-02", day.isoformat(), (day + dt.timedelta(days=rng.randrange(200))).isoformat())
        )
        account = Account(number, ref, relation, rng.choice((False, False, False, None)), opened)
        if rng.random() < 0.06:
            account = rng.choice(_damaged_versions(account))
        if rng.random() < 0.25:
            self.blocked_by_hand.add(account.number)
        self._accounts.append(account)
        if relation == "owner" and rng.random() < 0.1:
            self._accounts.append(account._replace(customer=rng.choice([c.ref for c in self.customers] + ["nobody"])))

    def _change_account(self, place: int) -> None:
        account, draw = self._accounts[place], self.rng.random()
        other = self.rng.choice(self.customers).ref
        if draw < 0.3:
            del self._accounts[place]
        elif draw < 0.5:
            self._accounts[place] = account._replace(customer=other)
        elif draw < 0.75:
            self._accounts[place] = account._replace(relation=self.rng.choice(_RELATIONS))
        else:
            self._accounts.append(account._replace(customer=other))

    def _give_new_number(self) -> None:
        place = self.rng.randrange(len(self.customers))
        customer = self.customers[place]
        number = self.rng.choice([*self._debtors, random_orgnr(self.rng)])
        kept = customer.former if customer.invalid else (*customer.former, customer.number)
        self.customers[place] = Customer(customer.ref, number, tuple(dict.fromkeys(n for n in kept if n != number)))


def _damaged_versions(account: Account) -> list[Account]:
    """Return an account with an invalid date, one with a wrong check digit, and one that lost a digit."""
    wrong = account.number[:-1] + str((int(account.number[-1]) + 1) % 10)
    return [
        account._replace(opened="2020-02-30", damaged=True),
        account._replace(number=wrong, damaged=True),
        account._replace(number=account.number[:-1], damaged=True),
    ]


def pick(rng: random.Random, chance: float) -> bool:
    """Return true with this chance."""
    return rng.random() < chance
