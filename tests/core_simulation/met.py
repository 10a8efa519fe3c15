"""What occurred in a simulation of the core: rows of the decision table, pairs of rows on one account, arrival orders."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from konkurs_pipeline.domain.actions.reasons import Reason
from konkurs_pipeline.domain.actions.rows import Action
from konkurs_pipeline.domain.matching import Doubt
from konkurs_pipeline.domain.notices import Notice, QuarantineReason
from tests.simulation.oracle import Notified


@dataclass
class Met:
    """The counts. `pairs`: (earlier reason, later reason) of two rows on one account, or on an account and its customer."""

    bank_years: float = 0.0
    polls: int = 0
    notices: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    _seen: defaultdict[str, set[tuple[str | None, str]]] = field(default_factory=lambda: defaultdict(set))

    def note(self, action: Action) -> None:
        """Count a written row."""
        reason, number = str(action.reason), action.account_no
        self.reasons[reason] += 1
        seen = self._seen[action.customer_ref]
        near = {earlier for place, earlier in seen if None in (place, number) or place == number}
        self.pairs.update((earlier, reason) for earlier in near)
        seen.add((number, reason))

    def note_arrival(self, notice: Notice, known: Iterable[Notified]) -> None:
        """Count a notice that arrived after a later-registered notice of the same debtor."""
        later = {
            other.type
            for other in known
            if other.debtor == notice.debtor_id and other.at > notice.registered_at_text and other.uuid != notice.uuid
        }
        self.orders.update(f"{notice.type} after a later {kind}" for kind in later)

    def add(self, other: Met) -> None:
        """Add the counts of another year."""
        self.bank_years += other.bank_years
        self.polls += other.polls
        self.notices += other.notices
        for name in ("reasons", "pairs", "orders", "fates"):
            getattr(self, name).update(getattr(other, name))

    def never_met(self) -> list[str]:
        """Return the reasons that occurred in no row. Unreadable and future notices lead to no row here."""
        elsewhere = {QuarantineReason.UNREADABLE_NOTICE, QuarantineReason.REGISTERED_IN_FUTURE}
        rows = {*Reason, *Doubt, *QuarantineReason} - elsewhere
        return sorted(str(reason) for reason in rows if not self.reasons[reason])

    def lines(self) -> list[str]:
        """Return the figures for printing."""
        rows = [str(reason) for reason in Reason]
        unmet = sorted(f"{one} → {other}" for one in rows for other in rows if not self.pairs[one, other])
        return [
            f"bank-years {self.bank_years:.1f}, polls {self.polls}, notices {self.notices}, rows {self.reasons.total()}",
            f"rows of the table: {_counted(self.reasons)}",
            f"fates of held rows: {_counted(self.fates)}",
            f"orders of arrival: {_counted(self.orders)}",
            f"pairs met: {sum(bool(self.pairs[a, b]) for a in rows for b in rows)} of {len(rows) ** 2}",
            "pairs never met:",
            *(f"  {pair}" for pair in unmet),
            f"reasons never met: {', '.join(self.never_met()) or 'none'}",
        ]


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common())
