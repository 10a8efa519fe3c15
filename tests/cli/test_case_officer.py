"""The case officer's commands as a person types them: `reviews`, `review`, `evidence`, `lookup` with the number on stdin."""

from __future__ import annotations

import io
import json
import stat

import pytest

from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, simulated_notice
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import open_store
from tests.cli.conftest import DAY, CommandLine
from tests.pipeline.kit import MONDAY, company, oslo

FIRM = company("firm")
OPENING = "11111111-1111-4111-8111-111111111111"
APPEAL = "21111111-1111-4111-8111-111111111111"
ESCAPE = "\x1b[2J"


@pytest.fixture
def polled(konkurs: CommandLine) -> CommandLine:
    """Return a bank with one REVIEW, for a customer whose reference would clear the screen."""
    return konkurs.filled(_poll)


def _poll(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K{ESCAPE}1,{FIRM},,")
    konkurs.service.replace_notices([_notice(OPENING, "aapning", "10:00"), _notice(APPEAL, "oppheving", "11:00")])
    assert konkurs("run", "--from", DAY, "--to", DAY).code == 0


def _notice(uuid: str, kind: str, at: str) -> SimulatedNotice:
    registered_at = oslo(MONDAY, at)
    return simulated_notice(uuid=uuid, type=kind, registered_at=registered_at, debtor_id=FIRM, ruling_date=MONDAY)


def test_a_review_is_listed_recorded_corrected_and_no_longer_open(polled: CommandLine) -> None:
    listed = polled("reviews")
    assert (listed.code, ESCAPE in listed.out, "after an appeal" in listed.out) == (0, False, True)
    (review,) = json.loads(polled("reviews", "--json").out)
    answer = ("review", review["action_id"], "--by", "Kari", "--outcome")
    recorded = polled(*answer, "no_action", "--note", "asked the court")
    assert (recorded.code, recorded.out.startswith("recorded: no_action")) == (0, True)
    assert "corrects 1" in polled(*answer, "reopened", "--note", "the court answered").out
    assert polled("reviews").out == "no review is open\n"
    assert "reviews          none open" in polled("status").out
    (done,) = json.loads(polled("reviews", "--all", "--json").out)
    assert [one["outcome"] for one in done["outcomes"]] == ["no_action", "reopened"]
    assert polled("verify").code == 0


REFUSED = [
    pytest.param(OPENING, "other", "seen", "no action", id="unknown action"),
    pytest.param(None, "perhaps", "seen", "--outcome", id="unknown outcome"),
    pytest.param(None, "other", " ", "--note", id="no note"),
    pytest.param(None, "other", f"asked {FIRM}", "--note", id="a number in the note"),
]


@pytest.mark.parametrize(("action_id", "outcome", "note", "why"), REFUSED)
def test_an_outcome_that_cannot_be_recorded_exits_2_and_leaves_the_review_open(
    polled: CommandLine, action_id: str | None, outcome: str, note: str, why: str
) -> None:
    (review,) = json.loads(polled("reviews", "--json").out)
    result = polled("review", action_id or review["action_id"], "--outcome", outcome, "--by", "Kari", "--note", note)
    (line,) = result.err.splitlines()
    assert (result.code, result.out, why in line, FIRM in line) == (2, "", True, False)
    assert len(json.loads(polled("reviews", "--json").out)) == 1


def test_while_a_run_holds_the_store_questions_are_answered_and_a_review_waits(polled: CommandLine) -> None:
    (review,) = json.loads(polled("reviews", "--json").out)
    with open_store(load_settings(polled.environ, dotenv=polled.folder / "none")):
        assert polled("review", review["action_id"], "--outcome", "other", "--by", "K", "--note", "x").code == 3
        assert polled("reviews").code == 0
        assert polled("evidence", APPEAL).code == 0


def test_the_evidence_is_a_page_on_stdout_or_in_a_file_for_its_owner_alone(polled: CommandLine) -> None:
    printed = polled("evidence", OPENING.upper())
    assert printed.out.startswith("<!DOCTYPE html>")
    assert FIRM not in printed.out + printed.err
    page = polled.folder / "case.html"
    assert polled("evidence", OPENING, "--out", str(page)).code == 0
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert page.read_text(encoding="utf-8").count(OPENING) == printed.out.count(OPENING)


def test_evidence_overwrites_no_file_by_default_and_needs_a_folder_and_a_case(polled: CommandLine) -> None:
    page = polled.folder / "case.html"
    page.write_text("kept", encoding="utf-8")
    cases = [
        ((OPENING, "--out", str(page)), "--force"),
        ((OPENING, "--out", str(polled.folder)), "is a folder"),
        ((OPENING, "--out", str(polled.folder / "no" / "x.html")), "no folder"),
        ((FIRM,), "knows no notice"),
    ]
    for arguments, why in cases:
        result = polled("evidence", *arguments)
        (line,) = result.err.splitlines()
        assert (result.code, why in line, FIRM in line) == (2, True, False)
    assert page.read_text(encoding="utf-8") == "kept"
    assert polled("evidence", OPENING, "--out", str(page), "--force").code == 0
    assert page.read_text(encoding="utf-8") != "kept"


def test_the_evidence_as_json_has_the_clock_of_each_notice(polled: CommandLine) -> None:
    case = json.loads(polled("evidence", APPEAL, "--json").out)
    assert (case["state"], list(case["clocks"])) == ("revoked", [OPENING, APPEAL])
    names = [step["name"] for step in case["clocks"][APPEAL]]
    assert names == ["registered", "visible to us", "fetched", "decided", "written"]
    assert case["clocks"][APPEAL][1]["since_before"] > 0


def test_a_lookup_takes_the_number_from_stdin_and_names_the_case(
    polled: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f" {FIRM}\n".encode())))
    result = polled("lookup", "-")
    assert (result.code, "bankrupt: no" in result.out) == (0, True)
    assert (OPENING in result.out, APPEAL in result.out, FIRM in result.out) == (True, True, False)
    assert f"konkurs evidence {OPENING}" in result.err
