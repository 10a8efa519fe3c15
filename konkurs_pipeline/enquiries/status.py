"""How things stand, for operations and for a monitor that calls `konkurs status --json`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from konkurs_pipeline.brreg.certificate import settings_certificate
from konkurs_pipeline.domain.actions.rows import ActionStatus
from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.domain.monitoring.alarms import Alarm, AlarmKind, Severity
from konkurs_pipeline.enquiries.alarms.handoff import receipts_for_a_person
from konkurs_pipeline.enquiries.alarms.raised import raised_alarms
from konkurs_pipeline.enquiries.watch import Watched
from konkurs_pipeline.enquiries.worklists.reviews import reviews_of
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.register.snapshots import Snapshots
from konkurs_pipeline.storage.store import check_marker, layout_of


@dataclass(frozen=True)
class Status:
    """The state of the store; a part is null or empty if there is nothing yet."""

    last_poll: dict[str, Any] | None
    last_good_poll_at: str | None
    newest_notice_registered_at: str | None
    quarantine: dict[str, int]
    held: int
    open_reviews: int
    oldest_open_review_at: str | None
    unconfirmed: dict[str, int]
    pending: dict[str, int]
    receipts_set_aside: int
    register: dict[str, Any] | None
    certificate: dict[str, Any] | None
    alarms: list[dict[str, str]]
    attention: list[str]


def current_status(settings: Settings, now: dt.datetime) -> Status:
    """Gather the status. Raises `StoreError` if the folder belongs to another environment or is damaged."""
    layout = layout_of(settings)
    check_marker(settings, layout)
    published = Published(layout)
    polls = published.read("polls").sort("started_at")
    actions = published.read("actions")
    quarantine = _open_quarantine(published)
    held = actions.filter(pl.col("status") == ActionStatus.HELD.value).height
    last = polls.tail(1).to_dicts()
    watched = Watched(settings, published, now)
    # Errors first; the order of the kinds within.
    alarms = sorted(raised_alarms(watched), key=lambda alarm: alarm.rule.severity is not Severity.ERROR)
    waiting = [review.decided_at for review in reviews_of(published) if review.is_open]
    return Status(
        last_poll={name: _text(value) for name, value in last[0].items()} if last else None,
        last_good_poll_at=_text(watched.last_good_poll_at),
        newest_notice_registered_at=_text(published.read("raw_notices")["registered_at"].max()),
        quarantine=quarantine,
        held=held,
        open_reviews=len(waiting),
        oldest_open_review_at=_text(min(waiting, default=None)),
        unconfirmed=_counts(_waiting(actions), "action"),
        pending=_counts(_waiting(actions).filter(pl.col("pending_at").is_not_null()), "action"),
        receipts_set_aside=receipts_for_a_person(published.read("receipts")).height,
        register=_register(Snapshots(layout.snapshots)),
        certificate=_certificate(settings, now),
        alarms=[_alarm(alarm) for alarm in alarms],
        attention=_attention(last, alarms),
    )


def _alarm(alarm: Alarm) -> dict[str, str]:
    return {
        "alarm": alarm.kind.value,
        "severity": alarm.rule.severity.value,
        "said": alarm.message,
        "cure": alarm.rule.cure,
        "link": f"docs/runbook.md#{alarm.kind.value}",
    }


def _open_quarantine(published: Published) -> dict[str, int]:
    return _counts(published.read("quarantine").filter(pl.col("resolved_at").is_null()), "reason")


def _waiting(actions: pl.DataFrame) -> pl.DataFrame:
    return actions.filter(pl.col("status") == ActionStatus.EXPORTED.value)


def _counts(rows: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(rows.group_by(column).len().sort(column).iter_rows())


def _register(snapshots: Snapshots) -> dict[str, Any] | None:
    snapshot = snapshots.current()
    if snapshot is None:
        return None
    return {
        "id": snapshot.id,
        "accepted_at": _text(snapshot.accepted_at),
        "customers": snapshot.counts.customers,
        "accounts": snapshot.counts.accounts,
        "flagged_customers": snapshot.counts.flagged_customers,
        "flagged_accounts": snapshot.counts.flagged_accounts,
    }


def _certificate(settings: Settings, now: dt.datetime) -> dict[str, Any] | None:
    try:
        facts = settings_certificate(settings)
    except KonkursError as error:
        return {"expires_at": None, "days_left": None, "problem": str(error)}
    if facts is None:
        return None
    return {"expires_at": _text(facts.not_after), "days_left": (facts.not_after - now).days, "problem": None}


def _attention(last: list[dict[str, Any]], alarms: Sequence[Alarm]) -> list[str]:
    """Return what needs a person: the alarms, and what the last poll left besides."""
    lines = [f"{a.rule.severity.value} {a.kind.value}: {a} (docs/runbook.md#{a.kind.value})" for a in alarms]
    is_in_alarms = any(alarm.kind is AlarmKind.POLL_INCOMPLETE for alarm in alarms)
    if last and last[0]["detail"] and not is_in_alarms:
        lines.append(f"last poll ({last[0]['outcome']}): {last[0]['detail']}")
    return lines


def age_of_last_good_poll(settings: Settings, now: dt.datetime) -> dt.timedelta | None:
    """Return how long ago the last poll that had the list ended; null: none ever did."""
    watched = Watched(settings, Published(layout_of(settings)), now)
    last = watched.last_good_poll_at
    return now - last if last else None


def _text(value: object) -> Any:  # noqa: ANN401 -- what JSON can say
    if isinstance(value, dt.datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, dt.date) else value
