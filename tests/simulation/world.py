"""A seeded year of a bank: what the register writes, odd notices included, and who the bank's customers are.

Notices come from the simulator's generator. This module adds what its years lack: many slettinger, second openings, damaged
and unknown notices, and notices that are late, change or disappear. Customers are drawn from the debtors, so many notices
concern a customer.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from konkurs_pipeline.brreg.simulator.datasets import enk_of, estate_of, trustee_of
from konkurs_pipeline.brreg.simulator.generator import generate_notices
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, simulated_notice
from konkurs_pipeline.brreg.simulator.population import random_account_no, random_orgnr, random_synthetic_fnr, seeded
from tests.simulation.oracle import Account, Customer

_CUSTOMER_SHARE: Final = 0.05
# The damages of a notice. Each must reach a person, because no rule can act on it.
ODDITIES: Final = ("damaged_debtor", "unknown_type", "no_ruling_date", "unreadable", "in_future")
_PERSON_DIGITS: Final = 11


@dataclass(frozen=True)
class Entry:
    """A notice of the world. `change`: its content after the first reading. `goes_away`: it disappears after that."""

    notice: SimulatedNotice
    oddity: str | None = None
    change: SimulatedNotice | None = None
    goes_away: bool = False


class World:
    """The year of one seed: the notices as `entries`, and the bank's changing register."""

    def __init__(self, seed: int, first: dt.date, days: int) -> None:
        self.rng = seeded(f"world {seed}")
        self.first, self.last = first, first + dt.timedelta(days=days - 1)
        self.entries = sorted(self._entries(seed), key=lambda entry: entry.notice.order)
        self.customers: list[Customer] = []
        self.accounts: list[Account] = []
        self._numbers_in_use: set[str] = set()
        self._refs = 0
        self._blocked_by_us: set[str] = set()
        self._become_customers()

    # Notices

    def _entries(self, seed: int) -> Iterator[Entry]:
        generated = generate_notices(seed, self.first, self.last)
        for number, notice in enumerate(generated):
            yield self._made_odd(notice, generated[number - 1] if number else None)
            yield from (Entry(extra) for extra in self._followed(notice) if extra.registered_at.date() <= self.last)

    def _made_odd(self, notice: SimulatedNotice, before: SimulatedNotice | None) -> Entry:
        draw = self.rng.random()
        if draw < 0.02 and before is not None:
            notice = replace(notice, registered_at=before.registered_at, registered_at_text=before.registered_at_text)
        elif draw < 0.06:
            delay = dt.timedelta(seconds=self.rng.choice((90, 4000, 90_000, 250_000)))
            notice = replace(notice, visible_from=notice.visible_from + delay)
        elif draw < 0.065:
            # Later than any lookback, so only the wide sweep finds it.
            notice = replace(notice, visible_from=notice.visible_from + dt.timedelta(days=self.rng.randint(12, 40)))
        elif draw < 0.075:
            return self._damaged(notice, self.rng.choice(ODDITIES))
        elif draw < 0.085:
            return Entry(notice, change=self._changed(notice))
        elif draw < 0.09:
            return Entry(notice, goes_away=True)
        return Entry(notice)

    def _damaged(self, notice: SimulatedNotice, oddity: str) -> Entry:
        if oddity == "damaged_debtor":
            last_digit = str((int(notice.debtor_id[-1]) + 1) % 10)
            notice = replace(notice, debtor_id=notice.debtor_id[:-1] + last_digit)
        elif oddity == "unknown_type":
            notice = replace(notice, type="gjenaapning")
        elif oddity == "in_future":
            later = notice.registered_at + dt.timedelta(days=30)
            made = simulated_notice(uuid=notice.uuid, type=notice.type, registered_at=later, debtor_id=notice.debtor_id)
            notice = replace(made, visible_from=notice.visible_from, ruling_date=notice.ruling_date)
        return Entry(notice, oddity)

    def _changed(self, notice: SimulatedNotice) -> SimulatedNotice:
        if self.rng.random() < 0.5 and notice.ruling_date:
            return replace(notice, ruling_date=notice.ruling_date + dt.timedelta(days=1))
        return replace(notice, debtor_id=random_orgnr(self.rng, leading="4"))

    def _followed(self, notice: SimulatedNotice) -> Iterator[SimulatedNotice]:
        """Yield occasional notices after an opening: a deletion, a second opening, a notice without any opening."""
        draw = self.rng.random()
        if notice.type != "aapning" or draw > 0.06:
            return
        later = dt.timedelta(minutes=self.rng.choice((10, 300, 3000, 40_000)))
        kinds: tuple[str, ...] = ("sletting",)
        if draw < 0.02:
            kinds = ("aapning", "sletting") if draw < 0.01 else ("sletting", "aapning")
        elif draw < 0.025:
            kinds = ("sletting", "sletting")
        elif draw < 0.03:
            kinds = ("oppheving", "sletting")
        for step, kind in enumerate(kinds, start=1):
            at = notice.registered_at + step * later
            yield simulated_notice(
                uuid=str(uuid.UUID(int=self.rng.getrandbits(128), version=4)),
                type=kind,
                registered_at=at.replace(microsecond=at.microsecond // 1000 * 1000),
                debtor_id=notice.debtor_id,
                ruling_date=at.date(),
                visible_from=at + dt.timedelta(minutes=self.rng.randrange(16)),
            )

    # The bank's register

    def _become_customers(self) -> None:
        debtors = [entry.notice.debtor_id for entry in self.entries]
        for debtor in self.rng.sample(debtors, max(8, int(len(debtors) * _CUSTOMER_SHARE))):
            self.add_customer(debtor)
        for _ in range(20):
            self.add_customer(random_orgnr(self.rng, leading="6"))
        # Customers whom others' datasets name: trustees, estates, petitioners, units of an unknown form.
        self.bystanders = [trustee_of(debtors[0]), estate_of(debtors[1]), *(random_orgnr(self.rng) for _ in range(6))]
        for number in self.bystanders:
            self.add_customer(number)

    def add_customer(self, number: str) -> None:
        """Add a customer with this number, as its own, its sole proprietorship's or a former one; and its accounts."""
        draw = self.rng.random()
        former: tuple[str, ...] = ()
        is_person = len(number) == _PERSON_DIGITS
        if draw < 0.15:
            former, number = (
                (number,),
                random_synthetic_fnr(self.rng) if is_person else random_orgnr(self.rng, leading="6"),
            )
        elif draw < 0.3 and is_person:
            number = enk_of(number)
        is_second = self.rng.random() < 0.03
        if number in self._numbers_in_use and not is_second:
            return
        self._numbers_in_use.add(number)
        self._refs += 1
        ref = f"K-{self._refs:05}"
        self.customers.append(Customer(ref, number, former, invalid=not _passes_its_check(number)))
        for _ in range(self.rng.choice((0, 1, 1, 1, 2, 2, 3))):
            self._open_account(ref)

    def _open_account(self, ref: str) -> None:
        """Open an account for a customer. Some accounts have another owner too, and some were blocked by somebody else."""
        relation = self.rng.choices(("owner", "co_owner", "disponent"), (8, 1, 1))[0]
        blocked = self.rng.choices((False, True, None), (17, 1, 2))[0]
        within = self.rng.randrange((self.last - self.first).days + 1)
        opened = self.rng.choice(("", "2009-03-02", (self.first + dt.timedelta(days=within)).isoformat()))
        number = random_account_no(self.rng)
        owners = [ref, *self._other_owners(ref)] if relation == "owner" else [ref]
        self.accounts += [Account(number, owner, relation, blocked, opened) for owner in owners]

    def _other_owners(self, ref: str) -> list[str]:
        draw = self.rng.random()
        if draw < 0.02:
            return ["K-gone"]
        others = [customer.ref for customer in self.customers[-5:] if customer.ref != ref]
        return [self.rng.choice(others)] if others and draw < 0.12 else []

    def go_on(self, blocked: set[str], day: dt.date) -> None:
        """Change the register as a bank's changes: customers come, leave and get new numbers, accounts are blocked.

        `blocked`: the accounts that core banking has blocked, and that the register then shows as blocked.
        """
        draw = self.rng.random()
        if draw < 0.3:
            seen = [e.notice.debtor_id for e in self.entries if e.notice.registered_at.date() < day]
            self.add_customer(self.rng.choice(seen) if seen else random_orgnr(self.rng, leading="6"))
        elif draw < 0.4 and len(self.customers) > 20:
            gone = self.customers.pop(self.rng.randrange(len(self.customers)))
            self.accounts = [account for account in self.accounts if account.customer != gone.ref]
        elif draw < 0.5:
            self._give_new_number(self.rng.randrange(len(self.customers)))
        elif draw < 0.6:
            self._open_account(self.rng.choice(self.customers).ref)
        elif draw < 0.63 and self.accounts:
            self._change_owners(self.rng.randrange(len(self.accounts)))
        self.accounts = [self._as_core_banking_has_it(account, blocked) for account in self.accounts]
        self._blocked_by_us = set(blocked)

    def _change_owners(self, place: int) -> None:
        """Add an owner to an account, or remove one."""
        account = self.accounts[place]
        if account.relation != "owner" or self.rng.random() < 0.5:
            del self.accounts[place]
        else:
            self.accounts += [account._replace(customer=other) for other in self._other_owners(account.customer)]

    def _as_core_banking_has_it(self, account: Account, blocked: set[str]) -> Account:
        if account.number in blocked:
            return account._replace(blocked=True)
        return account._replace(blocked=False) if account.number in self._blocked_by_us else account

    def come_many(self, day: dt.date, count: int) -> None:
        """Add another bank's customers at once. Many of them are bankrupt, so the limit holds some rows."""
        opened = [e.notice.debtor_id for e in self.entries if e.notice.registered_at.date() < day]
        for debtor in self.rng.sample(opened, min(count, len(opened))):
            self.add_customer(debtor)

    def _give_new_number(self, place: int) -> None:
        customer = self.customers[place]
        number = random_synthetic_fnr(self.rng) if len(customer.number) == _PERSON_DIGITS else random_orgnr(self.rng)
        former = (*customer.former, customer.number) if not customer.invalid else customer.former
        self.customers[place] = Customer(customer.ref, number, former)


def _passes_its_check(number: str) -> bool:
    """Return whether this number passes its check: only damaged debtors' numbers do not."""
    weights = (3, 2, 7, 6, 5, 4, 3, 2, 1) if len(number) != _PERSON_DIGITS else (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True)) % 11 == 0


def pick(rng: random.Random, chance: float) -> bool:
    """Return true with this chance."""
    return rng.random() < chance
