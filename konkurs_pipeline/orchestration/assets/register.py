"""The bank's register: `customers` and `accounts`, taken in together or not at all."""

from typing import Any

import dagster as dg

from konkurs_pipeline.orchestration import wiring
from konkurs_pipeline.schemas.register import RegisterAccounts, RegisterCustomers
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.steps.register import take_register

_CUSTOMERS = """The bank's customers: the last accepted snapshot. One row per customer (customer_ref). Personal data.

Source: KONKURS_CUSTOMERS, replaced as a whole by the bank. A file that is damaged or shrank too much is refused, and the
snapshot before it goes on being used."""
_ACCOUNTS = """The bank's accounts: the last accepted snapshot. One row per account and customer.

Source: KONKURS_ACCOUNTS. No rows where the bank gives no such file: actions are then for the customer as a whole."""


def build_register(workdays: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Return the register assets. A partition of them says which register the workday was last polled with.

    So they are partitioned as the other assets are, and a backfill of a range is one run.
    """

    @dg.multi_asset(
        name="register",
        partitions_def=workdays,
        backfill_policy=dg.BackfillPolicy.single_run(),
        specs=[
            wiring.register_spec("customers", RegisterCustomers, _CUSTOMERS),
            wiring.register_spec("accounts", RegisterAccounts, _ACCOUNTS),
        ],
    )
    @wiring.shows_errors
    def register(poll: dg.ResourceParam[Poll]) -> tuple[dg.MaterializeResult, dg.MaterializeResult]:
        snapshot = take_register(poll)
        shared: dict[str, Any] = {
            "register_id": snapshot.id if snapshot else "none",
            "accepted_at": snapshot.accepted_at.isoformat() if snapshot else "never",
            "path": dg.MetadataValue.path(snapshot.folder if snapshot else poll.store.layout.snapshots),
        }
        counts = snapshot.counts if snapshot else None
        customers = {
            "dagster/row_count": counts.customers if counts else 0,
            "flagged": counts.flagged_customers if counts else 0,
        }
        accounts = {
            "dagster/row_count": (counts.accounts or 0) if counts else 0,
            "flagged": (counts.flagged_accounts or 0) if counts else 0,
        }
        return (
            dg.MaterializeResult(asset_key="customers", metadata={**shared, **customers}),
            dg.MaterializeResult(asset_key="accounts", metadata={**shared, **accounts}),
        )

    return register
