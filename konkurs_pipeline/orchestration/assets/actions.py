"""`actions`: what the bank ought to do, decided and committed."""

import dagster as dg

from konkurs_pipeline.orchestration import checks, wiring
from konkurs_pipeline.schemas.tables import Actions
from konkurs_pipeline.steps.actions import decide
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.handoff.decisions import actions_of_run


def build_actions(workdays: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Return the asset."""

    @wiring.workday_asset(
        Actions,
        workdays,
        group="decisions",
        kind="duckdb",
        deps=["customer_matches", "estates", "accounts"],
        check_specs=[checks.schema_spec("actions")],
    )
    @wiring.shows_errors
    def actions(context: dg.AssetExecutionContext, poll: dg.ResourceParam[Poll]) -> dg.MaterializeResult:
        counts = decide(poll)
        rows = actions_of_run(poll.store.ledger, poll.run_id)
        context.log.info("decided: %s", dict(counts.written))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows.height,
                **counts.written,
                **dict(counts.by_reason),
                "held_by_this_run": counts.held,
                "void": counts.void,
                "outbox_seq": counts.header.seq,
                "path": dg.MetadataValue.path(poll.store.layout.ledger),
            },
            check_results=[checks.schema_result(Actions, rows, "actions")],
        )

    return actions
