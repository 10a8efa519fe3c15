"""The table of assets: what each is made from, by which step, with which checks, and the numbers a person sees of it.

The order is raw → expanded → debtors → matches → estates → actions → outbox. No rule is here: steps/ does the work.
How an asset of this table becomes Dagster's is assets.py's to say.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import dagster as dg
import polars as pl

from konkurs_pipeline.orchestration.bank_names import BankNames
from konkurs_pipeline.orchestration.checks import none_found, schema_result, schema_spec
from konkurs_pipeline.orchestration.results import StepResults
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
from konkurs_pipeline.steps.datasets import fetch_missing_datasets
from konkurs_pipeline.steps.debtors import normalise_debtors
from konkurs_pipeline.steps.estates import fold_notices
from konkurs_pipeline.steps.matches import match_debtors
from konkurs_pipeline.steps.notices import poll_notices
from konkurs_pipeline.steps.outbox import hand_over
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.steps.register import take_register
from konkurs_pipeline.storage.handoff.decisions import actions_of_run
from konkurs_pipeline.storage.ledger.quarantine import open_entries

_ERROR: Final = dg.AssetCheckSeverity.ERROR
# The chain is compared with the newest files at every run, and as a whole by `konkurs verify`.
_FILES_CHECKED: Final = 20


@dataclass(frozen=True)
class Made:
    """What a step made of one asset: numbers for a person, and the results of its checks."""

    metadata: Mapping[str, Any]
    results: Sequence[dg.AssetCheckResult] = ()


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


def _made(rows: pl.DataFrame, metadata: Mapping[str, Any], *results: dg.AssetCheckResult) -> tuple[Made]:
    return (Made({"dagster/row_count": rows.height, **metadata}, results),)


def _register(poll: Poll, results: StepResults) -> tuple[Made, Made]:
    snapshot = results.snapshot = take_register(poll)
    results.is_register_taken = True
    shared = {
        "register_id": snapshot.id if snapshot else "none",
        "accepted_at": snapshot.accepted_at.isoformat() if snapshot else "never",
        "path": dg.MetadataValue.path(snapshot.folder if snapshot else poll.store.layout.snapshots),
    }
    counts = snapshot.counts if snapshot else None
    customers = (counts.customers, counts.flagged_customers) if counts else (0, 0)
    accounts = (counts.accounts or 0, counts.flagged_accounts or 0) if counts else (0, 0)
    return (
        Made({**shared, "dagster/row_count": customers[0], "flagged": customers[1]}),
        Made({**shared, "dagster/row_count": accounts[0], "flagged": accounts[1]}),
    )


def _raw_notices(poll: Poll, results: StepResults) -> tuple[Made]:
    counts = results.polled = poll_notices(poll)
    rows = poll.store.lake.read("raw_notices", poll.days())
    metadata = {
        "new": counts.new,
        "seen": counts.seen,
        "waiting_for_their_own_run": counts.waiting,
        "quarantined": counts.quarantined,
        "quarantine_open": len(open_entries(poll.store.ledger)),
        "changed_workdays": len(counts.by_workday),
        "read_from": poll.window.read_from.isoformat(),
        "path": dg.MetadataValue.path(poll.store.layout.table("raw_notices")),
    }
    return _made(
        rows,
        metadata,
        schema_result(RawNotices, rows, "raw_notices"),
        none_found("raw_notices", "nothing_in_quarantine", counts.quarantined),
        none_found("raw_notices", "list_as_documented", counts.findings),
    )


def _expanded_datasets(poll: Poll, results: StepResults) -> tuple[Made]:
    counts = fetch_missing_datasets(poll, results.register(poll.store))
    rows = poll.store.lake.read("expanded_datasets", poll.days())
    missing = counts.wanted - counts.fetched - counts.contradicting
    metadata = {
        "new": counts.fetched,
        "missing": missing,
        "contradicting": counts.contradicting,
        "path": dg.MetadataValue.path(poll.store.layout.table("expanded_datasets")),
    }
    return _made(
        rows,
        metadata,
        schema_result(ExpandedDatasets, rows, "expanded_datasets"),
        none_found("expanded_datasets", "complete", missing, severity=_ERROR),
        none_found("expanded_datasets", "agrees_with_notices", counts.contradicting),
    )


def _debtors(poll: Poll, _: StepResults) -> tuple[Made]:
    counts = normalise_debtors(poll)
    rows = poll.store.lake.read("debtors", poll.days())
    metadata = {
        "linked_units": rows.filter(rows["role"] == "linked_unit").height,
        "rewritten_workdays": counts.days,
        "path": dg.MetadataValue.path(poll.store.layout.table("debtors")),
    }
    return _made(
        rows,
        metadata,
        schema_result(Debtors, rows, "debtors"),
        none_found("debtors", "datasets_as_assumed", list(counts.findings)),
    )


def _customer_matches(poll: Poll, results: StepResults) -> tuple[Made]:
    counts = match_debtors(poll, results.register(poll.store))
    rows = poll.store.lake.read("customer_matches", poll.days())
    metadata = {
        "new": counts.new,
        "doubtful": rows.height - rows["doubt"].null_count(),
        "path": dg.MetadataValue.path(poll.store.layout.table("customer_matches")),
    }
    return _made(rows, metadata, schema_result(CustomerMatches, rows, "customer_matches"))


def _estates(poll: Poll, results: StepResults) -> tuple[Made]:
    counts = fold_notices(poll, results.notices(poll.store))
    rows = poll.store.lake.read("estates", poll.days())
    metadata = {
        "changed_workdays": len(counts.changed_days),
        **{f"all_{state}": count for state, count in sorted(counts.by_state.items())},
        "path": dg.MetadataValue.path(poll.store.layout.table("estates")),
    }
    return _made(
        rows,
        metadata,
        schema_result(Estates, rows, "estates"),
        none_found("estates", "openings_known", counts.orphan_slettinger),
    )


def _actions(poll: Poll, results: StepResults) -> tuple[Made]:
    counts = decide(poll, results.register(poll.store), results.list_of_this_run())
    rows = actions_of_run(poll.store.ledger, poll.run_id)
    metadata = {
        **counts.written,
        **dict(counts.by_reason),
        "held_by_this_run": counts.held,
        "void": counts.void,
        "outbox_seq": counts.header.seq,
        "path": dg.MetadataValue.path(poll.store.layout.ledger),
    }
    return _made(rows, metadata, schema_result(Actions, rows, "actions"))


def _outbox(poll: Poll, _: StepResults) -> tuple[Made]:
    shown = hand_over(poll.store)
    problems = poll.store.outbox.problems(poll.store.ledger, last=_FILES_CHECKED)
    last = poll.store.ledger.read("outbox_files", "run_id = ?", [poll.run_id])
    metadata = {
        "files": len(shown),
        "seq": last["seq"].to_list()[-1] if last.height else 0,
        "dagster/row_count": int(last["action_count"].sum()),
        "path": dg.MetadataValue.path(poll.store.outbox.folder),
    }
    return (Made(metadata, [none_found("outbox", "chain", problems, severity=_ERROR)]),)


_REGISTER: Final = {
    "customers": """The bank's customers: the last accepted snapshot. One row per customer (customer_ref). Personal data.

Source: KONKURS_CUSTOMERS, replaced as a whole by the bank. A file that is damaged or shrank too much is refused, and the
snapshot before it goes on being used.""",
    "accounts": """The bank's accounts: the last accepted snapshot. One row per account and customer.

Source: KONKURS_ACCOUNTS. No rows where the bank gives no such file: actions are then for the customer as a whole.""",
}

STEPS: Final = (
    Step(
        "register",
        _register,
        take_register,
        {"customers": RegisterCustomers, "accounts": RegisterAccounts},
        "register",
        "parquet",
        has_schema_check=False,
        descriptions=_REGISTER,
    ),
    Step(
        "raw_notices",
        _raw_notices,
        poll_notices,
        {"raw_notices": RawNotices},
        "konkursvarsel",
        "parquet",
        # Not for its data: so that a run takes in the register first.
        deps=["customers", "accounts"],
        checks={
            "nothing_in_quarantine": "No notice was newly set aside",
            "list_as_documented": "The list looks as the documentation says",
        },
    ),
    Step(
        "expanded_datasets",
        _expanded_datasets,
        fetch_missing_datasets,
        {"expanded_datasets": ExpandedDatasets},
        "konkursvarsel",
        "parquet",
        deps=["raw_notices", "customers"],
        checks={
            "complete": "Every dataset that is wanted is there",
            "agrees_with_notices": "No document contradicts its notice",
        },
    ),
    Step(
        "debtors",
        _debtors,
        normalise_debtors,
        {"debtors": Debtors},
        "konkursvarsel",
        "parquet",
        deps=["raw_notices", "expanded_datasets"],
        checks={"datasets_as_assumed": "Documents hold what their assumed shape says, where it says"},
    ),
    Step(
        "customer_matches",
        _customer_matches,
        match_debtors,
        {"customer_matches": CustomerMatches},
        "decisions",
        "parquet",
        deps=["debtors", "customers"],
    ),
    Step(
        "estates",
        _estates,
        fold_notices,
        {"estates": Estates},
        "decisions",
        "parquet",
        deps=["raw_notices"],
        checks={"openings_known": "Every sletting has its opening"},
    ),
    Step(
        "actions",
        _actions,
        decide,
        {"actions": Actions},
        "decisions",
        "duckdb",
        deps=["customer_matches", "estates", "accounts"],
    ),
    Step(
        "outbox",
        _outbox,
        hand_over,
        {"outbox": OutboxFiles},
        "decisions",
        "file",
        deps=["actions"],
        checks={"chain": "The sequence has no gap, and every file is what the ledger says"},
        has_schema_check=False,
    ),
)
