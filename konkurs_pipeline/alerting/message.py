"""One alert as its receiver reads it: an alarm was raised or cleared. It holds no national identifier."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass

from konkurs_pipeline.contracts.alert import Alert
from konkurs_pipeline.domain.monitoring.alarms import RULES, Notification
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings


@dataclass(frozen=True)
class Message:
    """An alert. `event`: raised or cleared; `said`: the alarm's message, the last one if it cleared; `at`: sent at (UTC)."""

    schema: str
    event: str
    alarm: str
    severity: str
    said: str
    cure: str
    bank: str
    environment: str
    at: str

    @property
    def title(self) -> str:
        """Return the alert in one line."""
        return f"[konkurs {self.bank} {self.environment}] {self.event}: {self.alarm} ({self.severity})"

    @property
    def text(self) -> str:
        """Return the alert for a person."""
        if self.event == "cleared":
            return f"{self.title}\nIt was: {self.said}"
        return f"{self.title}\n{self.said}\nWhat to do: {self.cure}\nMore: docs/runbook.md#{self.alarm}"

    def as_dict(self) -> dict[str, str]:
        """Return the alert for a program; chat services show `text`."""
        alert = Alert.model_validate({**asdict(self), "text": self.text})
        return alert.model_dump(mode="json", by_alias=True)


def message_of(notification: Notification, settings: Settings, now: dt.datetime) -> Message:
    """Return the message for a channel."""
    rule = RULES[notification.kind]
    last = notification.alarm or notification.before
    return Message(
        schema="konkurs-alert/1",
        event="raised" if notification.alarm else "cleared",
        alarm=notification.kind.value,
        severity=rule.severity.value,
        said=redact(last.message if last else ""),
        cure=rule.cure,
        bank=settings.bank_id,
        environment=settings.environment.value,
        at=now.isoformat(timespec="seconds"),
    )
