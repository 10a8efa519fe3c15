"""Alarms about the bank's register, the certificate, the quarantine and the second source."""

from __future__ import annotations

import datetime as dt

import polars as pl

from konkurs_pipeline.brreg.certificate import settings_certificate
from konkurs_pipeline.domain.estates import EstateState
from konkurs_pipeline.domain.monitoring.alarms import (
    CERTIFICATE_DAYS,
    LONGEST_WITHOUT_COMPARISON,
    REGISTER_STALE_AFTER_WORKDAYS,
    Alarm,
    AlarmKind,
)
from konkurs_pipeline.domain.outcomes import IssueCode
from konkurs_pipeline.domain.retention import LONGEST_OPEN
from konkurs_pipeline.domain.second_source import ComparisonOutcome
from konkurs_pipeline.enquiries.times import oslo_minute_text
from konkurs_pipeline.enquiries.watch import Watched
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.settings import OFF, Environment
from konkurs_pipeline.storage.register.snapshots import Snapshots


def register_refused(watched: Watched) -> Alarm | None:
    """Return the alarm if the last good poll refused the bank's files."""
    last = watched.good_polls.tail(1)["run_id"].to_list()
    refusals = watched.issues.filter(
        pl.col("run_id").is_in(last) & pl.col("code").is_in([IssueCode.REGISTER_REFUSED, IssueCode.NO_REGISTER])
    )["message"].to_list()
    return Alarm(AlarmKind.REGISTER_REFUSED, refusals[0], level=refusals[0]) if refusals else None


def register_stale(watched: Watched) -> Alarm | None:
    """Return the alarm if the customers file is too old."""
    try:
        written = dt.datetime.fromtimestamp(watched.settings.customers.stat().st_mtime, dt.UTC)
    except OSError:
        # If the file is missing, the alarm `register_refused` says so.
        return None
    today = watched.calendar.workday_of(watched.now)
    oldest = watched.calendar.back(today, REGISTER_STALE_AFTER_WORKDAYS)
    if watched.settings.environment is Environment.DEMO or watched.calendar.workday_of(written) >= oldest:
        return None
    accepted = Snapshots(watched.layout.snapshots).current()
    used = (
        f"the one in use was accepted at {oslo_minute_text(accepted.accepted_at)}"
        if accepted
        else "none was accepted yet"
    )
    message = f"the customers file is of {oslo_minute_text(written)}; {used}"
    return Alarm(AlarmKind.REGISTER_STALE, message)


def certificate(watched: Watched) -> Alarm | None:
    """Return the alarm if the client certificate ends soon, or cannot be used."""
    try:
        facts = settings_certificate(watched.settings)
    except KonkursError as error:
        return Alarm(AlarmKind.CERTIFICATE, f"the client certificate cannot be used: {error}", level="unusable")
    if facts is None:
        return None
    left = (facts.not_after - watched.now).days
    passed = [days for days in CERTIFICATE_DAYS if left <= days]
    if not passed:
        return None
    message = f"the client certificate is valid to {oslo_minute_text(facts.not_after)}, {max(left, 0)} days more"
    return Alarm(AlarmKind.CERTIFICATE, message, level=str(passed[-1]))


def quarantine(watched: Watched) -> Alarm | None:
    """Return the alarm if the quarantine has open entries."""
    entries = watched.tables.read("quarantine").filter(pl.col("resolved_at").is_null())
    if entries.is_empty():
        return None
    counts = entries.group_by("reason").len().sort("reason").iter_rows()
    message = f"quarantine: {', '.join(f'{count} {reason}' for reason, count in counts)}"
    return Alarm(AlarmKind.QUARANTINE, message, level=message)


def second_source_differs(watched: Watched) -> Alarm | None:
    """Return the alarm if Enhetsregisteret and the known bankruptcies differ."""
    rows = watched.tables.read("second_source")
    if rows.is_empty() or watched.settings.enhetsregisteret_url == OFF:
        return None
    counts = rows.group_by("difference").len().sort("difference").rows()
    message = "Enhetsregisteret differs: " + ", ".join(f"{count} {kind}" for kind, count in counts)
    return Alarm(AlarmKind.SECOND_SOURCE_DIFFERS, message, level=" ".join(rows["difference_id"].sort()))


def never_ended(watched: Watched) -> Alarm | None:
    """Return the alarm if something has been open for so long that the retention rules would keep it for ever."""
    began = watched.now - LONGEST_OPEN
    # A younger bank reads nothing.
    days = watched.calendar.between(watched.settings.first_workday, began.date())
    estates = watched.tables.read("estates", days, columns=("state", "registered_at")).filter(
        (pl.col("state") == EstateState.OPEN.value) & (pl.col("registered_at") < began)
    )
    entries = watched.tables.read("quarantine").filter(
        pl.col("resolved_at").is_null() & (pl.col("first_seen_at") < began)
    )
    counts = {"bankruptcies": estates.height, "quarantine entries": entries.height}
    found = " and ".join(f"{count} {what}" for what, count in counts.items() if count)
    return Alarm(AlarmKind.NEVER_ENDED, f"{found} are open for 15 years", level=found) if found else None


def second_source_unread(watched: Watched) -> Alarm | None:
    """Return the alarm if the last comparison with Enhetsregisteret is too long ago."""
    if watched.settings.enhetsregisteret_url == OFF:
        return None
    tried = watched.tables.read("second_source_comparisons").sort("compared_at")
    good = tried.filter(pl.col("outcome") == ComparisonOutcome.COMPARED.value)["compared_at"].max()
    if tried.is_empty() or (isinstance(good, dt.datetime) and watched.now - good <= LONGEST_WITHOUT_COMPARISON):
        return None
    since = f"since {oslo_minute_text(good)}" if isinstance(good, dt.datetime) else "yet"
    return Alarm(
        AlarmKind.SECOND_SOURCE_UNREAD, f"Enhetsregisteret was not compared {since}: {tried['detail'].to_list()[-1]}"
    )
