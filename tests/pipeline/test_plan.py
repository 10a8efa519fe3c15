"""`konkurs plan` shows exactly what the run then writes, and changes nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from konkurs_pipeline.domain.workdays import Window
from konkurs_pipeline.errors import KonkursError, StoreBusyError
from konkurs_pipeline.progress import silent
from konkurs_pipeline.steps.plan import Plan, plan_run
from tests.pipeline.kit import MONDAY, TUESDAY, Bank, company, oslo, person


def planned(bank: Bank) -> Plan:
    bank.clock.move_to(oslo(TUESDAY, "23:59"))
    bank.write_register()
    window: Window = bank.settings.calendar.window(TUESDAY, TUESDAY, lookback=5)
    return plan_run(bank.settings, window, silent)


def everything_in(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith("lock")
    }


@pytest.fixture
def story(bank: Bank) -> Bank:
    """Return a bank with a blocked customer whose opening is deleted on Tuesday, a new one, and one BLOCK above the limit."""
    for ref in ("K-1", "K-2", "K-3"):
        bank.customer(ref, company(ref))
    bank.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "1"
    bank.notice("aapning", company("K-1"), MONDAY)
    bank.poll(MONDAY)
    bank.notice("sletting", company("K-1"), TUESDAY)
    bank.notice("aapning", company("K-2"), TUESDAY, "10:00")
    bank.notice("aapning", company("K-3"), TUESDAY, "11:00")
    return bank


def test_a_plan_shows_what_the_run_then_writes(story: Bank) -> None:
    plan = planned(story)
    assert {(row["action"], row["reason"], row["would be"]): row["rows"] for row in plan.counts()} == {
        ("BLOCK", "estate_open", "held"): 1,
        ("BLOCK", "estate_open", "written"): 1,
        ("REOPEN", "opening_deleted", "written"): 1,
    }
    assert (plan.outcome, plan.notices_new) == ("new", 3)
    written = Counter((a["action"], a["reason"]) for a in story.poll(TUESDAY).actions)
    assert written == {("BLOCK", "estate_open"): 1, ("REOPEN", "opening_deleted"): 1}


def test_planning_changes_nothing(story: Bank) -> None:
    story.write_register()
    before = everything_in(story.folder)
    planned(story)
    planned(story)
    assert everything_in(story.folder) == before
    assert not story.layout.rehearsal.exists()


def test_a_plan_before_the_first_run_needs_no_store(bank: Bank) -> None:
    bank.customer("K-1", person("debtor"))
    bank.notice("aapning", person("debtor"), TUESDAY)
    assert [row["action"] for row in planned(bank).counts()] == ["BLOCK"]
    assert not bank.layout.marker.exists()


def test_a_plan_that_fails_leaves_no_copy_behind(story: Bank) -> None:
    story.layout.ledger.write_bytes(b"not a database")
    with pytest.raises(KonkursError, match="cannot be opened"):
        planned(story)
    assert not story.layout.rehearsal.exists()


def test_the_next_plan_removes_the_copy_of_a_killed_plan(story: Bank) -> None:
    story.layout.rehearsal.mkdir()
    (story.layout.rehearsal / "left behind").touch()
    planned(story)
    assert not story.layout.rehearsal.exists()


def test_a_plan_is_refused_while_a_run_holds_the_store(story: Bank) -> None:
    with story.store(), pytest.raises(StoreBusyError):
        planned(story)
