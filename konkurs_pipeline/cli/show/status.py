"""`konkurs status`."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.rows import print_rows
from konkurs_pipeline.cli.printing.terminal import answer, answer_json, say, say_problem
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.banks import banks_in
from konkurs_pipeline.enquiries.status import Status, age_of_last_good_poll, current_status
from konkurs_pipeline.enquiries.times import oslo_text, rough_span_text
from konkurs_pipeline.enquiries.watch import is_poll_due
from konkurs_pipeline.errors import ExitCode, UsageError
from konkurs_pipeline.settings import Settings, load_settings
from konkurs_pipeline.storage.store import layout_of_store

_BANK_COLUMNS: Final = ("bank", "state", "errors", "warnings", "last_good_poll_at", "alarms")
_AGE: Final = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


MaxAge = Annotated[
    str | None, typer.Option("--max-age", metavar="45m", help="Exit with 1 when no good poll ended within this time.")
]
OffHoursMaxAge = Annotated[
    str | None,
    typer.Option("--off-hours-max-age", metavar="4h", help="The same outside opening hours, where polls are rarer."),
]


All = Annotated[
    Path | None,
    typer.Option("--all", metavar="DIR", help="One line a bank, worst first: DIR/BANK/konkurs.env are their settings."),
]


def command(
    max_age: MaxAge = None, off_hours_max_age: OffHoursMaxAge = None, banks: All = None, *, as_json: AsJson = False
) -> ExitCode:
    """Show how things stand: last poll, newest notice, quarantine, held and unconfirmed actions, register, certificate."""
    if banks is not None:
        return _show_all(banks, as_json=as_json)
    settings, now = load_settings(), utc_now()
    limit = _limit(settings, now, max_age, off_hours_max_age)
    layout_of_store(settings)
    status = current_status(settings, now)
    if as_json:
        answer_json(asdict(status))
    else:
        for name, text in _lines(status):
            answer(f"{name:<16} {text}")
    is_alive = limit is None or _is_recent(age_of_last_good_poll(settings, now), limit)
    if not as_json:
        for line in status.attention:
            say(f"needs a person: {line}")
    return ExitCode.DONE if is_alive else ExitCode.FAILED


def _show_all(folder: Path, *, as_json: bool) -> ExitCode:
    """Print one line a bank, worst first; returns 1 if a bank's state could not be read."""
    banks = banks_in(folder, utc_now())
    if not banks:
        message = f"--all: no bank's settings are in {folder}; expected: {folder}/BANK/konkurs.env"
        raise UsageError(message)
    print_rows("Banks", [asdict(bank) for bank in banks], _BANK_COLUMNS, as_json=as_json, none="")
    for bank in banks:
        if bank.problem:
            say_problem(f"{bank.bank}: {bank.problem}")
    return ExitCode.FAILED if any(bank.problem for bank in banks) else ExitCode.DONE


def _limit(settings: Settings, now: dt.datetime, max_age: str | None, off_hours: str | None) -> dt.timedelta | None:
    """Return how old the last good poll may be; null: no limit was given."""
    inside, outside = _span("--max-age", max_age), _span("--off-hours-max-age", off_hours)
    if outside is not None and inside is None:
        message = "--off-hours-max-age needs --max-age: give the limit of opening hours too"
        raise UsageError(message)
    return outside if outside is not None and not is_poll_due(now, settings.calendar) else inside


def _span(option: str, text: str | None) -> dt.timedelta | None:
    if text is None:
        return None
    found = _AGE.fullmatch(text)
    if found is None:
        message = f"{option} takes a number and a unit (s, m, h, d), such as 45m"
        raise UsageError(message)
    return dt.timedelta(**{_UNITS[found[2]]: int(found[1])})


def _is_recent(age: dt.timedelta | None, limit: dt.timedelta) -> bool:
    if age is not None and age <= limit:
        return True
    text = f"the last one ended {rough_span_text(age)} ago" if age is not None else "none ever came to a good end"
    say_problem(f"no good poll within {rough_span_text(limit)}: {text}. Is dagster-daemon running?")
    return False


def _lines(status: Status) -> list[tuple[str, str]]:
    poll, register, certificate = status.last_poll, status.register, status.certificate
    return [
        (
            "last poll",
            f"{poll['outcome'] or 'under way'}, began {_oslo(poll['started_at'])}" if poll else "none yet",
        ),
        ("last good poll", _oslo(status.last_good_poll_at)),
        ("newest notice", _oslo(status.newest_notice_registered_at)),
        ("quarantine", _counts(status.quarantine)),
        ("held", str(status.held)),
        ("reviews", _reviews(status)),
        ("unconfirmed", _counts(status.unconfirmed)),
        ("pending there", _counts(status.pending)),
        ("receipts", f"{status.receipts_set_aside} set aside"),
        (
            "register",
            f"{register['customers']} customers, {_or_none(register['accounts'])} accounts, accepted "
            f"{_oslo(register['accepted_at'])}"
            if register
            else "none accepted yet",
        ),
        (
            "certificate",
            certificate["problem"] or f"expires {_oslo(certificate['expires_at'])}" if certificate else "none used",
        ),
    ]


def _oslo(text: str | None) -> str:
    return oslo_text(dt.datetime.fromisoformat(text)) if text else "none yet"


def _reviews(status: Status) -> str:
    if not status.open_reviews:
        return "none open"
    return f"{status.open_reviews} open, the oldest since {_oslo(status.oldest_open_review_at)}: `konkurs reviews`"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def _or_none(value: object) -> str:
    return "no" if value is None else str(value)
