"""`expanded_datasets`: the documents behind the notices, fetched."""

import dagster as dg

from konkurs_pipeline.orchestration import checks, wiring
from konkurs_pipeline.schemas.tables import ExpandedDatasets
from konkurs_pipeline.steps.datasets import fetch_missing_datasets
from konkurs_pipeline.steps.poll import Poll


def build_expanded_datasets(workdays: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Return the asset."""

    @wiring.workday_asset(
        ExpandedDatasets,
        workdays,
        group="konkursvarsel",
        kind="parquet",
        deps=["raw_notices", "customers"],
        check_specs=[
            checks.schema_spec("expanded_datasets"),
            checks.spec("expanded_datasets", "complete", "Every dataset that is wanted is there"),
            checks.spec("expanded_datasets", "agrees_with_notices", "No document contradicts its notice"),
        ],
    )
    @wiring.shows_errors
    def expanded_datasets(poll: dg.ResourceParam[Poll]) -> dg.MaterializeResult:
        counts = fetch_missing_datasets(poll)
        rows = poll.store.lake.read("expanded_datasets", poll.days())
        left = counts.wanted - counts.fetched - counts.contradicting
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows.height,
                "new": counts.fetched,
                "missing": left,
                "contradicting": counts.contradicting,
                "path": dg.MetadataValue.path(poll.store.layout.table("expanded_datasets")),
            },
            check_results=[
                checks.schema_result(ExpandedDatasets, rows, "expanded_datasets"),
                checks.none_found("expanded_datasets", "complete", left, severity=dg.AssetCheckSeverity.ERROR),
                checks.none_found("expanded_datasets", "agrees_with_notices", counts.contradicting),
            ],
        )

    return expanded_datasets
