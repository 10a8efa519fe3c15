"""Operations' questions from outside Dagster: is polling alive, which hours were polled, what would a run do."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from konkurs_pipeline.brreg.simulator.notices import simulated_notice
from konkurs_pipeline.brreg.simulator.population import random_orgnr, seeded
from tests.cli.conftest import DAY, CommandLine

FIRM = random_orgnr(seeded(11))
RUN = ("run", "--from", DAY, "--to", DAY)


@pytest.fixture
def polled(konkurs: CommandLine) -> CommandLine:
    """Return the command line of a bank that polled just now, and has one customer with an open bankruptcy."""
    return konkurs.filled(_poll)


def _poll(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    opened = dt.datetime(2018, 9, 3, 8, tzinfo=dt.UTC)
    uid = "0f1e2d3c-0000-4000-8000-000000000001"
    day = dt.date.fromisoformat(DAY)
    konkurs.service.replace_notices(
        [simulated_notice(uuid=uid, type="aapning", registered_at=opened, debtor_id=FIRM, ruling_date=day)]
    )
    assert konkurs(*RUN).code == 0


def test_the_dead_man_s_signal_exits_0_while_the_last_good_poll_is_recent(polled: CommandLine) -> None:
    assert polled("status", "--max-age", "45m").code == 0
    assert polled("status", "--max-age", "45m", "--off-hours-max-age", "4h").code == 0


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["for people", "for programs"])
def test_the_dead_man_s_signal_exits_1_with_the_reason_if_the_last_good_poll_is_too_old(
    polled: CommandLine, more: tuple[str, ...]
) -> None:
    result = polled("status", "--max-age", "0s", "--off-hours-max-age", "0s", *more)
    assert result.code == 1
    assert result.err.startswith("konkurs: no good poll within 0 s: the last one ended")


def test_failed_polls_do_not_keep_the_dead_man_s_signal_alive(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    assert konkurs(*RUN, KONKURS_API_URL="http://127.0.0.1:1").code == 1
    result = konkurs("status", "--max-age", "45m")
    assert (result.code, "none ever came to a good end" in result.err) == (1, True)


def test_before_the_first_poll_the_dead_man_s_signal_exits_1(konkurs: CommandLine) -> None:
    assert konkurs("status", "--max-age", "45m").code == 1


def test_alarms_stand_in_the_status_for_people_and_for_programs(polled: CommandLine) -> None:
    polled.write_customers(content=b"nonsense")
    assert polled(*RUN).code == 0
    shown = polled("status")
    assert "needs a person: error register_refused: the register was refused" in shown.err
    assert "docs/runbook.md#register_refused" in shown.err
    assert "mend the bank's export" in shown.err
    alarms = json.loads(polled("status", "--json").out)["alarms"]
    assert [(alarm["alarm"], alarm["severity"]) for alarm in alarms] == [("register_refused", "error")]


def test_gaps_are_counted_from_the_first_poll_on(polled: CommandLine) -> None:
    assert "missed" in polled("gaps").out
    assert isinstance(json.loads(polled("gaps", "--all", "--json").out), list)


def test_a_plan_prints_what_a_run_would_write_and_writes_nothing(konkurs: CommandLine, polled: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,", f"K-2,{FIRM},,")
    before = sorted((polled.data / "outbox").iterdir())
    result = konkurs("plan", *RUN[1:], "--json")
    assert result.code == 0
    assert json.loads(result.out)["rows"] == [
        {"action": "BLOCK", "reason": "estate_open", "would be": "written", "rows": 1}
    ]
    assert result.err.startswith("nothing was written; 0 notices would be new")
    assert sorted((polled.data / "outbox").iterdir()) == before
    assert "BLOCK" in konkurs("plan", *RUN[1:]).out


def test_a_plan_that_cannot_reach_the_service_fails_as_the_run_would(polled: CommandLine) -> None:
    result = polled("plan", *RUN[1:], KONKURS_API_URL="http://127.0.0.1:1")
    assert result.code == 1
    assert result.err.startswith("konkurs: GET /konkursvarsler")
