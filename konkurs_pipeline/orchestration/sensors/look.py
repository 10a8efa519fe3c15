"""The sensor of light looks: in opening hours it asks every few seconds for something new, and starts a poll early.

If there is nothing new, Dagster records the tick and nothing else is written. After a failure the next look waits: twice as
long each time, at most a quarter of an hour, or as long as the service asks. A failed look raises no alarm: the scheduled
polls do.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

import dagster as dg

from konkurs_pipeline.brreg.client import Konkursvarsel, asked_to_wait_s, look_client
from konkurs_pipeline.brreg.fetching import Answer
from konkurs_pipeline.errors import KonkursError, ServiceError
from konkurs_pipeline.orchestration.bank_names import names_of
from konkurs_pipeline.orchestration.runs.loggers import QUIET_RUN_CONFIG
from konkurs_pipeline.orchestration.runs.names import PARTITION_TAG, POLL_JOB
from konkurs_pipeline.orchestration.schedules import why_not_now
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Environment, Settings
from konkurs_pipeline.steps.look import Look, hand_over_look, look, look_tags
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of

# Dagster's daemon goes through its sensors every 5 seconds, or some milliseconds sooner: a look that is due less than half
# a round later is made now. Without this every second look came 5 seconds late.
_HALF_A_ROUND_S: Final = 2
_LONGEST_WAIT_S: Final = 900.0
Connect = Callable[[Settings], Konkursvarsel]


@dataclass(frozen=True)
class Backoff:
    """The cursor: how many looks failed in a row, and until when none is made (seconds since 1970)."""

    failures: int = 0
    until: float = 0.0

    @classmethod
    def of(cls, cursor: str | None) -> "Backoff":
        """Return what a cursor holds."""
        return cls(**json.loads(cursor)) if cursor else cls()

    def is_waiting(self, now: float) -> bool:
        """Return whether the next look must wait. A wait longer than any we give comes from a clock that was ahead: no."""
        return now < self.until <= now + 2 * _LONGEST_WAIT_S

    def after_failure(self, now: float, every_s: float, retry_after_s: float) -> "Backoff":
        """Return the wait after one more failure."""
        doubled = min(every_s * 2.0 ** min(self.failures + 1, 10), _LONGEST_WAIT_S)
        return Backoff(self.failures + 1, now + max(doubled, min(retry_after_s, 2 * _LONGEST_WAIT_S)))


class RepeatedLook:
    """A look that keeps, as long as the code server runs, its connection and the last answer without an unknown notice."""

    def __init__(self, settings: Settings, connect: Connect) -> None:
        self._settings, self._connect = settings, connect
        self._client: Konkursvarsel | None = None
        self._published = Published(layout_of(settings))
        self._without: Answer | None = None

    def look(self, now: dt.datetime) -> Look:
        """Look once; raises any `KonkursError`."""
        if self._client is None:
            self._client = self._connect(self._settings)
        seen = look(self._client, self._settings, self._published, now)
        if seen.is_whole and not seen.unknown:
            self._without = seen.answer
        return seen

    def forget_connection(self) -> None:
        """Close the connection after a failure: the next look reads the certificate again, which may be a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def evidence_tags(self) -> dict[str, str]:
        """Hand over the last look that showed nothing unknown; returns its tags, none if there is no such look."""
        if self._without is None:
            return {}
        hand_over_look(layout_of(self._settings), self._without.body)
        return look_tags(self._without)


def is_open(settings: Settings, now: dt.datetime) -> bool:
    """Return whether looks are made now: in opening hours on workdays; in the demo always."""
    return settings.calendar.is_open(now) or settings.environment is Environment.DEMO


def build_look_sensor(
    settings: Settings, now: Callable[[], dt.datetime], connect: Connect = look_client
) -> list[dg.SensorDefinition]:
    """Return the sensor, running by default; none where KONKURS_LOOK_EVERY_S is 0."""
    if not settings.look_every_s:
        return []
    repeated = RepeatedLook(settings, connect)
    lock_file = layout_of(settings).lock

    @dg.sensor(
        name="look",
        job_name=names_of(settings).job(POLL_JOB),
        minimum_interval_seconds=max(settings.look_every_s - _HALF_A_ROUND_S, 1),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="In opening hours: asks the service for something new, and starts a poll when there is",
    )
    def look_once(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        at, backoff = now(), Backoff.of(context.cursor)
        if not is_open(settings, at):
            return dg.SkipReason("outside opening hours")
        if backoff.is_waiting(at.timestamp()):
            return dg.SkipReason(f"waits after {backoff.failures} looks that failed")
        try:
            seen = repeated.look(at)
        except KonkursError as error:
            repeated.forget_connection()
            retry_after_s = asked_to_wait_s(error) if isinstance(error, ServiceError) else 0.0
            waits = backoff.after_failure(at.timestamp(), settings.look_every_s, retry_after_s)
            return dg.SensorResult(skip_reason=redact(str(error)), cursor=json.dumps(asdict(waits)))
        cursor = json.dumps(asdict(Backoff()))
        if not seen.unknown:
            return dg.SensorResult(skip_reason="nothing new", cursor=cursor)
        busy = why_not_now(context.instance, lock_file, names_of(settings))
        if busy:
            return dg.SensorResult(skip_reason=busy, cursor=cursor)
        tags = {PARTITION_TAG: settings.calendar.workday_of(at).isoformat(), **repeated.evidence_tags()}
        request = dg.RunRequest(run_key=_key_of(seen.unknown), run_config=QUIET_RUN_CONFIG, tags=tags)
        return dg.SensorResult([request], cursor=cursor)

    return [look_once]


def _key_of(uuids: frozenset[str]) -> str:
    """Return the key of a run for these notices: the same ones start one poll, however often they are seen."""
    return f"look {hashlib.sha256(' '.join(sorted(uuids)).encode()).hexdigest()}"
