"""The alarms as asset checks, one for each kind: every run reports them when it ends, and a person can run them by hand.

What does not belong here: looking for alarms (enquiries/alarms) and sending them (orchestration/sensors/alerts.py).
"""

import datetime as dt
from collections.abc import Iterator, Mapping

import dagster as dg

from konkurs_pipeline.domain.monitoring.alarms import RULES, Alarm, AlarmKind, Severity
from konkurs_pipeline.enquiries.alarms.raised import raised_alarms
from konkurs_pipeline.enquiries.watch import Watched
from konkurs_pipeline.orchestration.bank_names import BankNames
from konkurs_pipeline.orchestration.checks.results import renamed
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.ledger.alarms import note_alarms


def alarm_results(poll: Poll) -> list[dg.AssetCheckResult]:
    """Look for alarms in the open store, and note them; returns a result for each kind: passed where there is none."""
    watched = Watched(poll.settings, poll.store, poll.now())
    alarms = raised_alarms(watched)
    note_alarms(poll.store.ledger, alarms, watched.now)
    raised = {alarm.kind: alarm for alarm in alarms}
    # Two ages: since the last good poll, and since the newest notice.
    times = {
        AlarmKind.NO_GOOD_POLL: {"last_good_poll": watched.last_good_poll_at},
        AlarmKind.SILENCE: {"newest_notice": watched.newest_notice_at},
    }
    return [_result(kind, raised.get(kind), times.get(kind, {})) for kind in AlarmKind]


def _result(kind: AlarmKind, alarm: Alarm | None, times: Mapping[str, dt.datetime | None]) -> dg.AssetCheckResult:
    rule = RULES[kind]
    is_error = rule.severity is Severity.ERROR
    return dg.AssetCheckResult(
        asset_key=rule.asset,
        check_name=kind.value,
        passed=alarm is None,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        metadata={
            **({"found": redact(alarm.message), "what_to_do": rule.cure} if alarm else {"found": "nothing"}),
            **{name: dg.MetadataValue.timestamp(at) for name, at in times.items() if at is not None},
        },
    )


def build_watch(names: BankNames) -> dg.AssetChecksDefinition:
    """Return the checks."""
    specs = [
        dg.AssetCheckSpec(
            name=kind.value, asset=names.asset(rule.asset), description=f"{rule.passes_when}. Else: {rule.cure}"
        )
        for kind, rule in RULES.items()
    ]
    description = "What needs a person now (docs/runbook.md)"

    @dg.multi_asset_check(name="watch", specs=specs, description=description, can_subset=True, pool=names.pool)
    def watch(context: dg.AssetCheckExecutionContext, poll: dg.ResourceParam[Poll]) -> Iterator[dg.AssetCheckResult]:
        chosen = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
        results = (renamed(one, names) for one in alarm_results(poll))
        yield from (one for one in results if (one.asset_key, one.check_name) in chosen)

    return watch
