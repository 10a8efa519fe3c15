"""Alarms about the polls and the list: whether the service is asked, and answers as usual."""

from __future__ import annotations

import datetime as dt

import polars as pl

from konkurs_pipeline.domain.monitoring import volume
from konkurs_pipeline.domain.monitoring.alarms import (
    QUARTER_MISSED_AFTER,
    Alarm,
    AlarmKind,
)
from konkurs_pipeline.domain.outcomes import MISSING, STOPPING, Outcome
from konkurs_pipeline.enquiries.times import oslo_minute_text, rough_span_text
from konkurs_pipeline.enquiries.watch import Watched, longest_without_poll, recent_quarters


def clock_was_ahead(watched: Watched) -> Alarm | None:
    """Return the alarm if a poll's time lies in the future."""
    ahead = watched.polls_from_the_future
    if ahead.is_empty():
        return None
    last = ahead["started_at"].max()
    until = oslo_minute_text(last) if isinstance(last, dt.datetime) else "?"
    message = f"{ahead.height} polls have times in the future, up to {until}: they count for nothing"
    return Alarm(AlarmKind.CLOCK_WAS_AHEAD, message, level=until)


def no_good_poll(watched: Watched) -> Alarm | None:
    """Return the alarm if the last good poll is too long ago."""
    kind = AlarmKind.NO_GOOD_POLL
    last = watched.last_good_poll_at
    if last is None:
        return Alarm(kind, "no poll has come to a good end yet") if watched.polls.height else None
    longest = longest_without_poll(watched.now, watched.calendar)
    if watched.now - last <= longest:
        return None
    return Alarm(
        kind, f"the last good poll ended {rough_span_text(watched.now - last)} ago, at {oslo_minute_text(last)}"
    )


def quarters_missed(watched: Watched) -> Alarm | None:
    """Return the alarm if no poll read some quarters of opening hours."""
    # The newest may still be read by the poll that is due.
    unread = [q for q in recent_quarters(watched) if q.read_by is None and q.start < watched.now - QUARTER_MISSED_AFTER]
    if not unread:
        return None
    first = oslo_minute_text(unread[0].start)
    message = f"{len(unread)} quarters of opening hours were read by no poll, the first at {first}"
    return Alarm(AlarmKind.QUARTERS_MISSED, message)


def poll_incomplete(watched: Watched) -> Alarm | None:
    """Return the alarm if the last poll failed or could not get every document."""
    last = watched.polls.tail(1).to_dicts()
    if not last or last[0]["outcome"] not in (Outcome.PARTIAL, Outcome.FAILED):
        return None
    found = watched.issues.filter(
        (pl.col("run_id") == last[0]["run_id"]) & pl.col("code").is_in(sorted(MISSING | STOPPING))
    )
    # Twice as many missing documents are another level: the channels are notified again.
    rows = found.select("code", "issue_count").iter_rows()
    levels = sorted({f"{code} {(count or 0).bit_length()}" for code, count in rows})
    message = f"the last poll ({last[0]['outcome']}): {last[0]['detail']}"
    return Alarm(AlarmKind.POLL_INCOMPLETE, message, level=" ".join(levels))


def silence(watched: Watched) -> Alarm | None:
    """Return the alarm if no notice has come for too many opening hours."""
    if not watched.settings.are_volumes_expected or watched.good_polls.is_empty():
        return None
    newest = watched.newest_notice_at
    quiet = volume.silence(newest, watched.now, watched.calendar)
    if quiet < volume.LONGEST_SILENCE:
        return None
    since = oslo_minute_text(newest) if newest else "long ago"
    return Alarm(
        AlarmKind.SILENCE, f"no notice for {rough_span_text(quiet)} of opening hours; the newest is of {since}"
    )


def no_openings(watched: Watched) -> Alarm | None:
    """Return the alarm if a workday is over and no aapning is known of it."""
    if not watched.settings.are_volumes_expected:
        return None
    day = volume.last_finished_workday(watched.now, watched.calendar)
    _, closed = watched.calendar.opening_hours(day)
    was_read = not watched.good_polls.filter(
        (pl.col("started_at") >= closed) & (pl.col("to_workday") >= day)
    ).is_empty()
    if not was_read or volume.has_opening(watched.notices, day):
        return None
    return Alarm(AlarmKind.NO_OPENINGS, f"the workday {day} is over, and no aapning is known of it", level=str(day))


def short_list(watched: Watched) -> Alarm | None:
    """Return the alarm if the last list lacks notices that are known."""
    last = watched.good_polls.tail(1).to_dicts()
    if not last:
        return None
    poll = last[0]
    first = watched.calendar.back(poll["from_workday"], watched.settings.lookback_workdays)
    days = watched.calendar.between(first, poll["to_workday"])
    known = watched.tables.read("raw_notices", days, columns=("uuid",)).height
    if not volume.is_far_shorter(poll["notices_seen"], known):
        return None
    message = (
        f"the list held {poll['notices_seen']} notices of {first} to {poll['to_workday']}, of which {known} are known"
    )
    return Alarm(AlarmKind.SHORT_LIST, message)


def too_many_notices(watched: Watched) -> Alarm | None:
    """Return the alarm if there are far more notices of a type than expected."""
    if not watched.settings.are_volumes_expected:
        return None
    found = volume.too_many(watched.notices, watched.recent_days)
    message = "; ".join(map(str, found))
    return Alarm(AlarmKind.TOO_MANY_NOTICES, message, level=message) if found else None
