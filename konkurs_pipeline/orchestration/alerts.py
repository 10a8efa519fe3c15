"""What needs a person, as Dagster shows and tells it: a check for each kind of alarm, and the sensor that sends alerts.

The last step of every run looks (`watch`), and so does the sensor every minute: a poll that does not come leaves no run.
The sensor reads what runs published and holds up nothing. Its cursor is what each channel was told last, so an alert
leaves once, also after a restart. A check is written when it changed since the sensor last looked, and not at every look.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import dagster as dg

from konkurs_pipeline.alerting.channels import channels_of
from konkurs_pipeline.alerting.telling import as_text, from_text, tell
from konkurs_pipeline.domain.alarms import RULES, Alarm, AlarmKind, Severity
from konkurs_pipeline.enquiries.alarms import look_for_alarms
from konkurs_pipeline.enquiries.watch import Watched
from konkurs_pipeline.orchestration import wiring
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.published import Published
from konkurs_pipeline.storage.store import layout_of

_LOOK_EVERY_S: Final = 60


def _specs() -> list[dg.AssetCheckSpec]:
    """Return a check for each kind of alarm, on the asset where a person looks for it."""
    return [
        dg.AssetCheckSpec(name=kind.value, asset=rule.asset, description=f"{rule.passes_when}. Else: {rule.cure}")
        for kind, rule in RULES.items()
    ]


def build_watch() -> dg.AssetChecksDefinition:
    """Return the last step of a run: the look at what it left."""

    @wiring.shows_errors
    def look(poll: Poll) -> list[dg.AssetCheckResult]:
        watched = Watched(poll.settings, poll.store, poll.now())
        return [dg.AssetCheckResult(**one) for one in _results(watched, look_for_alarms(watched), tuple(AlarmKind))]

    @dg.multi_asset_check(name="watch", specs=_specs(), description="What needs a person now (docs/runbook.md)")
    def watch(poll: dg.ResourceParam[Poll]) -> Iterator[dg.AssetCheckResult]:
        yield from look(poll=poll)

    return watch


def _results(watched: Watched, alarms: Sequence[Alarm], kinds: Sequence[AlarmKind]) -> list[dict[str, Any]]:
    """Return the arguments of a check's result for each kind: passed where there is no alarm of it."""
    raised = {alarm.kind: alarm for alarm in alarms}
    # Two clocks: when we last polled, and how new what we got is.
    times = {
        AlarmKind.NO_GOOD_POLL: {"last_good_poll": watched.last_good_poll_at},
        AlarmKind.SILENCE: {"newest_notice": watched.newest_notice_at},
    }
    return [_result(kind, raised.get(kind), times.get(kind, {})) for kind in kinds]


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
        kept = _kept(context.cursor)
        watched = Watched(settings, Published(layout_of(settings)), now())
        alarms = look_for_alarms(watched)
        told = tell(alarms, from_text(kept["told"]), channels_of(settings), settings, now())
        for failure in told.failures:
            context.log.warning(redact(failure))
        shown = {alarm.kind.value: redact(alarm.said) for alarm in alarms}
        changed = [kind for kind in AlarmKind if shown.get(kind.value) != kept["shown"].get(kind.value)]
        return dg.SensorResult(
            skip_reason=_said(alarms, told.sent, told.failures),
            cursor=json.dumps({"told": as_text(told.state), "shown": shown}),
            asset_events=[dg.AssetCheckEvaluation(**one) for one in _results(watched, alarms, changed)],
        )

    return alerts


def _kept(cursor: str | None) -> Mapping[str, Any]:
    return {"told": None, "shown": {}, **(json.loads(cursor) if cursor else {})}


def _said(alarms: Sequence[Alarm], sent: int, failures: Sequence[str]) -> str:
    raised = ", ".join(alarm.kind.value for alarm in alarms) or "nothing"
    failed = f"; not delivered: {'; '.join(failures)}" if failures else ""
    return redact(f"needs a person: {raised}; {sent} alerts sent{failed}")
