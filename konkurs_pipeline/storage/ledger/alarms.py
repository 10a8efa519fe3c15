"""The ledger's history of alarms: when each was raised, and when it cleared. What an alarm is: domain/monitoring/alarms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from konkurs_pipeline.domain.monitoring.alarms import Alarm
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.storage.ledger.database import Ledger


def note_alarms(ledger: Ledger, raised: Sequence[Alarm], now: dt.datetime) -> None:
    """Note what is raised now: a new alarm gets a row, a continuing one its newest message, a cleared one its end."""
    open_ = dict(ledger.rows("SELECT kind, message FROM alarms WHERE cleared_at IS NULL"))
    messages = {alarm.kind.value: redact(alarm.message) for alarm in raised}
    severities = {alarm.kind.value: alarm.rule.severity.value for alarm in raised}
    if messages == open_:
        return
    with ledger.transaction():
        for kind in open_.keys() - messages.keys():
            ledger.execute("UPDATE alarms SET cleared_at = ? WHERE kind = ? AND cleared_at IS NULL", [now, kind])
        for kind in open_.keys() & messages.keys():
            ledger.execute(
                "UPDATE alarms SET message = ? WHERE kind = ? AND cleared_at IS NULL", [messages[kind], kind]
            )
        new = [kind for kind in messages if kind not in open_]
        ended = dict.fromkeys(("cleared_at",))
        ledger.append(
            "alarms",
            [
                {"kind": kind, "severity": severities[kind], "raised_at": now, **ended, "message": messages[kind]}
                for kind in new
            ],
        )
