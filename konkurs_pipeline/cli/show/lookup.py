"""`konkurs lookup`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import typer

from konkurs_pipeline.cli.options import AsJson, instant, standard_input
from konkurs_pipeline.cli.printing.rows import for_a_person
from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.cli.printing.terminal import answer, answer_json, answer_json_line, say, say_problem
from konkurs_pipeline.cli.show.subject import answer_subjects
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.identifiers import IdKind, identify, typed_number
from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.enquiries.party.lookup import Finding, look_up, look_up_customer
from konkurs_pipeline.enquiries.times import oslo_text, rough_span_text
from konkurs_pipeline.enquiries.watch import longest_without_poll
from konkurs_pipeline.errors import ExitCode, UsageError
from konkurs_pipeline.settings import Settings, load_settings
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.store import layout_of_store

Identifier = Annotated[
    str | None,
    typer.Argument(metavar="ID", help="orgnr, fødselsnummer or D-nummer; -: one on each line of standard input."),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="What was known and done then: ISO time, Oslo unless it says."),
]
CustomerRef = Annotated[str | None, typer.Option("--customer", metavar="REF", help="A customer, by all its numbers.")]
Subject = Annotated[
    bool, typer.Option("--subject", help="With -: everything kept on the number, for the person it belongs to.")
]
_NO_NUMBER: Final = "orgnr (9 digits), fødselsnummer or D-nummer (11 digits) expected; spaces and dots are ignored"
_TYPES: Final = frozenset(kind.value for kind in NoticeType)


@dataclass(frozen=True)
class LookupRequest:
    """What one command asks about every number."""

    settings: Settings
    layout: Layout
    as_of: dt.datetime
    is_as_of: bool
    as_json: bool


def command(
    identifier: Identifier = None,
    as_of: AsOf = None,
    customer_ref: CustomerRef = None,
    *,
    subject: Subject = False,
    as_json: AsJson = False,
) -> ExitCode:
    """Tell whether a party is bankrupt, since when, by which notices, known when, and what was done."""
    if subject and (identifier != "-" or as_of is not None):
        message = "--subject: give - for the ID, so that no shell history keeps the number, and no --as-of"
        raise UsageError(message)
    if (identifier is None) == (customer_ref is None):
        message = "give an ID, - for standard input, or --customer REF: one of them"
        raise UsageError(message)
    then = instant("--as-of", as_of) or utc_now()
    numbers = _typed(identifier) if identifier is not None else []
    settings = load_settings()
    if subject:
        return answer_subjects(settings, numbers, as_json=as_json, none=_NO_NUMBER)
    question = LookupRequest(settings, layout_of_store(settings), then, as_of is not None, as_json)
    if customer_ref is not None:
        return _answer_customer(question, customer_ref)
    if identifier != "-":
        return _answer_number(question, numbers[0], answer_json)
    codes = [_answer_line(question, line, number) for line, number in enumerate(numbers, start=1)]
    return max(codes)


def _typed(identifier: str) -> list[str]:
    """Return the numbers that were typed. Raises `UsageError` if the only one is no number."""
    if identifier != "-":
        if typed_number(identifier) is None:
            message = f"this is no number to look up: {_NO_NUMBER}"
            raise UsageError(message)
        return [identifier]
    lines = standard_input().decode(errors="replace").splitlines()
    if not lines:
        message = f"no number came on standard input: {_NO_NUMBER}, one a line"
        raise UsageError(message)
    return lines


def _answer_line(question: LookupRequest, line: int, text: str) -> ExitCode:
    """Answer one line of standard input. The answer names the position of the line, not the number."""
    if typed_number(text) is None:
        say_problem(f"line {line} is no number to look up: {_NO_NUMBER}")
        if question.as_json:
            answer_json_line({"line": line, "error": "not_a_number"})
        return ExitCode.USAGE
    if not question.as_json:
        answer(f"line {line}")
    return _answer_number(question, text, lambda found: answer_json_line({"line": line, **found}))


def _answer_number(question: LookupRequest, text: str, print_json: Callable[[dict[str, object]], None]) -> ExitCode:
    number = typed_number(text) or ""
    is_valid = identify(number, synthetic_allowed=question.settings.synthetic_allowed) is not IdKind.UNKNOWN
    if not is_valid:
        say_problem("the number fails its check; it is looked up as it is")
    finding = look_up(question.layout, number, question.as_of)
    return _give(question, finding, {"id_valid": is_valid}, print_json)


def _answer_customer(question: LookupRequest, customer_ref: str) -> ExitCode:
    finding = look_up_customer(question.layout, customer_ref, question.as_of)
    if finding is None:
        message = "--customer: no such customer is in the bank's register, and none was ever matched"
        raise UsageError(message)
    return _give(question, finding, {"customer_ref": customer_ref}, answer_json)


def _give(
    question: LookupRequest,
    finding: Finding,
    asked: dict[str, object],
    print_json: Callable[[dict[str, object]], None],
) -> ExitCode:
    if question.as_json:
        print_json({**asked, **asdict(finding)})
    else:
        _print(finding)
    _warn(question, finding)
    return ExitCode.DONE


def _print(finding: Finding) -> None:
    read = f"the bank has read the service up to {oslo_text(finding.known_up_to)}" if finding.known_up_to else _UNREAD
    if not finding.notices and not finding.erased_notices:
        answer(f"no notice is known on this party; {read}")
        return
    answer(f"bankrupt: {'yes' if finding.is_bankrupt else 'no'}; {read}")
    if finding.account_history_from:
        answer(f"a trustee may ask account history from {finding.account_history_from}")
    for title, rows in (
        ("Bankruptcies", finding.estates),
        ("Notices", finding.notices),
        ("Erased notices", finding.erased_notices),
        ("Actions", finding.actions),
    ):
        if rows:
            print_table(title, [for_a_person(row) for row in rows])
    if not finding.notices:
        return
    opening = finding.estates[0]["opening_uuid"] if finding.estates else finding.notices[0]["uuid"]
    say("when it was known and done, with proofs:")
    say(f"  konkurs evidence {opening} --out FILE.html")


_UNREAD: Final = "the bank had not read the service yet"


def _warn(question: LookupRequest, finding: Finding) -> None:
    """Warn about what makes a "no" unsafe: an old poll, or a notice that the program could not understand."""
    if finding.erased_since["notice_count"] and question.is_as_of:
        say(
            f"{finding.erased_since['notice_count']} notices that were known then are erased, the last on "
            f"{finding.erased_since['last_at'][:10]}: this answer cannot tell whether one was of this party"
        )
    if finding.known_up_to is None:
        say_problem(f"this is no all-clear: {_UNREAD}")
    else:
        # At a time in the future, the bank knows what it knows now.
        moment = min(question.as_of, utc_now())
        age = moment - finding.known_up_to
        if age > longest_without_poll(moment, question.settings.calendar):
            say_problem(
                f"the answer may be old: the last good poll ended {rough_span_text(age)} before. See `konkurs status`"
            )
    unknown = sum(notice["type"] not in _TYPES for notice in finding.notices)
    if unknown:
        say_problem(
            f"this is no all-clear: {unknown} notices on this party are of an unknown type. See `konkurs reviews`"
        )
