"""The clock of a notice: registered → visible to us → fetched → decided → written → received → carried out → reviewed.

Each step has its instant, whose clock that is from, and the time since the step before. Steps stand in order of time.
Pure. If a notice became visible before it was registered, or an action was carried out before it was written, two clocks
disagree.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from konkurs_pipeline.domain.actions.rows import ActionStatus
from konkurs_pipeline.enquiries.evidence.facts import ActionFacts, Case, FileFacts, NoticeFacts


class Whose(StrEnum):
    """Whose clock an instant is from."""

    BRREG = "Brreg"
    OURS = "this system"
    CORE_BANKING = "core banking"


@dataclass(frozen=True)
class ClockStep:
    """One step. `proof`: the hash or id that shows it; `since_before`: null for the first."""

    name: str
    at: dt.datetime
    whose: Whose
    message: str
    proof: str | None = None
    since_before: dt.timedelta | None = None


def clock_of(case: Case, notice: NoticeFacts) -> list[ClockStep]:
    """Return the steps of one notice of the case, each with the time since the one before."""
    # Core banking's times are earlier than our reading of its receipt, and a person may act before either.
    steps = [*_until_known(notice), *sorted(_since_known(case, notice), key=lambda step: step.at)]
    return [
        step if place == 0 else replace(step, since_before=step.at - steps[place - 1].at)
        for place, step in enumerate(steps)
    ]


def known_at(notice: NoticeFacts) -> dt.datetime:
    """Return the first instant at which we had the notice."""
    return notice.sighting.held.at if notice.sighting.held else notice.taken_at


def _until_known(notice: NoticeFacts) -> list[ClockStep]:
    message = f"registreringstidspunkt as received: {notice.registered_at_text}"
    steps = [ClockStep("registered", notice.registered_at, Whose.BRREG, message)]
    without, held = notice.sighting.without, notice.sighting.held
    if without:
        message = "the service's last list, over a time that covers the notice, that did not hold it"
        steps.append(ClockStep("not yet visible", without.at, Whose.OURS, message, f"sha256 {without.sha256}"))
        steps.sort(key=lambda step: step.at)
    if held:
        message = "the first list that held it: its bytes are kept"
        steps.append(ClockStep("visible to us", held.at, Whose.OURS, message, f"sha256 {held.sha256}"))
    if held is None or held.at != notice.taken_at:
        message = "a run of its workday took it from the list"
        steps.append(ClockStep("taken", notice.taken_at, Whose.OURS, message, f"sha256 {notice.answer_sha256}"))
    return steps


def _since_known(case: Case, notice: NoticeFacts) -> Iterator[ClockStep]:
    if notice.dataset_fetched_at:
        message = "the expanded dataset, the document behind the notice, was received"
        yield ClockStep("fetched", notice.dataset_fetched_at, Whose.OURS, message, f"sha256 {notice.dataset_sha256}")
    actions = [action for action in case.actions if action.notice_uuid == notice.uuid]
    files = {file.seq: file for file in case.files}
    for seq in sorted({action.seq or 0 for action in actions}):
        group = [action for action in actions if (action.seq or 0) == seq]
        yield from _decided(group)
        if seq in files:
            yield from _handed_over(group, files[seq])
    yield from _reviewed(actions)


def _decided(group: Sequence[ActionFacts]) -> Iterator[ClockStep]:
    for at in sorted({action.decided_at for action in group}):
        rows = [action for action in group if action.decided_at == at]
        held = sum(action.exported_at != at for action in rows)
        void = sorted({action.void_reason or "" for action in rows if action.status == ActionStatus.VOID})
        message = f"{counted(rows)}: {', '.join(sorted({action.reason for action in rows}))}"
        message += f"; {held} held back for a person's release" if held else ""
        message += f", and never written: {', '.join(void)}" if void else ""
        yield ClockStep("decided", at, Whose.OURS, message, f"run {rows[0].run_id}")
    for at, by, why in sorted(
        {(a.released_at, a.released_by or "", a.release_reason or "") for a in group if a.released_at}
    ):
        if at is not None:
            yield ClockStep("released", at, Whose.OURS, f"by {by}: {why}")


def _handed_over(group: Sequence[ActionFacts], file: FileFacts) -> Iterator[ClockStep]:
    message = f"file {file.seq}, {file.base_name}, with {counted(group)} of this notice, was committed"
    yield ClockStep("written", file.created_at, Whose.OURS, message, f"sha256 {file.sha256}")
    yield from _received(file)
    yield from _answered(group)


def _received(file: FileFacts) -> Iterator[ClockStep]:
    if file.receipts:
        first = file.receipts[0]
        message = f"{first.name} was read: core banking had the file by then at the latest"
        yield ClockStep("received", first.read_at, Whose.OURS, message, f"sha256 {first.sha256}")


def _answered(group: Sequence[ActionFacts]) -> Iterator[ClockStep]:
    for status in ActionStatus:
        answered = [action for action in group if action.status == status and action.confirmed_at]
        if answered:
            last = max(action.confirmed_at for action in answered if action.confirmed_at)
            name = "rejected" if status is ActionStatus.REJECTED else "carried out"
            message = f"{counted(answered)} ({len(answered)} of {len(group)} rows): {status.value}{_codes(answered)}"
            yield ClockStep(name, last, Whose.CORE_BANKING, message)


def _codes(actions: Sequence[ActionFacts]) -> str:
    codes = sorted({action.status_code for action in actions if action.status_code})
    return f", code {', '.join(codes)}" if codes else ""


def _reviewed(actions: Sequence[ActionFacts]) -> Iterator[ClockStep]:
    recorded = [(outcome, action) for action in actions for outcome in action.outcomes]
    for outcome, action in sorted(recorded, key=lambda pair: (pair[0].reviewed_at, pair[0].review_no)):
        message = f"{outcome.outcome}, by {outcome.reviewed_by}: {outcome.note}"
        yield ClockStep("reviewed", outcome.reviewed_at, Whose.OURS, message, f"action {action.action_id}")


def counted(actions: Sequence[ActionFacts]) -> str:
    """Return how many actions there are of each kind, such as `2 BLOCK, 1 REVIEW`."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(a.action for a in actions).items()))
