"""Compares the rows that core banking got with the oracle's, decision by decision.

The file of a poll that was killed after its decision comes with the next poll. So the input of each poll is kept until its
file comes, or until the next good poll shows that it never will.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice
from konkurs_pipeline.domain.matching import Doubt
from konkurs_pipeline.domain.notices import QuarantineReason
from tests.simulation.core_banking import BrokenPromiseError, ForgivingReceiver, Record, StrictReceiver
from tests.simulation.figures import Figures
from tests.simulation.oracle import AFTER, Account, Customer, Notified, Oracle, Row, fold
from tests.simulation.service import Document, for_oracle
from tests.simulation.world import Entry, World

_CLOCKS_DIFFER = dt.timedelta(days=1)
_KIND_OF_REASON: dict[str, str] = {
    **{str(doubt): "a doubt" for doubt in Doubt},
    **{str(flaw): "a flaw" for flaw in QuarantineReason},
}


@dataclass(frozen=True)
class Given:
    """The input of one poll, from which it decides. `window`: from, until (UTC)."""

    items: dict[str, tuple[Entry, SimulatedNotice]]
    documents: dict[str, Document]
    register: tuple[Sequence[Customer], Sequence[Account]]
    rejected: set[Row]
    window: tuple[dt.datetime, dt.datetime]
    now: dt.datetime

    def taken(self) -> dict[str, tuple[Entry, SimulatedNotice]]:
        """Return the notices that a run over this window takes."""
        start, end = self.window
        return {uuid: item for uuid, item in self.items.items() if start <= item[1].registered_at < end}


class Accounting:
    """The two receivers, the oracle, and the faults found."""

    def __init__(self, figures: Figures, world: World, strict: StrictReceiver, oracle: Oracle) -> None:
        self._figures = figures
        self._world = world
        self._strict = strict
        strict.doubled = figures.doubled
        self._forgiving = ForgivingReceiver()
        self.oracle = oracle
        self._waiting: dict[str, Given] = {}
        self._first_version: dict[str, SimulatedNotice] = {}
        self._erased: set[str] = set()

    def forget(self, erased: Collection[str], now: dt.datetime, kept_for: dt.timedelta) -> None:
        """Check an erasure by the oracle's own fold, and let the oracle forget the erased notices."""
        oracle = self.oracle
        concerned = {row.notice for row in oracle.written}
        by_debtor: dict[str, list[Notified]] = {}
        for notice in oracle.notices.values():
            by_debtor.setdefault(notice.debtor, []).append(notice)
        ended = {
            notice.uuid: estate
            for notices in by_debtor.values()
            for estate in fold(notices)
            for notice in (estate.opening, *([estate.ended_by] if estate.ended_by else []))
        }
        for uuid in sorted(set(erased) - self._erased):
            estate = ended.get(uuid)
            if uuid in concerned:
                self._figures.lost.append(f"notice {uuid} is a customer's and was erased early")
            elif estate is not None and (
                estate.ended_by is None or dt.datetime.fromisoformat(estate.ended_by.at) + kept_for > now
            ):
                self._figures.lost.append(f"notice {uuid} was erased before its time")
            oracle.notices.pop(uuid, None)
        self._erased |= set(erased)

    def _is_late(self, uuid: str, notice: Notified, given: Given) -> bool:
        """Return whether a notice only changes a bankruptcy of a debtor whose data were all erased."""
        opened = {entry.debtor_id for _, entry in given.items.values() if entry.type == "aapning"}
        erased = {self._first_version[one].debtor_id for one in self._erased if one in self._first_version}
        stored = {one.debtor for one in self.oracle.notices.values()}
        is_new = uuid not in self.oracle.notices and notice.type in AFTER
        return is_new and notice.debtor in erased - stored - opened

    @property
    def blocked(self) -> set[str]:
        """The accounts that core banking has blocked."""
        return self._forgiving.blocked

    def expect(self, run_id: str, given: Given) -> None:
        """Keep the input of a poll until its file comes."""
        self._waiting[run_id] = given

    def settle(self, *, is_good: bool) -> set[str]:
        """Read the handed-over files and judge each decision; returns the run ids.

        `is_good`: the last poll succeeded, so every decision before it has been handed over.
        """
        try:
            files = self._strict.read_new()
        except BrokenPromiseError as broken:
            self._figures.wrong.append(f"a promise of the outbox is broken: {broken}")
            raise
        for run_id, records in files:
            self._judge(run_id, records)
        if is_good:
            self._waiting.clear()
        return {run_id for run_id, _ in files}

    def _judge(self, run_id: str, records: Sequence[Record]) -> None:
        rows = [_row(record) for record in records]
        given = self._waiting.pop(run_id, None)
        if given is None:
            self._figures.wrong.append(f"{run_id}: a poll that had to stop decided, or one decided twice")
            return
        self._give_to_oracle(given)
        lost, wrong = self.oracle.judge(rows)
        self._figures.lost += [f"{run_id}: {row}" for row in lost]
        self._figures.wrong += [f"{run_id}: {row}" for row in wrong]
        self._figures.wrong += [f"{run_id}: {row} says {why}" for row, why in self._wrong_reasons(records)]
        self._figures.rows.update(row.action for row in rows)
        self._figures.reasons.update(record["reason"] for record in records)
        self._forgiving.carry_out(records)

    def _wrong_reasons(self, records: Sequence[Record]) -> Iterator[tuple[Row, str]]:
        for record in records:
            row, reason = _row(record), record["reason"]
            if row in self.oracle.why and _KIND_OF_REASON.get(reason, reason) not in self.oracle.why[row]:
                yield row, f"{reason} and not {self.oracle.why[row]}"

    def _give_to_oracle(self, given: Given) -> None:
        oracle = self.oracle
        for uuid, (entry, notice) in given.taken().items():
            if entry.oddity == "unreadable":
                continue
            # A coming holiday belongs to today's workday: a notice of that day is taken and cannot be right yet.
            is_ahead = notice.registered_at > given.now + _CLOCKS_DIFFER
            oracle.ahead = oracle.ahead | {uuid} if is_ahead else oracle.ahead - {uuid}
            version = self._first_version.setdefault(uuid, notice)
            if uuid in self._erased or self._is_late(uuid, for_oracle(entry, version), given):
                self._erased.add(uuid)
                continue
            oracle.notices.setdefault(uuid, for_oracle(entry, version))
            if notice != version:
                oracle.other_debtor[uuid] = notice.debtor_id
        for uuid, document in given.documents.items():
            first = self._first_version.get(uuid)
            if first is None or document.contradicts or document.debtor != first.debtor_id:
                oracle.contradicting.add(uuid)
            else:
                oracle.contradicting.discard(uuid)
                oracle.units[uuid] = document.units
        oracle.rejected = given.rejected
        oracle.use_register(*given.register)

    def end(self, now: dt.datetime) -> None:
        """Compare the receivers with the oracle, every file with its first bytes, and the accounts with the world."""
        for entry in self._world.entries:
            is_due = entry.notice.is_visible(now) and entry.notice.registered_at < now
            if (
                is_due
                and entry.oddity != "unreadable"
                and entry.notice.uuid not in {*self.oracle.notices, *self._erased}
            ):
                self._figures.lost.append(f"notice {entry.notice.uuid} was shown by the service and never asked for")
        self._strict.verify_unchanged()
        standing = {
            row.account for row in self.oracle.written if row.action == "BLOCK" and row not in self.oracle.lifted
        }
        for account in sorted(standing ^ self._forgiving.blocked, key=str):
            kind = self._figures.lost if account in standing else self._figures.wrong
            kind.append(f"at the end: the oracle and core banking differ on an account ({account})")


def _row(record: Record) -> Row:
    return Row(record["action"], record["customer_ref"], record["account_no"], record["notice_uuid"])
