"""The sensor that sends alerts: every minute it looks for what needs a person, also when no poll comes.

It also ends the runs whose process was killed. It reads what runs published, so no run waits for it. Its cursor holds the
last notification of each channel. So each alert is sent once, also after a restart.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

import dagster as dg

from konkurs_pipeline.alerting.channels import channels_of
from konkurs_pipeline.alerting.notification import as_text, from_text, notify
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.monitoring.alarms import Alarm
from konkurs_pipeline.enquiries.alarms.raised import raised_alarms
from konkurs_pipeline.enquiries.watch import Watched
from konkurs_pipeline.orchestration.bank_names import names_of
from konkurs_pipeline.orchestration.runs.dead_runs import end_dead_runs
from konkurs_pipeline.orchestration.sensors.alarm_history import note_outside_a_run
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of

_LOOK_EVERY_S: Final = 60


def build_alert_sensor(settings: Settings, now: Callable[[], dt.datetime]) -> dg.SensorDefinition:
    """Return the sensor, running by default."""

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=_LOOK_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Looks for what needs a person (docs/runbook.md), and notifies the channels that are set",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        end_dead_runs(context.instance, layout_of(settings).lock, utc_now(), names_of(settings))
        watched = Watched(settings, Published(layout_of(settings)), now())
        alarms = raised_alarms(watched)
        delivery = notify(alarms, from_text(context.cursor), channels_of(settings), settings, now())
        for failure in delivery.failures:
            context.log.warning(redact(failure))
        note_outside_a_run(settings, alarms, watched.now)
        return dg.SensorResult(
            skip_reason=_summary(alarms, delivery.sent, delivery.failures), cursor=as_text(delivery.state)
        )

    return alerts


def _summary(alarms: Sequence[Alarm], sent: int, failures: Sequence[str]) -> str:
    raised = ", ".join(alarm.kind.value for alarm in alarms) or "nothing"
    failed = f"; not delivered: {'; '.join(failures)}" if failures else ""
    return redact(f"needs a person: {raised}; {sent} alerts sent{failed}")
