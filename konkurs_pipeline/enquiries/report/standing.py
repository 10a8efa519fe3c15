"""How the store stands now, for the metrics: the alarms, and the instants from which ages are computed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

from konkurs_pipeline.brreg.certificate import settings_certificate
from konkurs_pipeline.domain.actions.rows import ActionStatus
from konkurs_pipeline.domain.monitoring.alarms import AlarmKind
from konkurs_pipeline.enquiries.alarms.raised import raised_alarms
from konkurs_pipeline.enquiries.watch import Watched
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of


@dataclass(frozen=True)
class Standing:
    """Instants are UTC; null: there is none. `alarms`: the raised ones."""

    last_good_poll_at: dt.datetime | None
    newest_notice_at: dt.datetime | None
    certificate_expires_at: dt.datetime | None
    held_blocks: int
    quarantined: int
    alarms: frozenset[AlarmKind]


def standing_of(settings: Settings, now: dt.datetime) -> Standing:
    """Read the store. Raises `StoreError` if a table is damaged."""
    watched = Watched(settings, Published(layout_of(settings)), now)
    quarantine = watched.tables.read("quarantine")
    return Standing(
        last_good_poll_at=watched.last_good_poll_at,
        newest_notice_at=watched.newest_notice_at,
        certificate_expires_at=_certificate_end(settings),
        held_blocks=watched.actions.filter(pl.col("status") == ActionStatus.HELD.value).height,
        quarantined=quarantine["resolved_at"].null_count(),
        alarms=frozenset(alarm.kind for alarm in raised_alarms(watched)),
    )


def _certificate_end(settings: Settings) -> dt.datetime | None:
    try:
        facts = settings_certificate(settings)
    except KonkursError:
        # It cannot be used: the alarm `certificate` is raised.
        return None
    return facts.not_after if facts else None
