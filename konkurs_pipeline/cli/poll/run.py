"""`konkurs run`."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO

from konkurs_pipeline.brreg.client import connect
from konkurs_pipeline.cli.options import FirstDay, LastDay, day
from konkurs_pipeline.cli.printing.progress import shown_progress
from konkurs_pipeline.cli.printing.terminal import answer, say, say_problem
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.domain.workdays import Window
from konkurs_pipeline.errors import ExitCode, UsageError
from konkurs_pipeline.orchestration.launch import Ended, run_recorded_poll
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings, load_settings
from konkurs_pipeline.storage.dataset_map import load_dataset_map
from konkurs_pipeline.storage.store import Store, open_store

_FAILED = (Outcome.FAILED, Outcome.PARTIAL)


def command(first: FirstDay = None, last: LastDay = None) -> ExitCode:
    """Poll once: today's workday and the lookback, or the given workdays and the lookback before them."""
    first_day, last_day = day("--from", first), day("--to", last)
    settings = load_settings()
    window = asked_window(settings, first_day, last_day)
    refuse_unusable(settings)
    with open_store(settings) as store:
        if sys.stderr.isatty():
            # Only for a person: what a monitor reads must begin with the problem.
            say(f"polling {_days(window)} and the lookback from {window.read_from}")
        with _held_back() as messages_of_dagster, shown_progress() as progress:
            ended = run_recorded_poll(settings, store, window, progress=progress)
        for line in summary(store, ended):
            answer(line)
    if ended.detail:
        say_problem(f"{ended.outcome.value}: {ended.detail}")
    if messages_of_dagster.getvalue():
        for line in redact(messages_of_dagster.getvalue().rstrip()).splitlines():
            say(line)
    return ExitCode.FAILED if ended.outcome in _FAILED else ExitCode.DONE


@contextmanager
def _held_back() -> Iterator[StringIO]:
    """Hold back what Dagster itself writes on standard error (about a full disk, say): the first line there is ours.

    If the run fails with an error, that error is printed, and what was held back is dropped.
    """
    held = StringIO()
    if sys.stderr.isatty():
        yield held
        return
    with redirect_stderr(held):
        yield held


def refuse_unusable(settings: Settings) -> None:
    """Stop on a certificate or a dataset map that cannot be used, before anything is touched."""
    connect(settings).close()
    load_dataset_map(settings.dataset_map)


def asked_window(settings: Settings, first: dt.date | None, last: dt.date | None) -> Window:
    """Return the window for the given days, by default today's workday. Raises `UsageError`."""
    today = settings.calendar.workday_of(utc_now())
    if first is None and last is not None:
        message = "--to needs --from: give the first workday too"
        raise UsageError(message)
    first, last = first or today, last or today
    if settings.calendar.on_or_before(last) > today:
        message = f"--to {last} lies after today's workday {today}: the register has not written it yet"
        raise UsageError(message)
    return settings.calendar.window(first, last, lookback=settings.lookback_workdays)


def _days(window: Window) -> str:
    first, last = window.from_workday, window.to_workday
    return f"workday {last}" if first == last else f"workdays {first} to {last}"


def summary(store: Store, ended: Ended) -> list[str]:
    """Return what a run did, in a few lines."""
    lines = [f"run {ended.run_id}: {ended.outcome.value}"]
    seen = store.ledger.rows("SELECT notices_seen, notices_new FROM polls WHERE run_id = ?", [ended.run_id])
    if seen and seen[0][0] is not None:
        lines.append(f"notices: {seen[0][0]} in the window, {seen[0][1]} new")
    for seq, base_name in store.ledger.rows("SELECT seq, base_name FROM outbox_files WHERE run_id = ?", [ended.run_id]):
        counts = store.ledger.rows("SELECT action, count(*) FROM actions WHERE seq = ? GROUP BY 1 ORDER BY 1", [seq])
        written = ", ".join(f"{count} {action}" for action, count in counts) or "no action"
        lines.append(f"outbox: {base_name} ({written})")
    return lines
