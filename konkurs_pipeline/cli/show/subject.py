"""`konkurs lookup - --subject`: everything kept on a number, on one page, for the person it belongs to."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from typing import Any, Final

from konkurs_pipeline.cli.printing.terminal import answer, answer_json_line, say, say_problem
from konkurs_pipeline.domain.identifiers import IdKind, identify, typed_number
from konkurs_pipeline.enquiries.party.subject import Kept, erased_because_of, subject_access
from konkurs_pipeline.enquiries.times import oslo_text
from konkurs_pipeline.errors import ExitCode, StoreBusyError
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.steps.erasure.erasure import terms_of
from konkurs_pipeline.storage.ledger.erasures import marks_of
from konkurs_pipeline.storage.store import layout_of_store, open_store

_WAIT_FOR_RUN_S: Final = 20.0


def answer_subjects(settings: Settings, lines: list[str], *, as_json: bool, none: str) -> ExitCode:
    """Print a page for each number. If a line is no number, name its position and return 2 at the end."""
    layout, code = layout_of_store(settings), ExitCode.DONE
    numbers = [typed_number(line) for line in lines]
    erased = _erased(settings, [number for number in numbers if number])
    for position, number in enumerate(numbers, start=1):
        if number is None:
            say_problem(f"line {position} is no number to look up: {none}")
            code = ExitCode.USAGE
            continue
        is_valid = identify(number, synthetic_allowed=settings.synthetic_allowed) is not IdKind.UNKNOWN
        if not is_valid:
            say_problem("the number fails its check; it is looked up as it is")
        kept = subject_access(layout, terms_of(settings), number)
        if as_json:
            rows = {"kept": [asdict(one) for one in kept], "erased": erased.get(number)}
            answer_json_line({"line": position, "id_valid": is_valid, **rows})
        else:
            _print(position, kept, erased.get(number))
    return code


def _erased(settings: Settings, numbers: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what was erased of each number, by the key in the ledger. Empty while a run holds the ledger."""
    try:
        with open_store(settings, wait_s=_WAIT_FOR_RUN_S) as store:
            rows = store.ledger.read("erased_notices").sort("registered_at").to_dicts()
            marks = marks_of(store.ledger, numbers)
    except StoreBusyError:
        say_problem("a run holds the store, so this page does not say what was erased. Ask again when the run is over")
        return {}
    return {number: [_public(row) for row in rows if row["debtor_mark"] == mark] for number, mark in marks.items()}


def _public(row: dict[str, Any]) -> dict[str, Any]:
    names = ("uuid", "type", "registered_at", "first_seen_at", "erased_at", "rule")
    return {**{name: row[name] for name in names}, "because": erased_because_of(row["rule"])}


def _print(position: int, kept: list[Kept], erased: list[dict[str, Any]] | None) -> None:
    answer(f"What the bank keeps on the number of line {position}: {len(kept)} things")
    for number, one in enumerate(kept, start=1):
        answer("")
        answer(f"{number}. {one.what} ({one.table})")
        answer(f"   since   {_as_text(one.since)}")
        answer(f"   from    {one.source}")
        answer(f"   why     {one.why}")
        answer(f"   until   {_as_text(one.until)}")
        for name, value in one.content.items():
            if value is not None:
                answer(f"   {name}: {_as_text(value)}")
    for row in erased or ():
        answer("")
        answer(
            f"Erased on {oslo_text(row['erased_at'])}: a notice ({row['type']}) of {oslo_text(row['registered_at'])}"
        )
        answer(f"   {row['because']}; its uuid stays, and a keyed hash of the number")
    say("the page holds personal data: keep it from logs, and give it to nobody but the person")


def _as_text(value: object) -> str:
    if isinstance(value, dt.datetime):
        return oslo_text(value)
    return "not recorded" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)
