"""`konkurs lookup`."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.cli.printing.terminal import answer, answer_json, say, say_problem
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.identifiers import IdKind, identify
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.enquiries.lookup import Finding, look_up
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import check_marker, layout_of

Identifier = Annotated[str, typer.Argument(metavar="ID", help="orgnr, fødselsnummer or D-nummer; - reads stdin.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="What was known then: ISO time, Oslo unless it says.")
]


def command(identifier: Identifier, as_of: AsOf = None, *, as_json: AsJson = False) -> None:
    """Tell whether a party is bankrupt, since when, by which notices, known when, and what was done."""
    if identifier == "-":
        identifier = sys.stdin.readline()
    settings = load_settings()
    layout = layout_of(settings)
    check_marker(settings, layout)
    asked = identifier.strip()
    if identify(asked, synthetic_allowed=settings.synthetic_allowed) is IdKind.UNKNOWN:
        say_problem("the number fails its check; it is looked up as it is")
    finding = look_up(layout, asked, _instant(as_of))
    if as_json:
        answer_json(asdict(finding))
    else:
        _print(finding)


def _instant(text: str | None) -> dt.datetime:
    if text is None:
        return utc_now()
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        message = "--as-of takes a time such as 2018-06-08T14:00 (Oslo) or 2018-06-08T12:00:00Z"
        raise UsageError(message) from None
    return (instant if instant.tzinfo else instant.replace(tzinfo=OSLO)).astimezone(dt.UTC)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _print(finding: Finding) -> None:
    if not finding.notices:
        answer("no notice is known on this party")
        return
    answer("bankrupt: yes" if finding.is_bankrupt else "bankrupt: no")
    if finding.account_history_from:
        answer(f"a trustee may ask account history from {finding.account_history_from}")
    for title, rows in (
        ("Bankruptcies", finding.estates),
        ("Notices", finding.notices),
        ("Actions", finding.actions),
    ):
        if rows:
            print_table(title, [_shortened(row) for row in rows])
    opening = finding.estates[0]["opening_uuid"] if finding.estates else finding.notices[0]["uuid"]
    say(f"when it was known and done, with proofs: konkurs evidence {opening} --out FILE.html")


def _shortened(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row whose references to notices are as short as is clear: the whole uuid, to copy, is in `Notices`."""
    references = ("opening_uuid", "changed_by_uuid", "notice_uuid")
    return {
        name.removesuffix("_uuid") if name in references else name: str(value)[:8]
        if name in references and value
        else value
        for name, value in row.items()
    }
