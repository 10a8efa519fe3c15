"""`konkurs reviews`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.terminal import answer, answer_json, say
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.foreign_text import shown, without_controls
from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.enquiries.worklists.reviews import Review, reviews_of
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of_store

WithDone = Annotated[bool, typer.Option("--all", help="Also those that have an outcome.")]


def command(*, with_done: WithDone = False, as_json: AsJson = False) -> None:
    """List the REVIEW rows that wait for a person, oldest first."""
    settings = load_settings()
    layout = layout_of_store(settings)
    wanted = [review for review in reviews_of(Published(layout)) if with_done or review.is_open]
    if as_json:
        answer_json([_as_dict(review) for review in wanted])
    elif not wanted:
        answer("no review is open")
    else:
        _print(wanted, utc_now())


def _as_dict(review: Review) -> dict[str, object]:
    outcomes = [{**asdict(one), "reviewed_at": _instant(one.reviewed_at)} for one in review.outcomes]
    return {
        **asdict(review),
        "decided_at": _instant(review.decided_at),
        "notice_type": shown(review.notice_type),
        "outcomes": outcomes,
    }


def _print(reviews: Sequence[Review], now: dt.datetime) -> None:
    """Print each review in a few lines: a sentence and two ids do not fit into a table row."""
    for review in reviews:
        for line in _lines(review, now):
            answer(without_controls(line))
    waiting = sum(review.is_open for review in reviews)
    say(f'{waiting} open: konkurs review ACTION_ID --outcome OUTCOME --by NAME --note "TEXT"')


def _lines(review: Review, now: dt.datetime) -> Iterator[str]:
    account = f"account {review.account_no}" if review.account_no else "the customer as a whole"
    yield f"{review.action_id}  {_age(now - review.decided_at)} old, {review.customer_ref}, {account}"
    yield f"    {review.reason}: {review.sentence}"
    state = f"; the bankruptcy is {review.estate_state} now" if review.estate_state else ""
    yield f"    notice {review.notice_uuid}, {shown(review.notice_type)} of {review.registered_at}{state}"
    if review.caused_by:
        yield f"    because of our action {review.caused_by}"
    for one in review.outcomes:
        yield f"    {one.outcome}, {_instant(one.reviewed_at)}, {one.reviewed_by}: {one.note}"


def _age(age: dt.timedelta) -> str:
    hours, rest = divmod(int(age.total_seconds()), 3600)
    return f"{age.days} d {hours % 24} h" if age.days else f"{hours} h {rest // 60} min"


def _instant(value: dt.datetime) -> str:
    return instant_text(value)
