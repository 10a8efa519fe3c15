"""Names of assets and jobs in Dagster. If one Dagster serves many banks, each name begins with the bank's id.

So nobody mixes up the assets, jobs and runs of two banks. What does not belong here: which assets and jobs there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import dagster as dg

from konkurs_pipeline.settings import Settings

BANK_TAG: Final = "konkurs/bank"
# Dagster puts this tag on each run: the code location it belongs to.
_LOCATION_TAG: Final = ".dagster/repository"


@dataclass(frozen=True, slots=True)
class BankNames:
    """The names of one bank's assets and jobs. `prefix`: the bank's id; null if Dagster serves one bank."""

    bank_id: str
    prefix: str | None

    @property
    def pool(self) -> str | None:
        """The pool that lets one run of this bank go at a time. Null if Dagster serves one bank: its queue has the limit."""
        return self.prefix

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of each run."""
        return {BANK_TAG: self.bank_id} if self.prefix else {}

    def asset(self, name: str | dg.AssetKey) -> dg.AssetKey:
        """Return an asset's key, from its plain name."""
        plain = name.path[-1] if isinstance(name, dg.AssetKey) else name
        return dg.AssetKey([self.prefix, plain] if self.prefix else [plain])

    def job(self, name: str) -> str:
        """Return a job's name."""
        return f"{self.prefix}_{name}" if self.prefix else name

    def is_own(self, run: dg.DagsterRun) -> bool:
        """Whether a run is this bank's."""
        is_of_location = run.tags.get(_LOCATION_TAG, "").endswith(f"@{self.bank_id}")
        return self.prefix is None or run.tags.get(BANK_TAG) == self.bank_id or is_of_location


ALONE: Final = BankNames("", None)


def names_of(settings: Settings) -> BankNames:
    """Return the names that the settings ask for."""
    return BankNames(settings.bank_id, settings.bank_id if settings.many_banks else None)
