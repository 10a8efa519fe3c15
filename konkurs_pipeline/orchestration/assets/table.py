"""The table of assets: which step makes each, from which others, and with which checks.

The order is raw → expanded → debtors → matches → estates → actions → outbox. No rule is here: steps/ does the work. What
does not belong here: how a row becomes Dagster's assets (`assets.factory`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import dagster as dg

from konkurs_pipeline.orchestration.assets import made
from konkurs_pipeline.orchestration.assets.made import Made
from konkurs_pipeline.orchestration.bank_names import BankNames
from konkurs_pipeline.orchestration.checks.results import schema_spec
from konkurs_pipeline.orchestration.runs.step_results import StepResults
from konkurs_pipeline.schemas.register import RegisterAccounts, RegisterCustomers
from konkurs_pipeline.schemas.tables import (
    Actions,
    CustomerMatches,
    Debtors,
    Estates,
    ExpandedDatasets,
    OutboxFiles,
    RawNotices,
    Table,
)
from konkurs_pipeline.steps.actions import decide
from konkurs_pipeline.steps.debtors import normalise_debtors
from konkurs_pipeline.steps.documents.datasets import fetch_missing_datasets
from konkurs_pipeline.steps.estates.fold import fold_notices
from konkurs_pipeline.steps.list.notices import poll_notices
from konkurs_pipeline.steps.matches import match_debtors
from konkurs_pipeline.steps.outbox import hand_over
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.steps.register import take_register


@dataclass(frozen=True)
class Step:
    """One step of the job and the assets that it makes: `make` returns one `Made` for each of `tables`, in their order.

    `checks`: the names of checks with their descriptions, on the asset of the step's name. `code`: the step's function.
    """

    name: str
    make: Callable[[Poll, StepResults], tuple[Made, ...]]
    code: Callable[..., object]
    tables: Mapping[str, type[Table | RegisterCustomers | RegisterAccounts]]
    group: str
    kind: str
    deps: Sequence[str] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    has_schema_check: bool = True
    descriptions: Mapping[str, str] = field(default_factory=dict)

    def description_of(self, asset: str) -> str:
        """Return an asset's description: its own, else its table's."""
        return self.descriptions.get(asset) or inspect.cleandoc(self.tables[asset].__doc__ or "")

    def check_specs(self, names: BankNames) -> list[dg.AssetCheckSpec]:
        """Return the declarations of the checks."""
        asset = names.asset(self.name)
        specs = [schema_spec(asset)] if self.has_schema_check else []
        return [*specs, *(dg.AssetCheckSpec(name, asset=asset, description=d) for name, d in self.checks.items())]


_REGISTER: Final = {
    "customers": """The bank's customers: the last accepted snapshot. One row per customer (customer_ref). Personal data.

Source: KONKURS_CUSTOMERS, replaced as a whole by the bank. A file that is damaged or shrank too much is refused, and the
snapshot before it stays in use.""",
    "accounts": """The bank's accounts: the last accepted snapshot. One row per account and customer.

Source: KONKURS_ACCOUNTS. No rows where the bank gives no such file: actions are then for the customer as a whole.""",
}

STEPS: Final = (
    Step(
        "register",
        made.make_register,
        take_register,
        {"customers": RegisterCustomers, "accounts": RegisterAccounts},
        "register",
        "parquet",
        has_schema_check=False,
        descriptions=_REGISTER,
    ),
    Step(
        "raw_notices",
        made.make_raw_notices,
        poll_notices,
        {"raw_notices": RawNotices},
        "konkursvarsel",
        "parquet",
        # The list needs no register. This makes a run take in the register first.
        deps=["customers", "accounts"],
        checks={
            "nothing_in_quarantine": "No notice was newly set aside. Else: `konkurs quarantine`",
            "list_as_documented": "The list looks as the documentation says. Else: `konkurs contract`, and tell Brreg",
        },
    ),
    Step(
        "expanded_datasets",
        made.make_expanded_datasets,
        fetch_missing_datasets,
        {"expanded_datasets": ExpandedDatasets},
        "konkursvarsel",
        "parquet",
        deps=["raw_notices", "customers"],
        checks={
            "complete": "Every wanted dataset is there. Else the next run fetches it; if it goes on: `konkurs doctor`",
            "agrees_with_notices": "No document contradicts its notice. Else it is in quarantine, its notice in REVIEW",
        },
    ),
    Step(
        "debtors",
        made.make_debtors,
        normalise_debtors,
        {"debtors": Debtors},
        "konkursvarsel",
        "parquet",
        deps=["raw_notices", "expanded_datasets"],
        checks={
            "datasets_as_assumed": "Documents hold what their assumed shape says, where it says. Else: `konkurs contract`"
        },
    ),
    Step(
        "customer_matches",
        made.make_customer_matches,
        match_debtors,
        {"customer_matches": CustomerMatches},
        "decisions",
        "parquet",
        deps=["debtors", "customers"],
    ),
    Step(
        "estates",
        made.make_estates,
        fold_notices,
        {"estates": Estates},
        "decisions",
        "parquet",
        deps=["raw_notices"],
        checks={"openings_known": "Every sletting has its opening. Else: a backfill over earlier days"},
    ),
    Step(
        "actions",
        made.make_actions,
        decide,
        {"actions": Actions},
        "decisions",
        "duckdb",
        deps=["customer_matches", "estates", "accounts"],
    ),
    Step(
        "outbox",
        made.make_outbox,
        hand_over,
        {"outbox": OutboxFiles},
        "decisions",
        "file",
        deps=["actions"],
        checks={
            "chain": "The sequence has no gap, and every file is what the ledger says. Else: who touched the folder?"
        },
        has_schema_check=False,
    ),
)
