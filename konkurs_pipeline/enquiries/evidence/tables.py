"""The tables of the page of evidence: rows, customers, registers, quarantine, runs, other notices. Pure.

What belongs here: which columns each has. What does not: the clock, the proofs and the frame of the page (evidence_page).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

from konkurs_pipeline.domain.actions import ActionKind
from konkurs_pipeline.enquiries.evidence.facts import ActionFacts, Case
from konkurs_pipeline.enquiries.evidence.markup import Content, Html, code, joined, lines, table, tag
from konkurs_pipeline.enquiries.evidence.summary import utc_text

_BLOCKED_BEFORE: Final = {
    True: "the register had it blocked before",
    False: "the register had it not blocked before",
    None: "the register does not say whether it was blocked before",
}


def tables_of(case: Case) -> Iterator[Html]:
    """Return the sections in the order of the page; one that would be empty says so, or is left out."""
    yield _rows(case)
    yield _customers(case)
    yield _registers(case)
    if case.quarantine:
        yield _quarantine(case)
    yield _runs(case)
    if case.others:
        rows = [(code(uuid), kind, registered) for uuid, kind, registered in case.others]
        yield _section("Other notices about the same debtor", ("notice", "type", "registered"), rows)


def _rows(case: Case) -> Html:
    heads = ("what", "for whom", "why", "how it stands")
    rows = [_row(action, is_asked=action.action_id == case.asked_for) for action in case.actions]
    nothing = "Nothing was decided: no row for core banking, and none for a person to review."
    return _section("What was decided, row by row", heads, rows, nothing)


def _row(action: ActionFacts, *, is_asked: bool) -> tuple[Content, ...]:
    before = _BLOCKED_BEFORE[action.was_blocked] if action.account_no and action.action == ActionKind.BLOCK else None
    account = f"account {action.account_no}" if action.account_no else "the customer as a whole"
    asked = tag("span", "asked for", class_="asked") if is_asked else None
    caused = tag("span", "because of our BLOCK ", code(action.caused_by)) if action.caused_by else None
    return (
        lines(tag("strong", action.action), code(action.action_id), asked),
        lines(action.customer_ref, account, f"found by {action.matched_via}", before),
        lines(tag("strong", action.reason), action.sentence, tag("span", "notice ", code(action.notice_uuid)), caused),
        lines(*_standing(action)),
    )


def _standing(action: ActionFacts) -> Iterator[Content]:
    yield joined("decided ", _at(action.decided_at))
    yield action.status if action.seq is None else f"{action.status}, file {action.seq}"
    if action.confirmed_at:
        yield joined("at ", _at(action.confirmed_at))
    if action.status_code:
        yield f"code {action.status_code}"
    if action.released_at:
        yield joined("released ", _at(action.released_at), f" by {action.released_by}: {action.release_reason}")
    if action.void_reason:
        yield f"never written: {action.void_reason}"
    for outcome in action.outcomes:
        yield joined(f"{outcome.outcome} ", _at(outcome.reviewed_at), f" by {outcome.reviewed_by}: {outcome.note}")
    if action.action == ActionKind.REVIEW and action.seq is not None and not action.outcomes:
        yield "no outcome is recorded yet"


def _customers(case: Case) -> Html:
    heads = ("customer", "found by", "doubt", "notice", "first found", "in register")
    rows = [
        (
            m.customer_ref,
            m.matched_via,
            m.doubt or "none",
            code(m.notice_uuid),
            _at(m.found_at),
            code(m.register_id[:16]),
        )
        for m in case.matches
    ]
    return _section("Customers that the notices are about", heads, rows, "No customer was found.")


def _registers(case: Case) -> Html:
    heads = ("register snapshot (id, made of the hashes of the bank's files)", "accepted", "customers", "accounts")
    rows = [
        (code(r.register_id), _at(r.accepted_at, "no longer kept"), _count(r.customers), _count(r.accounts))
        for r in case.registers
    ]
    return _section("The bank's register, as it was used", heads, rows, "No register is on record.")


def _quarantine(case: Case) -> Html:
    heads = ("notice", "reason", "meaning", "from", "until")
    rows = [
        (code(q.notice_uuid), q.reason, q.sentence, _at(q.first_seen_at), _at(q.resolved_at, "still open"))
        for q in case.quarantine
    ]
    return _section("What was wrong with the notices", heads, rows)


def _runs(case: Case) -> Html:
    heads = ("run", "began", "ended", "workdays asked for", "outcome")
    rows = [
        (code(p.run_id), _at(p.started_at), _at(p.ended_at), f"{p.from_workday} to {p.to_workday}", p.outcome or "–")
        for p in case.polls
    ]
    return _section("The runs", heads, rows, "No run is on record.")


def _section(title: str, heads: Sequence[str], rows: Sequence[Sequence[Content]], nothing: str = "") -> Html:
    return tag("section", tag("h2", title), table(heads, rows) if rows else tag("p", nothing))


def _at(instant: dt.datetime | None, otherwise: str = "–") -> Content:
    return otherwise if instant is None else tag("time", utc_text(instant))


def _count(count: int | None) -> str:
    return "–" if count is None else str(count)
