"""`raw_notices`: the list, polled."""

import dagster as dg

from konkurs_pipeline.orchestration import checks, wiring
from konkurs_pipeline.schemas.tables import RawNotices
from konkurs_pipeline.steps.notices import poll_notices
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.ledger.quarantine import open_entries


def build_raw_notices(workdays: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Return the asset."""

    @wiring.workday_asset(
        RawNotices,
        workdays,
        group="konkursvarsel",
        kind="parquet",
        # Not for its data: so that a run takes in the register first.
        deps=["customers", "accounts"],
        check_specs=[
            checks.schema_spec("raw_notices"),
            checks.spec("raw_notices", "nothing_in_quarantine", "No notice was newly set aside"),
            checks.spec("raw_notices", "list_as_documented", "The list looks as the documentation says"),
        ],
    )
    @wiring.shows_errors
    def raw_notices(context: dg.AssetExecutionContext, poll: dg.ResourceParam[Poll]) -> dg.MaterializeResult:
        counts = poll_notices(poll)
        context.log.info("%s notices in the window, %s of them new", counts.seen, counts.new)
        rows = poll.store.lake.read("raw_notices", poll.days())
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows.height,
                "new": counts.new,
                "seen": counts.seen,
                "waiting_for_their_own_run": counts.waiting,
                "quarantined": counts.quarantined,
                "quarantine_open": len(open_entries(poll.store.ledger)),
                "changed_workdays": len(counts.by_workday),
                "read_from": poll.window.read_from.isoformat(),
                "path": dg.MetadataValue.path(poll.store.layout.table("raw_notices")),
            },
            check_results=[
                checks.schema_result(RawNotices, rows, "raw_notices"),
                checks.none_found("raw_notices", "nothing_in_quarantine", counts.quarantined),
                checks.none_found("raw_notices", "list_as_documented", counts.findings),
            ],
        )

    return raw_notices
