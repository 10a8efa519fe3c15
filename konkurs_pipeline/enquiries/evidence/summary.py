"""A case in a few sentences that a judge can read: what the register published, when the bank knew, what it did.

What does not belong here: the layout (templates/evidence.html).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sized
from typing import Final

from konkurs_pipeline.domain.actions.rows import ActionStatus
from konkurs_pipeline.enquiries.evidence.clock import counted, known_at
from konkurs_pipeline.enquiries.evidence.facts import ActionFacts, Case, EnforcementFacts, FileFacts, NoticeFacts
from konkurs_pipeline.enquiries.times import oslo_text, span_text

_STATES: Final[Mapping[str, str]] = {
    "open": "open",
    "deleted": "deleted: its opening was annulled (sletting)",
    "revoked": "revoked after an appeal (oppheving)",
    "closed": "closed (avslutning)",
}


def summary_of(case: Case) -> list[str]:
    """Return the case in sentences, in the order in which things happened."""
    lines = [_state(case)]
    for notice in case.notices:
        lines += _notice(case, notice)
    lines.append(_customers(case))
    lines += [_not_in_force(one) for one in case.enforcement if one.holds is False]
    lines += [
        f"{entry.sentence} ({entry.reason}, notice {entry.notice_uuid[:8]}; {_until(entry.resolved_at)}.)"
        for entry in case.quarantine
    ]
    return lines


def _state(case: Case) -> str:
    if case.opening_uuid is None:
        return "The notice belongs to no opening that this bank knows."
    ruled = case.notices[0].ruling_date
    since = f"The court's ruling (kjennelsesdato) is of {ruled}." if ruled else "The notice gives no kjennelsesdato."
    return f"{since} The bankruptcy is now {_STATES.get(case.state or '', case.state or 'unknown')}."


def _until(resolved_at: dt.datetime | None) -> str:
    return "still open" if resolved_at is None else f"found to be right at {oslo_text(resolved_at)}"


def _notice(case: Case, notice: NoticeFacts) -> Iterator[str]:
    name = f"{notice.type} {notice.uuid[:8]}"
    without = notice.sighting.without
    yield (
        f"{name} was registered at {oslo_text(notice.registered_at)} and became known to the bank at "
        f"{oslo_text(known_at(notice))}, {span_text(known_at(notice) - notice.registered_at)} later. "
        + (
            f"The service's list of {oslo_text(without.at)} did not hold it yet."
            if without
            else "No earlier list of the service, over a time that covers the notice, is on record."
        )
    )
    actions = [action for action in case.actions if action.notice_uuid == notice.uuid]
    for file in case.files:
        rows = [action for action in actions if action.seq == file.seq]
        if rows:
            yield _written(name, file, rows, known_at(notice))
    waiting = [action for action in actions if action.seq is None]
    if waiting:
        yield f"Of {name}, {counted(waiting)} {_was(waiting)} held back and not written."


def _written(name: str, file: FileFacts, rows: list[ActionFacts], known: dt.datetime) -> str:
    sentence = (
        f"Because of {name}, {counted(rows)} {_was(rows)} written for core banking in file {file.seq} at "
        f"{oslo_text(file.created_at)}, {span_text(file.created_at - known)} after it was known. "
    )
    if not file.receipts:
        return sentence + "No receipt of core banking for the file is on record."
    done = [row for row in rows if row.status in {ActionStatus.APPLIED, ActionStatus.ALREADY_APPLIED}]
    refused = [row for row in rows if row.status == ActionStatus.REJECTED]
    sentence += f"Core banking's receipt was read at {oslo_text(file.receipts[0].read_at)}: "
    sentence += f"{len(done)} of {len(rows)} carried out"
    times = [row.confirmed_at for row in done if row.confirmed_at]
    sentence += f", the last at {oslo_text(max(times))}" if times else ""
    return sentence + (f"; {len(refused)} rejected." if refused else ".")


def _was(rows: Sized) -> str:
    return "was" if len(rows) == 1 else "were"


def _not_in_force(one: EnforcementFacts) -> str:
    accepted = f" accepted at {oslo_text(one.register_accepted_at)}" if one.register_accepted_at else ""
    found = "blocked" if one.register_says_blocked else "not blocked"
    return (
        f"The {one.action} of account {one.account_no} is not in force, although core banking answered {one.status}: the "
        f"bank's register{accepted} says {found}."
    )


def _customers(case: Case) -> str:
    if not case.matches and not case.actions:
        return _no_customer(case)
    refs = sorted({each.customer_ref for each in case.matches} | {action.customer_ref for action in case.actions})
    sentence = f"It concerns {'the customer' if len(refs) == 1 else 'the customers'} {', '.join(refs)}."
    if case.actions:
        return sentence
    if case.state not in {None, "open"}:
        return f"{sentence} Nothing was written: what is not yet blocked when its bankruptcy ends is never blocked."
    return (
        f"{sentence} Nothing was written: no rule asks for anything, as far as the register then in use shows accounts."
    )


def _no_customer(case: Case) -> str:
    sentence = "No customer of the bank was found: not by the debtor's number, a former one, or a linked unit. "
    registers = [file for file in (*case.files[:1], case.newest_file) if file and file.register_id]
    if not registers:
        return sentence + "Which register was compared, the files that are still in the outbox do not say."
    first, last = registers[0], registers[-1]
    sentence += f"Every run compares all notices with the register then in use: in file {first.seq} of "
    sentence += f"{oslo_text(first.created_at)}, register {(first.register_id or '')[:8]}"
    if last.seq != first.seq:
        sentence += f"; in the newest file, {last.seq} of {oslo_text(last.created_at)}, {(last.register_id or '')[:8]}"
    return sentence + ". None of these files holds a row for this notice."
