"""`customer_matches`: which customers the notices are about."""

import dagster as dg

from konkurs_pipeline.orchestration import checks, wiring
from konkurs_pipeline.schemas.tables import CustomerMatches
from konkurs_pipeline.steps.matches import match_debtors
from konkurs_pipeline.steps.poll import Poll


def build_customer_matches(workdays: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Return the asset."""

    @wiring.workday_asset(
        CustomerMatches,
        workdays,
        group="decisions",
        kind="parquet",
        deps=["debtors", "customers"],
        check_specs=[checks.schema_spec("customer_matches")],
    )
    @wiring.shows_errors
    def customer_matches(poll: dg.ResourceParam[Poll]) -> dg.MaterializeResult:
        counts = match_debtors(poll)
        rows = poll.store.lake.read("customer_matches", poll.days())
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows.height,
                "new": counts.new,
                "doubtful": rows.height - rows["doubt"].null_count(),
                "path": dg.MetadataValue.path(poll.store.layout.table("customer_matches")),
            },
            check_results=[checks.schema_result(CustomerMatches, rows, "customer_matches")],
        )

    return customer_matches
