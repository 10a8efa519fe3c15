"""The simulation must find each way of breaking the pipeline here, or it could not fail."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from konkurs_pipeline.domain.actions.rows import Action, ActionKind
from konkurs_pipeline.domain.actions.settlement import Settlement, settle
from konkurs_pipeline.domain.matching import match_customers
from konkurs_pipeline.domain.outcomes import Issue, IssueCode
from konkurs_pipeline.steps.list import notices
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.handoff import decisions
from konkurs_pipeline.storage.handoff.outbox_format import render_all
from konkurs_pipeline.storage.lake.tables import Lake
from konkurs_pipeline.storage.ledger import polls
from tests.simulation.bank_year import BankYear
from tests.simulation.core_banking import BrokenPromiseError
from tests.simulation.figures import Figures

Break = Callable[[pytest.MonkeyPatch], None]


def live(folder: Path, *, day_count: int = 12, seed: int = 2) -> Figures:
    """Simulate some days, until the end or until a promise is broken."""
    year = BankYear(seed, folder, day_count)
    try:
        return year.run(until_found=True)
    except BrokenPromiseError:
        return year.figures


def settles(change: Callable[[Settlement], Settlement]) -> Break:
    """Change what a run settles on."""

    def broken(*args: Any, **more: Any) -> Settlement:
        return change(settle(*args, **more))

    return lambda monkeypatch: monkeypatch.setattr("konkurs_pipeline.steps.actions.settle", broken)


def without_a_block(settlement: Settlement) -> Settlement:
    """Forget a BLOCK."""
    blocks = [action for action in settlement.write if action.kind is ActionKind.BLOCK]
    return dataclasses.replace(settlement, write=tuple(a for a in settlement.write if a not in blocks[:1]))


def review_turned_into_block(settlement: Settlement) -> Settlement:
    """Block where a person should look."""

    def harder(action: Action) -> Action:
        is_review = action.kind is ActionKind.REVIEW
        return dataclasses.replace(action, kind=ActionKind.BLOCK, account_no="12345678903") if is_review else action

    return dataclasses.replace(settlement, write=tuple(map(harder, settlement.write)))


def forgets_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decide as if nothing had been written before."""
    monkeypatch.setattr(decisions, "written_ids", lambda *_: set())


def reads_no_lookback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask only for what was registered since the last hour: a bare cursor."""
    after = notices._after  # noqa: SLF001 -- what is broken on purpose

    def late(poll: Poll) -> Any:  # noqa: ANN401 -- as the original
        return max(after(poll), poll.now() - dt.timedelta(hours=1))

    monkeypatch.setattr(notices, "_after", late)


def believes_every_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accept a document that contradicts its notice."""
    monkeypatch.setattr("konkurs_pipeline.steps.documents.datasets.contradiction_of", lambda *_: None)
    monkeypatch.setattr("konkurs_pipeline.domain.documents.datasets.contradiction_of", lambda *_: None)


def ignores_former_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Match by present numbers only."""

    def present_only(parties: Any, identifiers: Any) -> Any:  # noqa: ANN401 -- frames
        return match_customers(parties, identifiers.filter(~identifiers["is_former"]))

    monkeypatch.setattr("konkurs_pipeline.steps.matches.match_customers", present_only)


def changes_a_shown_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a manifest with another hash."""

    def other(base_name: str, jsonl: bytes) -> Mapping[str, bytes]:
        files = dict(render_all(base_name, jsonl))
        files[f"{base_name}.csv"] += b"\r\n"
        return files

    monkeypatch.setattr("konkurs_pipeline.storage.handoff.outbox.render_all", other)


def leaks_identifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a debtor's number into the detail of a poll."""

    def notification(poll: Poll) -> notices.PolledNotices:
        polled = notices.poll_notices(poll)
        issue = Issue(IssueCode.LIST_NOT_AS_DOCUMENTED, ", ".join(polled.known["debtor_id"]))
        polls.report(poll.store.ledger, poll.run_id, issue)
        return polled

    monkeypatch.setattr("konkurs_pipeline.steps.sequence.poll_notices", notification)


def verifies_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a lake file without checking its hash."""
    monkeypatch.setattr(Lake, "_prove", lambda *_: None)


LONG: Final = pytest.mark.long
BREAKS: Iterable[Any] = [
    pytest.param(settles(without_a_block), "lost", id="a BLOCK is forgotten", marks=LONG),
    pytest.param(settles(review_turned_into_block), "wrong", id="a REVIEW becomes a BLOCK"),
    pytest.param(forgets_what_was_written, "doubled", id="what was written is forgotten", marks=LONG),
    pytest.param(reads_no_lookback, "lost", id="a bare cursor", marks=LONG),
    pytest.param(believes_every_dataset, "wrong", id="every dataset is believed", marks=LONG),
    pytest.param(ignores_former_numbers, "lost", id="former numbers are ignored", marks=LONG),
    pytest.param(changes_a_shown_file, "wrong", id="a file is not what its manifest says", marks=LONG),
    pytest.param(leaks_identifiers, "leaked", id="an identifier in a poll's detail", marks=LONG),
]


@pytest.mark.parametrize(("break_it", "found_as"), BREAKS)
def test_a_broken_pipeline_is_found(
    break_it: Break, found_as: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    break_it(monkeypatch)
    assert getattr(live(tmp_path), found_as) != []
