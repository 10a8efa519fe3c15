"""`estates`: the state of each bankruptcy, folded from all notices."""

import dagster as dg

from konkurs_pipeline.orchestration import checks, wiring
from konkurs_pipeline.schemas.tables import Estates
from konkurs_pipeline.steps.estates import fold_notices
from konkurs_pipeline.steps.poll import Poll


def build_estates(workdays: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Return the asset."""

    @wiring.workday_asset(
        Estates,
        workdays,
        group="decisions",
        kind="parquet",
        deps=["raw_notices"],
        check_specs=[
            checks.schema_spec("estates"),
            checks.spec("estates", "openings_known", "Every sletting has its opening"),
        ],
    )
    @wiring.shows_errors
    def estates(poll: dg.ResourceParam[Poll]) -> dg.MaterializeResult:
        counts = fold_notices(poll)
        rows = poll.store.lake.read("estates", poll.days())
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows.height,
                "changed_workdays": len(counts.changed_days),
                **{f"all_{state}": count for state, count in sorted(counts.by_state.items())},
                "path": dg.MetadataValue.path(poll.store.layout.table("estates")),
            },
            check_results=[
                checks.schema_result(Estates, rows, "estates"),
                checks.none_found("estates", "openings_known", counts.orphan_slettinger),
            ],
        )

    return estates
