"""`debtors`: the parties of each notice, normalised."""

import dagster as dg

from konkurs_pipeline.orchestration import checks, wiring
from konkurs_pipeline.schemas.tables import Debtors
from konkurs_pipeline.steps.debtors import normalise_debtors
from konkurs_pipeline.steps.poll import Poll


def build_debtors(workdays: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Return the asset."""

    @wiring.workday_asset(
        Debtors,
        workdays,
        group="konkursvarsel",
        kind="parquet",
        deps=["raw_notices", "expanded_datasets"],
        check_specs=[
            checks.schema_spec("debtors"),
            checks.spec(
                "debtors",
                "datasets_as_assumed",
                "Documents hold what their assumed shape says, where it says",
            ),
        ],
    )
    @wiring.shows_errors
    def debtors(poll: dg.ResourceParam[Poll]) -> dg.MaterializeResult:
        counts = normalise_debtors(poll)
        rows = poll.store.lake.read("debtors", poll.days())
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows.height,
                "linked_units": rows.filter(rows["role"] == "linked_unit").height,
                "rewritten_workdays": counts.days,
                "path": dg.MetadataValue.path(poll.store.layout.table("debtors")),
            },
            check_results=[
                checks.schema_result(Debtors, rows, "debtors"),
                checks.none_found("debtors", "datasets_as_assumed", list(counts.findings)),
            ],
        )

    return debtors
