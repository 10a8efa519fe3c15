"""The counts and the faults of a simulation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Figures:
    """Counts of one or several bank-years. The lists lost, doubled, wrong and leaked must stay empty."""

    bank_years: float = 0.0
    polls: Counter[str] = field(default_factory=Counter)
    notices: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        """Add the figures of another simulation."""
        self.bank_years += other.bank_years
        self.notices += other.notices
        self.polls += other.polls
        self.rows += other.rows
        self.reasons += other.reasons
        self.faults += other.faults
        for name in ("lost", "doubled", "wrong", "leaked"):
            getattr(self, name).extend(getattr(other, name))

    def failures(self) -> list[str]:
        """Return the faults, a line each."""
        named = {"lost": self.lost, "doubled": self.doubled, "wrong": self.wrong, "leaked": self.leaked}
        return [f"{name}: {line}" for name, found in named.items() for line in found]

    def lines(self) -> list[str]:
        """Return the figures for printing."""
        faults = [f"  {count:>7}  {name}" for name, count in sorted(self.faults.items())]
        return [
            f"bank-years {self.bank_years:.1f}, polls {self.polls.total()} ({_counts(self.polls)})",
            f"notices {self.notices}, action rows {self.rows.total()} ({_counts(self.rows)})",
            f"reasons: {_counts(self.reasons)}",
            f"faults injected {self.faults.total()}:",
            *faults,
            f"lost {len(self.lost)}, doubled {len(self.doubled)}, wrong {len(self.wrong)}, leaked {len(self.leaked)}",
        ]


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items()))
