"""`outbox`: the committed file, shown to core banking."""

import dagster as dg

from konkurs_pipeline.orchestration import checks, wiring
from konkurs_pipeline.schemas.tables import OutboxFiles
from konkurs_pipeline.steps.outbox import hand_over
from konkurs_pipeline.steps.poll import Poll


def build_outbox(workdays: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Return the asset."""

    @wiring.workday_asset(
        OutboxFiles,
        workdays,
        group="decisions",
        kind="file",
        deps=["actions"],
        check_specs=[checks.spec("outbox", "chain", "The sequence has no gap, and every file is what the ledger says")],
    )
    @wiring.shows_errors
    def outbox(context: dg.AssetExecutionContext, poll: dg.ResourceParam[Poll]) -> dg.MaterializeResult:
        shown = hand_over(poll)
        context.log.info("shown: %s", ", ".join(shown))
        problems = poll.store.outbox.problems(poll.store.ledger, last=_LOOKED_AT)
        last = poll.store.ledger.read("outbox_files", "run_id = ?", [poll.run_id])
        return dg.MaterializeResult(
            metadata={
                "files": len(shown),
                "seq": last["seq"].to_list()[-1] if last.height else 0,
                "dagster/row_count": int(last["action_count"].sum()),
                "path": dg.MetadataValue.path(poll.store.outbox.folder),
            },
            check_results=[checks.none_found("outbox", "chain", problems, severity=dg.AssetCheckSeverity.ERROR)],
        )

    return outbox


# The chain is held against the newest files at every run, and as a whole by `konkurs verify`.
_LOOKED_AT = 20
