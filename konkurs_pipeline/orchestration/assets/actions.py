"""`actions`: what the bank ought to do, decided and committed."""

import dagster as dg

from konkurs_pipeline.orchestration import checks, wiring
from konkurs_pipeline.schemas.tables import Actions
from konkurs_pipeline.steps.actions import decide
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.decisions import actions_of_run


def build_actions(workdays: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Return the asset."""

    @wiring.workday_asset(
        Actions,
        workdays,
        group="decisions",
        kind="duckdb",
        deps=["customer_matches", "estates", "accounts"],
        check_specs=[
            checks.schema_spec("actions"),
            checks.spec("actions", "nothing_held", "No BLOCK row waits for a person's release"),
            checks.spec("actions", "notices_understood", "No open quarantine entry keeps a notice from being acted on"),
        ],
    )
    @wiring.shows_errors
    def actions(context: dg.AssetExecutionContext, poll: dg.ResourceParam[Poll]) -> dg.MaterializeResult:
        counts = decide(poll)
        ledger = poll.store.ledger
        rows = actions_of_run(ledger, poll.run_id)
        held = ledger.rows("SELECT count(*) FROM actions WHERE status = 'held'")[0][0]
        flawed = ledger.rows("SELECT DISTINCT reason FROM quarantine WHERE resolved_at IS NULL")
        context.log.info("decided: %s", dict(counts.written))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows.height,
                **counts.written,
                **dict(counts.by_reason),
                "held_by_this_run": counts.held,
                "void": counts.void,
                "outbox_seq": counts.header.seq,
            },
            check_results=[
                checks.schema_result(Actions, rows, "actions"),
                checks.none_found("actions", "nothing_held", held, severity=dg.AssetCheckSeverity.ERROR),
                checks.none_found("actions", "notices_understood", [reason for (reason,) in flawed]),
            ],
        )

    return actions
