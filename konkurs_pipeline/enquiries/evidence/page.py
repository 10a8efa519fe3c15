"""The page of evidence: one HTML file that stands alone, reads as a document and prints well. Pure: facts in, text out.

No script, nothing loaded from elsewhere, every text from outside escaped (markup). What does not belong here: the facts
(evidence), the sentences (case_summary), the steps in time (clock).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from konkurs_pipeline.enquiries.evidence.clock import Step, clock_of
from konkurs_pipeline.enquiries.evidence.facts import Case, NoticeFacts
from konkurs_pipeline.enquiries.evidence.markup import Content, Html, code, lines, stylesheet, table, tag
from konkurs_pipeline.enquiries.evidence.proofs import Agreement, Proof
from konkurs_pipeline.enquiries.evidence.style import STYLE
from konkurs_pipeline.enquiries.evidence.summary import oslo_text, span_text, summary_of, utc_text
from konkurs_pipeline.enquiries.evidence.tables import tables_of

_AGREEMENT = {
    Agreement.AGREES: ("good", "agrees"),
    Agreement.DIFFERS: ("bad", "DIFFERS"),
    Agreement.NOT_FOUND: ("gone", "not found"),
}
_HOW_TO_CHECK: Final = (
    (
        "Run each command in the data folder: it must print the hash beside it. The word under “now” is what this program "
        "found when it made the page. Do not believe it: check it."
    ),
    (
        "Every file for core banking names the hash of the one before it (prev_sha256), so none can be changed or taken "
        "out unnoticed, and core banking has its own copies. `konkurs verify` checks the whole store: answers, tables, "
        "register, ledger, files and their chain."
    ),
)
_ABOUT: Final = (
    (
        "No national identity number, no organisation number and no name stands on this page: parties are named by the "
        "uuid of the notice and the bank's own customer reference. The kept answers of the service hold them."
    ),
    (
        "A registration is timed by Brreg, what core banking did by core banking, all else by the machine that ran this "
        "program. A negative span, or a step before its cause, means that two clocks disagree."
    ),
    (
        "“Written” is when a file was committed with its decisions, in one transaction; the same run puts it into the "
        "outbox. “Received” is when a run read core banking's receipt: core banking had the file by then at the latest."
    ),
)


def page_of(case: Case) -> str:
    """Return the page as a whole HTML document."""
    title = f"Evidence: {_title(case)}"
    head = tag("head", tag("meta", charset="utf-8"), tag("title", title), stylesheet(STYLE))
    body = tag(
        "body", _heading(case, title), _summary(case), *_clocks(case), *tables_of(case), *_checks(case), _about()
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en').text}\n"


def _title(case: Case) -> str:
    return f"bankruptcy {case.opening_uuid}" if case.opening_uuid else f"notice {case.notices[0].uuid}"


def _heading(case: Case, title: str) -> Html:
    real = case.environment == "prod"
    return tag(
        "header",
        tag("h1", title),
        tag("p", f"Bank {case.bank_id}, environment {case.environment}. Asked for: ", code(case.asked_for), "."),
        tag("p", f"This page was made at {oslo_text(case.made_at)} ({utc_text(case.made_at)})."),
        None
        if real
        else tag("p", f"Environment {case.environment}: fictive data, no real bankruptcy.", class_="banner"),
    )


def _summary(case: Case) -> Html:
    return tag("section", tag("h2", "Summary"), *(tag("p", line) for line in summary_of(case)), class_="summary")


def _clocks(case: Case) -> Iterator[Html]:
    for notice in case.notices:
        heading = tag("h2", f"The clock of {notice.type} ", code(notice.uuid))
        yield tag("section", heading, _clock(clock_of(case, notice)), _unreadable(notice))


def _clock(steps: Sequence[Step]) -> Html:
    rows = [
        (
            lines(tag("strong", step.name), tag("span", step.whose.value, class_="minor")),
            _instant(step),
            "" if step.since_before is None else span_text(step.since_before),
            lines(step.said, code(step.proof) if step.proof else None),
        )
        for step in steps
    ]
    return table(("step, by whose clock", "when", "since the step before", "what"), rows, "clock")


def _instant(step: Step) -> Html:
    return lines(oslo_text(step.at), tag("span", utc_text(step.at), class_="minor"))


def _unreadable(notice: NoticeFacts) -> Html | None:
    count = notice.sighting.unreadable
    said = f"{count} earlier answers of the service are missing or damaged and could not be searched for this notice."
    return tag("p", said, class_="banner") if count else None


def _checks(case: Case) -> Iterator[Html]:
    heads = ("what it proves", "file, SHA-256 as recorded then, and how to check it", "now")
    yield tag(
        "section",
        tag("h2", "The files, and how to check them"),
        table(heads, [_proof(proof) for proof in case.proofs]),
        *(tag("p", line) for line in _HOW_TO_CHECK),
    )


def _proof(proof: Proof) -> tuple[Content, ...]:
    class_, said = _AGREEMENT[proof.agreement]
    file = lines(proof.path, code(proof.sha256), tag("span", "$ ", code(proof.check), class_="minor"))
    return proof.what, file, tag("span", said, class_=class_)


def _about() -> Html:
    return tag("footer", tag("h2", "About this page"), *(tag("p", line) for line in _ABOUT))
