"""Look for everything that needs a person now: one look for each kind of alarm (domain/alarms).

The same looks serve the asset checks of a run, the alert sensor and `konkurs status`. Nothing is changed, and what is said
names no identifier.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from konkurs_pipeline.brreg.certificate import settings_certificate
from konkurs_pipeline.domain import volume
from konkurs_pipeline.domain.action_rows import ActionStatus
from konkurs_pipeline.domain.alarms import (
    CERTIFICATE_DAYS,
    UNCONFIRMED_MINUTES,
    Alarm,
    AlarmKind,
)
from konkurs_pipeline.domain.outcomes import MISSING, STOPPING, IssueCode, Outcome
from konkurs_pipeline.domain.receipts import ReceiptOutcome
from konkurs_pipeline.domain.second_source import ComparisonOutcome
from konkurs_pipeline.enquiries.watch import Watched, longest_without_poll, recent_quarters, shown_in_oslo, spoken
from konkurs_pipeline.errors import KonkursError, StoreError
from konkurs_pipeline.settings import OFF, Environment
from konkurs_pipeline.storage.snapshots import Snapshots

_STALE_AFTER_WORKDAYS: Final = 2
_LONGEST_WITHOUT_COMPARISON: Final = dt.timedelta(days=3)


def look_for_alarms(watched: Watched) -> list[Alarm]:
    """Return what needs a person now, at most one alarm of each kind, in the order of kinds."""
    found: list[Alarm] = []
    unreadable: set[str] = set()
    for look in _LOOKS.values():
        try:
            alarm = look(watched)
        except StoreError as error:
            unreadable.add(str(error))
        else:
            found += [alarm] if alarm else []
    if unreadable:
        said = "; ".join(sorted(unreadable))
        found.insert(0, Alarm(AlarmKind.STORE_UNREADABLE, said, level=said))
    return found


def _clock_was_ahead(watched: Watched) -> Alarm | None:
    ahead = watched.polls_from_the_future
    if ahead.is_empty():
        return None
    last = ahead["started_at"].max()
    until = shown_in_oslo(last) if isinstance(last, dt.datetime) else "?"
    said = f"{ahead.height} polls have times in the future, up to {until}: they count for nothing"
    return Alarm(AlarmKind.CLOCK_WAS_AHEAD, said, level=until)


def _no_good_poll(watched: Watched) -> Alarm | None:
    kind = AlarmKind.NO_GOOD_POLL
    last = watched.last_good_poll_at
    if last is None:
        return Alarm(kind, "no poll has come to a good end yet") if watched.polls.height else None
    longest = longest_without_poll(watched.now, watched.calendar)
    if watched.now - last <= longest:
        return None
    return Alarm(kind, f"the last good poll ended {spoken(watched.now - last)} ago, at {shown_in_oslo(last)}")


def _quarters_missed(watched: Watched) -> Alarm | None:
    # The newest may still be read by the poll that is due.
    unread = [
        q for q in recent_quarters(watched) if q.read_by is None and q.start < watched.now - dt.timedelta(hours=1)
    ]
    if not unread:
        return None
    said = (
        f"{len(unread)} quarters of opening hours were read by no poll, the first at {shown_in_oslo(unread[0].start)}"
    )
    return Alarm(AlarmKind.QUARTERS_MISSED, said)


def _blocks_rejected(watched: Watched) -> Alarm | None:
    rejected = watched.actions.filter(
        (pl.col("status") == ActionStatus.REJECTED.value) & pl.col("action").is_in(["BLOCK", "REOPEN"])
    )
    if rejected.is_empty():
        return None
    first = rejected["action_id"].sort().to_list()[0]
    said = f"core banking rejected {rejected.height} BLOCK or REOPEN rows, such as action {first}"
    return Alarm(AlarmKind.BLOCKS_REJECTED, said, level=str(rejected.height))


def _block_not_in_force(watched: Watched) -> Alarm | None:
    what = "core banking says it blocked {count} accounts that the register has as open"
    return _not_in_force(watched, "BLOCK", AlarmKind.BLOCK_NOT_IN_FORCE, what)


def _reopen_not_in_force(watched: Watched) -> Alarm | None:
    what = "core banking says it reopened {count} accounts that the register has as blocked"
    return _not_in_force(watched, "REOPEN", AlarmKind.REOPEN_NOT_IN_FORCE, what)


def _not_in_force(watched: Watched, action: str, kind: AlarmKind, what: str) -> Alarm | None:
    rows = watched.tables.read("enforcement").filter((pl.col("action") == action) & ~pl.col("holds"))
    if rows.is_empty():
        return None
    first = rows["action_id"].sort().to_list()[0]
    return Alarm(kind, f"{what.format(count=rows.height)}, such as action {first}", level=str(rows.height))


def _blocks_unconfirmed(watched: Watched) -> Alarm | None:
    waiting = watched.actions.filter((pl.col("status") == ActionStatus.EXPORTED.value) & (pl.col("action") == "BLOCK"))
    oldest = waiting["exported_at"].min()
    if not isinstance(oldest, dt.datetime):
        return None
    minutes = (watched.now - oldest) / dt.timedelta(minutes=1)
    passed = [limit for limit in UNCONFIRMED_MINUTES if minutes > limit]
    if not passed:
        return None
    late = waiting.filter(pl.col("exported_at") < watched.now - dt.timedelta(minutes=UNCONFIRMED_MINUTES[0]))
    seq = late["seq"].sort().to_list()[0]
    said = f"{late.height} BLOCK rows are unconfirmed, the oldest (file {seq}) for {spoken(watched.now - oldest)}"
    pending = late["pending_at"].count()
    said += f"; core banking says of {pending} that they are PENDING" if pending else ""
    return Alarm(AlarmKind.BLOCKS_UNCONFIRMED, said, level=str(passed[-1]))


def _blocks_held(watched: Watched) -> Alarm | None:
    held = watched.actions.filter((pl.col("status") == ActionStatus.HELD.value) & pl.col("released_at").is_null())
    if held.is_empty():
        return None
    runs = sorted(set(held["run_id"].to_list()))
    return Alarm(AlarmKind.BLOCKS_HELD, f"{held.height} BLOCK rows are held back", level=" ".join(runs))


def _register_refused(watched: Watched) -> Alarm | None:
    last = watched.good_polls.tail(1)["run_id"].to_list()
    refusals = watched.issues.filter(
        pl.col("run_id").is_in(last) & pl.col("code").is_in([IssueCode.REGISTER_REFUSED, IssueCode.NO_REGISTER])
    )["message"].to_list()
    return Alarm(AlarmKind.REGISTER_REFUSED, refusals[0], level=refusals[0]) if refusals else None


def _poll_incomplete(watched: Watched) -> Alarm | None:
    last = watched.polls.tail(1).to_dicts()
    if not last or last[0]["outcome"] not in (Outcome.PARTIAL, Outcome.FAILED):
        return None
    found = watched.issues.filter(
        (pl.col("run_id") == last[0]["run_id"]) & pl.col("code").is_in(sorted(MISSING | STOPPING))
    )
    # Another level is told anew, so one document that cannot be had does not hide that twice as many cannot.
    rows = found.select("code", "issue_count").iter_rows()
    levels = sorted({f"{code} {(count or 0).bit_length()}" for code, count in rows})
    message = f"the last poll ({last[0]['outcome']}): {last[0]['detail']}"
    return Alarm(AlarmKind.POLL_INCOMPLETE, message, level=" ".join(levels))


def _silence(watched: Watched) -> Alarm | None:
    if not watched.settings.are_volumes_expected or watched.good_polls.is_empty():
        return None
    newest = watched.newest_notice_at
    quiet = volume.silence(newest, watched.now, watched.calendar)
    if quiet < volume.LONGEST_SILENCE:
        return None
    since = shown_in_oslo(newest) if newest else "long ago"
    return Alarm(AlarmKind.SILENCE, f"no notice for {spoken(quiet)} of opening hours; the newest is of {since}")


def _no_openings(watched: Watched) -> Alarm | None:
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


def _short_list(watched: Watched) -> Alarm | None:
    last = watched.good_polls.tail(1).to_dicts()
    if not last:
        return None
    poll = last[0]
    first = watched.calendar.back(poll["from_workday"], watched.settings.lookback_workdays)
    days = watched.calendar.between(first, poll["to_workday"])
    known = watched.tables.read("raw_notices", days, columns=("uuid",)).height
    if not volume.is_far_shorter(poll["notices_seen"], known):
        return None
    said = (
        f"the list held {poll['notices_seen']} notices of {first} to {poll['to_workday']}, of which {known} are known"
    )
    return Alarm(AlarmKind.SHORT_LIST, said)


def _too_many_notices(watched: Watched) -> Alarm | None:
    if not watched.settings.are_volumes_expected:
        return None
    found = volume.too_many(watched.notices, watched.recent_days)
    said = "; ".join(map(str, found))
    return Alarm(AlarmKind.TOO_MANY_NOTICES, said, level=said) if found else None


def _quarantine(watched: Watched) -> Alarm | None:
    entries = watched.tables.read("quarantine").filter(pl.col("resolved_at").is_null())
    if entries.is_empty():
        return None
    counts = entries.group_by("reason").len().sort("reason").iter_rows()
    said = f"quarantine: {', '.join(f'{count} {reason}' for reason, count in counts)}"
    return Alarm(AlarmKind.QUARANTINE, said, level=said)


def _receipts_set_aside(watched: Watched) -> Alarm | None:
    bad = receipts_for_a_person(watched.tables.read("receipts"))
    if bad.is_empty():
        return None
    set_aside = bad.filter(pl.col("outcome") == ReceiptOutcome.SET_ASIDE.value).height
    parts = [f"{set_aside} receipts were set aside"] if set_aside else []
    parts += [f"{bad.height - set_aside} were understood in part only"] if bad.height > set_aside else []
    return Alarm(AlarmKind.RECEIPTS_SET_ASIDE, ", ".join(parts), level=str(bad.height))


def receipts_for_a_person(receipts: pl.DataFrame) -> pl.DataFrame:
    """Return the receipts that need a person: the newest version was not understood, or in part, and stands there still."""
    newest = receipts.sort("read_at").unique("name", keep="last", maintain_order=True)
    in_part = (pl.col("unknown_action_count") > 0) | (pl.col("future_time_count") > 0)
    is_bad = (pl.col("outcome") != ReceiptOutcome.TAKEN.value) | in_part.fill_null(value=False)
    return newest.filter(is_bad & pl.col("gone_at").is_null())


def _second_source_differs(watched: Watched) -> Alarm | None:
    rows = watched.tables.read("second_source")
    if rows.is_empty() or watched.settings.enhetsregisteret_url == OFF:
        return None
    counts = rows.group_by("difference").len().sort("difference").rows()
    message = "Enhetsregisteret differs: " + ", ".join(f"{count} {kind}" for kind, count in counts)
    return Alarm(AlarmKind.SECOND_SOURCE_DIFFERS, message, level=" ".join(rows["difference_id"].sort()))


def _second_source_unread(watched: Watched) -> Alarm | None:
    if watched.settings.enhetsregisteret_url == OFF:
        return None
    tried = watched.tables.read("second_source_comparisons").sort("compared_at")
    good = tried.filter(pl.col("outcome") == ComparisonOutcome.COMPARED.value)["compared_at"].max()
    if tried.is_empty() or (isinstance(good, dt.datetime) and watched.now - good <= _LONGEST_WITHOUT_COMPARISON):
        return None
    since = f"since {shown_in_oslo(good)}" if isinstance(good, dt.datetime) else "yet"
    return Alarm(
        AlarmKind.SECOND_SOURCE_UNREAD, f"Enhetsregisteret was not compared {since}: {tried['detail'].to_list()[-1]}"
    )


def _register_stale(watched: Watched) -> Alarm | None:
    try:
        written = dt.datetime.fromtimestamp(watched.settings.customers.stat().st_mtime, dt.UTC)
    except OSError:
        # Refused for being absent: that is another alarm.
        return None
    today = watched.calendar.workday_of(watched.now)
    oldest = watched.calendar.back(today, _STALE_AFTER_WORKDAYS)
    if watched.settings.environment is Environment.DEMO or watched.calendar.workday_of(written) >= oldest:
        return None
    accepted = Snapshots(watched.layout.snapshots).current()
    used = (
        f"the one in use was accepted at {shown_in_oslo(accepted.accepted_at)}" if accepted else "none was accepted yet"
    )
    said = f"the customers file is of {shown_in_oslo(written)}; {used}"
    return Alarm(AlarmKind.REGISTER_STALE, said)


def _certificate(watched: Watched) -> Alarm | None:
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
    said = f"the client certificate is valid to {shown_in_oslo(facts.not_after)}, {max(left, 0)} days more"
    return Alarm(AlarmKind.CERTIFICATE, said, level=str(passed[-1]))


_LOOKS: Final[Mapping[AlarmKind, Callable[[Watched], Alarm | None]]] = {
    AlarmKind.CLOCK_WAS_AHEAD: _clock_was_ahead,
    AlarmKind.NO_GOOD_POLL: _no_good_poll,
    AlarmKind.QUARTERS_MISSED: _quarters_missed,
    AlarmKind.BLOCKS_REJECTED: _blocks_rejected,
    AlarmKind.BLOCK_NOT_IN_FORCE: _block_not_in_force,
    AlarmKind.REOPEN_NOT_IN_FORCE: _reopen_not_in_force,
    AlarmKind.BLOCKS_UNCONFIRMED: _blocks_unconfirmed,
    AlarmKind.BLOCKS_HELD: _blocks_held,
    AlarmKind.REGISTER_REFUSED: _register_refused,
    AlarmKind.POLL_INCOMPLETE: _poll_incomplete,
    AlarmKind.SILENCE: _silence,
    AlarmKind.NO_OPENINGS: _no_openings,
    AlarmKind.SHORT_LIST: _short_list,
    AlarmKind.TOO_MANY_NOTICES: _too_many_notices,
    AlarmKind.QUARANTINE: _quarantine,
    AlarmKind.RECEIPTS_SET_ASIDE: _receipts_set_aside,
    AlarmKind.SECOND_SOURCE_DIFFERS: _second_source_differs,
    AlarmKind.SECOND_SOURCE_UNREAD: _second_source_unread,
    AlarmKind.REGISTER_STALE: _register_stale,
    AlarmKind.CERTIFICATE: _certificate,
}
