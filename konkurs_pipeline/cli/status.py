"""`konkurs status`."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from konkurs_pipeline.enquiries.status import Status, current_status
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.poll import utc_now


def show_status(*, as_json: bool) -> None:
    """Print how things stand; what needs a person goes to stderr too."""
    status = current_status(load_settings(), utc_now())
    if as_json:
        typer.echo(json.dumps(asdict(status), indent=2, ensure_ascii=False))
        return
    for name, said in _lines(status):
        typer.echo(f"{name:<16} {said}")
    for line in status.attention:
        typer.echo(f"needs a person: {line}", err=True)


def _lines(status: Status) -> list[tuple[str, str]]:
    poll, register, certificate = status.last_poll, status.register, status.certificate
    return [
        (
            "last poll",
            f"{poll['outcome'] or 'under way'}, began {poll['started_at']}" if poll else "none yet",
        ),
        ("last good poll", status.last_good_poll_at or "none yet"),
        ("newest notice", status.newest_notice_registered_at or "none yet"),
        ("quarantine", _counts(status.quarantine)),
        ("held", str(status.held)),
        ("reviews", _reviews(status)),
        ("unconfirmed", _counts(status.unconfirmed)),
        ("receipts", f"{status.receipts_set_aside} set aside"),
        (
            "register",
            f"{register['customers']} customers, {_or_none(register['accounts'])} accounts, accepted "
            f"{register['accepted_at']}"
            if register
            else "none accepted yet",
        ),
        (
            "certificate",
            _or_none(certificate["problem"] or certificate["expires_at"]) if certificate else "none used",
        ),
    ]


def _reviews(status: Status) -> str:
    if not status.open_reviews:
        return "none open"
    return f"{status.open_reviews} open, the oldest since {status.oldest_open_review_at}: `konkurs reviews`"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def _or_none(value: object) -> str:
    return "no" if value is None else str(value)
