"""Tell each channel what it does not know yet, and remember what it was told."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from konkurs_pipeline.alerting.channels import Channel
from konkurs_pipeline.alerting.message import message_of
from konkurs_pipeline.domain.alarms import Alarm, AlarmKind, State, Told, after_telling, to_tell
from konkurs_pipeline.errors import AlertError
from konkurs_pipeline.settings import Settings


@dataclass(frozen=True)
class Round:
    """What one round of telling did: the state after it, how many messages left, and what could not be delivered."""

    state: State
    sent: int
    failures: tuple[str, ...]


def tell(
    alarms: Sequence[Alarm], state: State, channels: Mapping[str, Channel], settings: Settings, now: dt.datetime
) -> Round:
    """Send what is due. A message that could not be delivered is due again; one that was is not, whatever else fails."""
    delivered, failures = [], []
    for telling in to_tell(alarms, state, channels):
        try:
            channels[telling.channel](message_of(telling, settings, now))
        except AlertError as error:
            failures.append(str(error))
        else:
            delivered.append(telling)
    return Round(after_telling(state, delivered, channels), len(delivered), tuple(dict.fromkeys(failures)))


def as_text(state: State) -> str:
    """Return the state as text, to be kept between rounds."""
    return json.dumps(
        {channel: {kind: asdict(told) for kind, told in known.items()} for channel, known in state.items()}
    )


def from_text(text: str | None) -> State:
    """Return the state that a text holds; an unknown kind of alarm, of another version, is left out."""
    kinds = set(AlarmKind)
    return {
        channel: {AlarmKind(kind): Told(**told) for kind, told in known.items() if kind in kinds}
        for channel, known in (json.loads(text) if text else {}).items()
    }
