"""Alarms about core banking: what it rejected, has not confirmed, or did not keep."""

from __future__ import annotations

import datetime as dt

import polars as pl

from konkurs_pipeline.domain.actions.receipts import ReceiptOutcome
from konkurs_pipeline.domain.actions.rows import ActionStatus
from konkurs_pipeline.domain.monitoring.alarms import (
    UNCONFIRMED_MINUTES,
    Alarm,
    AlarmKind,
)
from konkurs_pipeline.enquiries.times import rough_span_text
from konkurs_pipeline.enquiries.watch import Watched


def blocks_rejected(watched: Watched) -> Alarm | None:
    """Return the alarm if core banking rejected BLOCK or REOPEN rows."""
    rejected = watched.actions.filter(
        (pl.col("status") == ActionStatus.REJECTED.value) & pl.col("action").is_in(["BLOCK", "REOPEN"])
    )
    if rejected.is_empty():
        return None
    first = rejected["action_id"].sort().to_list()[0]
    message = f"core banking rejected {rejected.height} BLOCK or REOPEN rows, such as action {first}"
    return Alarm(AlarmKind.BLOCKS_REJECTED, message, level=str(rejected.height))


def block_not_in_force(watched: Watched) -> Alarm | None:
    """Return the alarm if the register shows accounts as open that core banking says it blocked."""
    what = "core banking says it blocked {count} accounts that the register has as open"
    return _not_in_force(watched, "BLOCK", AlarmKind.BLOCK_NOT_IN_FORCE, what)


def reopen_not_in_force(watched: Watched) -> Alarm | None:
    """Return the alarm if the register shows accounts as blocked that core banking says it reopened."""
    what = "core banking says it reopened {count} accounts that the register has as blocked"
    return _not_in_force(watched, "REOPEN", AlarmKind.REOPEN_NOT_IN_FORCE, what)


def _not_in_force(watched: Watched, action: str, kind: AlarmKind, what: str) -> Alarm | None:
    rows = watched.tables.read("enforcement").filter((pl.col("action") == action) & ~pl.col("holds"))
    if rows.is_empty():
        return None
    first = rows["action_id"].sort().to_list()[0]
    return Alarm(kind, f"{what.format(count=rows.height)}, such as action {first}", level=str(rows.height))


def blocks_unconfirmed(watched: Watched) -> Alarm | None:
    """Return the alarm if BLOCK rows have been without a receipt for too long."""
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
    message = (
        f"{late.height} BLOCK rows are unconfirmed, the oldest (file {seq}) for {rough_span_text(watched.now - oldest)}"
    )
    pending = late["pending_at"].count()
    message += f"; core banking says of {pending} that they are PENDING" if pending else ""
    return Alarm(AlarmKind.BLOCKS_UNCONFIRMED, message, level=str(passed[-1]))


def blocks_held(watched: Watched) -> Alarm | None:
    """Return the alarm if BLOCK rows wait for a release."""
    held = watched.actions.filter((pl.col("status") == ActionStatus.HELD.value) & pl.col("released_at").is_null())
    if held.is_empty():
        return None
    runs = sorted(set(held["run_id"].to_list()))
    return Alarm(AlarmKind.BLOCKS_HELD, f"{held.height} BLOCK rows are held back", level=" ".join(runs))


def receipts_set_aside(watched: Watched) -> Alarm | None:
    """Return the alarm if a receipt was not understood, or only in part."""
    bad = receipts_for_a_person(watched.tables.read("receipts"))
    if bad.is_empty():
        return None
    set_aside = bad.filter(pl.col("outcome") == ReceiptOutcome.SET_ASIDE.value).height
    parts = [f"{set_aside} receipts were set aside"] if set_aside else []
    parts += [f"{bad.height - set_aside} were understood in part only"] if bad.height > set_aside else []
    return Alarm(AlarmKind.RECEIPTS_SET_ASIDE, ", ".join(parts), level=str(bad.height))


def receipts_for_a_person(receipts: pl.DataFrame) -> pl.DataFrame:
    """Return the receipts that need a person: still in the folder, and the newest version not or only partly understood."""
    newest = receipts.sort("read_at").unique("name", keep="last", maintain_order=True)
    in_part = (pl.col("unknown_action_count") > 0) | (pl.col("future_time_count") > 0)
    is_bad = (pl.col("outcome") != ReceiptOutcome.TAKEN.value) | in_part.fill_null(value=False)
    return newest.filter(is_bad & pl.col("gone_at").is_null())
