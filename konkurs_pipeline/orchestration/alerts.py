"""What needs a person, as Dagster shows and tells it: a check for each kind of alarm, and the sensor that sends alerts.

Every run looks at its end, and the sensor every minute, also when no poll comes. A check is written when it differs from what
Dagster shows, or its asset was made since (the UI takes it for not evaluated then), and not at every look. The sensor reads
what runs published and holds up nothing. Its cursor is what each channel was told last, so an alert leaves once, also after
a restart.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from konkurs_pipeline.alerting.channels import channels_of
from konkurs_pipeline.alerting.telling import as_text, from_text, tell
from konkurs_pipeline.domain.alarms import RULES, Alarm, AlarmKind, Severity
from konkurs_pipeline.enquiries.alarms import look_for_alarms
from konkurs_pipeline.enquiries.watch import Watched
from konkurs_pipeline.orchestration import wiring
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of

_LOOK_EVERY_S: Final = 60


def _specs() -> list[dg.AssetCheckSpec]:
    """Return a check for each kind of alarm, on the asset where a person looks for it."""
    return [
        dg.AssetCheckSpec(name=kind.value, asset=rule.asset, description=f"{rule.passes_when}. Else: {rule.cure}")
        for kind, rule in RULES.items()
    ]


def build_watch() -> dg.AssetChecksDefinition:
    """Return the checks, for a person who wants to look now: no poll has them, as they are written after it."""

    @wiring.shows_errors
    def look(poll: Poll) -> list[dg.AssetCheckResult]:
        watched = Watched(poll.settings, poll.store, poll.now())
        return [dg.AssetCheckResult(**one) for one in _results(watched, look_for_alarms(watched))]

    description = "What needs a person now (docs/runbook.md)"

    @dg.multi_asset_check(name="watch", specs=_specs(), description=description, can_subset=True)
    def watch(context: dg.AssetCheckExecutionContext, poll: dg.ResourceParam[Poll]) -> Iterator[dg.AssetCheckResult]:
        chosen = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
        yield from (one for one in look(poll=poll) if (one.asset_key, one.check_name) in chosen)

    return watch


def show_alarms(instance: dg.DagsterInstance, watched: Watched) -> None:
    """Look, and write the checks that the instance does not show as they are."""
    for check in _to_write(instance, watched, look_for_alarms(watched)):
        instance.report_runless_asset_event(check)


def _to_write(
    instance: dg.DagsterInstance, watched: Watched, alarms: Sequence[Alarm]
) -> Iterator[dg.AssetCheckEvaluation]:
    """Return the checks that differ from what the instance shows, or whose asset was made since."""
    results = _results(watched, alarms)
    history = instance.event_log_storage
    made = {
        record.asset_entry.asset_key: _target(record.asset_entry.last_materialization_record)
        for record in history.get_asset_records(sorted({one["asset_key"] for one in results}))
    }
    found = [dg.AssetCheckEvaluation(**one, target_materialization_data=made.get(one["asset_key"])) for one in results]
    shown = history.get_latest_asset_check_execution_by_key([one.asset_check_key for one in found])
    for one in found:
        last = shown.get(one.asset_check_key)
        # One that was begun by hand and never ended has a plan in its place.
        known = last.evaluation if last is not None else None
        if not isinstance(known, dg.AssetCheckEvaluation) or _as_shown(known) != _as_shown(one):
            yield one


def _target(made: dg.EventLogRecord | None) -> AssetCheckEvaluationTargetMaterializationData | None:
    """Return which materialisation a check is about; without it the UI goes by times, to the second."""
    if made is None:
        return None
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=made.storage_id, run_id=made.run_id, timestamp=made.timestamp
    )


def _as_shown(check: dg.AssetCheckEvaluation) -> tuple[object, ...]:
    target = check.target_materialization_data
    return check.passed, check.metadata, target.storage_id if target else None


def _results(watched: Watched, alarms: Sequence[Alarm]) -> list[dict[str, Any]]:
    """Return the arguments of a check's result for each kind: passed where there is no alarm of it."""
    raised = {alarm.kind: alarm for alarm in alarms}
    # Two clocks: when we last polled, and how new what we got is.
    times = {
        AlarmKind.NO_GOOD_POLL: {"last_good_poll": watched.last_good_poll_at},
        AlarmKind.SILENCE: {"newest_notice": watched.newest_notice_at},
    }
    return [_result(kind, raised.get(kind), times.get(kind, {})) for kind in AlarmKind]


def _result(kind: AlarmKind, alarm: Alarm | None, times: Mapping[str, dt.datetime | None]) -> dict[str, Any]:
    rule = RULES[kind]
    is_error = rule.severity is Severity.ERROR
    return {
        "asset_key": dg.AssetKey(rule.asset),
        "check_name": kind.value,
        "passed": alarm is None,
        "severity": dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        "metadata": {
            **({"found": redact(alarm.said), "what_to_do": rule.cure} if alarm else {"found": "nothing"}),
            **{name: dg.MetadataValue.timestamp(at) for name, at in times.items() if at is not None},
        },
    }


def build_alert_sensor(settings: Settings, now: Callable[[], dt.datetime]) -> dg.SensorDefinition:
    """Return the sensor, running by default."""

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=_LOOK_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Looks for what needs a person (docs/runbook.md), tells the channels that are set, shows it as checks",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        watched = Watched(settings, Published(layout_of(settings)), now())
        alarms = look_for_alarms(watched)
        told = tell(alarms, from_text(context.cursor), channels_of(settings), settings, now())
        for failure in told.failures:
            context.log.warning(redact(failure))
        return dg.SensorResult(
            skip_reason=_said(alarms, told.sent, told.failures),
            cursor=as_text(told.state),
            asset_events=list(_to_write(context.instance, watched, alarms)),
        )

    return alerts


def _said(alarms: Sequence[Alarm], sent: int, failures: Sequence[str]) -> str:
    raised = ", ".join(alarm.kind.value for alarm in alarms) or "nothing"
    failed = f"; not delivered: {'; '.join(failures)}" if failures else ""
    return redact(f"needs a person: {raised}; {sent} alerts sent{failed}")
