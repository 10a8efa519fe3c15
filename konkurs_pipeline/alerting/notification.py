"""Notifies each channel of what it does not know yet, and returns what each channel now knows.

No channel waits for another: each has a thread, and a round has one total time. If one channel never answers, what the
others took still counts as delivered.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from konkurs_pipeline.alerting.channels import Channel
from konkurs_pipeline.alerting.message import Message, message_of
from konkurs_pipeline.domain.monitoring.alarms import (
    Alarm,
    AlarmKind,
    Notification,
    Notified,
    State,
    after_delivery,
    notifications_due,
)
from konkurs_pipeline.errors import AlertError
from konkurs_pipeline.settings import Settings

# Dagster ends a sensor's tick after 60 seconds; then the cursor, and with it what was delivered, is lost.
_ROUND_S: Final = 30.0


@dataclass(frozen=True)
class Round:
    """The result of one round: the state after it, how many messages were sent, and what could not be delivered."""

    state: State
    sent: int
    failures: tuple[str, ...]


@dataclass
class _Delivery:
    """The notifications of one channel in a round, in a thread of its own; the first failure ends it until the next round."""

    name: str
    channel: Channel
    due: Sequence[tuple[Notification, Message]]
    delivered: list[Notification] = field(default_factory=list)
    failure: str | None = None

    def run(self) -> None:
        for notification, message in self.due:
            try:
                self.channel(message)
            except AlertError as error:
                self.failure = str(error)
                return
            self.delivered.append(notification)


def notify(  # noqa: PLR0913 -- of what, which channels, when, and for how long at most
    alarms: Sequence[Alarm],
    state: State,
    channels: Mapping[str, Channel],
    settings: Settings,
    now: dt.datetime,
    *,
    seconds: float = _ROUND_S,
) -> Round:
    """Send what is due within `seconds` in all.

    A message that could not be delivered is due again in the next round.
    """
    due = [
        (notification, message_of(notification, settings, now))
        for notification in notifications_due(alarms, state, channels)
    ]
    deliveries = [
        _Delivery(name, channel, [one for one in due if one[0].channel == name]) for name, channel in channels.items()
    ]
    failures = _run_all([delivery for delivery in deliveries if delivery.due], seconds)
    delivered = [notification for delivery in deliveries for notification in list(delivery.delivered)]
    return Round(after_delivery(state, delivered, channels), len(delivered), tuple(failures))


def _run_all(deliveries: Sequence[_Delivery], seconds: float) -> list[str]:
    """Run the deliveries side by side; returns what failed or did not end in time."""
    ends = time.monotonic() + seconds
    threads = [threading.Thread(target=delivery.run, daemon=True) for delivery in deliveries]
    for thread in threads:
        thread.start()
    failures = []
    for delivery, thread in zip(deliveries, threads, strict=True):
        thread.join(max(0.0, ends - time.monotonic()))
        if thread.is_alive():
            failures.append(f"the channel {delivery.name} did not take its alerts within {seconds:g} s")
        elif delivery.failure is not None:
            failures.append(delivery.failure)
    return failures


def as_text(state: State) -> str:
    """Return the state as text, to be kept between rounds."""
    return json.dumps(
        {
            channel: {kind: {"level": one.level, "said": one.message} for kind, one in known.items()}
            for channel, known in state.items()
        }
    )


def from_text(text: str | None) -> State:
    """Return the state that a text holds; an unknown kind of alarm, of another version, is left out."""
    kinds = set(AlarmKind)
    return {
        channel: {AlarmKind(kind): Notified(one["level"], one["said"]) for kind, one in known.items() if kind in kinds}
        for channel, known in (json.loads(text) if text else {}).items()
    }
