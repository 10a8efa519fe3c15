"""Commands list the rows behind an alarm, and the banks of a data centre."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.test_exit_codes import FIRM, RUN, complaint, serve_opening


@pytest.fixture
def bank(konkurs: CommandLine) -> CommandLine:
    """Return a bank with one held BLOCK, one entry in quarantine and one receipt that was set aside."""
    return konkurs.filled(_poll)


def _poll(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    serve_opening(konkurs, "gjenaapning")
    konkurs(*RUN)
    serve_opening(konkurs)
    (konkurs.data / "receipts").mkdir(exist_ok=True)
    (konkurs.data / "receipts" / "x\x1b[2J\u202e.receipt.json").write_text("{}", encoding="utf-8")
    assert konkurs(*RUN, KONKURS_MAX_BLOCKS_PER_RUN="0").code == 0


@pytest.mark.parametrize("command", ["actions", "quarantine", "receipts"])
def test_the_rows_behind_an_alarm_are_listed_and_made_harmless(bank: CommandLine, command: str) -> None:
    result = bank(command)
    assert (result.code, result.err) == (0, "")
    assert all(letter == "\n" or letter.isprintable() for letter in result.out)
    rows = json.loads(bank(command, "--json").out)
    assert rows
    assert FIRM not in result.out + json.dumps(rows)


def test_the_rows_are_filtered_by_status(bank: CommandLine) -> None:
    every = json.loads(bank("quarantine", "--json").out)
    for status, is_open in (("open", True), ("resolved", False)):
        found = json.loads(bank("quarantine", "--status", status, "--json").out)
        assert found == [entry for entry in every if (entry["resolved_at"] is None) is is_open]
    assert json.loads(bank("receipts", "--status", "taken", "--json").out) == []
    assert len(json.loads(bank("receipts", "--status", "set_aside", "--json").out)) == 1
    assert bank("actions", "--status", "nonsense").code == 2


def test_each_alarm_has_its_name_severity_and_link_and_errors_come_first(bank: CommandLine) -> None:
    alarms = json.loads(bank("status", "--json").out)["alarms"]
    severities = [alarm["severity"] for alarm in alarms]
    assert severities == sorted(severities)
    assert all(alarm["link"] == f"docs/runbook.md#{alarm['alarm']}" for alarm in alarms)
    printed = bank("status").err
    for alarm in alarms:
        assert f"needs a person: {alarm['severity']} {alarm['alarm']}: " in printed


def test_status_all_prints_one_line_a_bank_worst_first(bank: CommandLine) -> None:
    for name, lines in {"GOOD": bank.environ, "LOST": {"KONKURS_DATA_DIR": "/nowhere/at/all"}}.items():
        folder = bank.folder / "banks" / name
        folder.mkdir(parents=True)
        text = "".join(f"{variable}={value}\n" for variable, value in lines.items())
        (folder / "konkurs.env").write_text(text, encoding="utf-8")
    result = bank("status", "--all", "banks", "--json")
    assert [row["bank"] for row in json.loads(result.out)] == ["LOST", "GOOD"]
    assert (result.code, "there is no store" in complaint(result)) == (1, True)
    assert bank("status", "--all", "no-such-folder").code == 2


def test_plan_rows_prints_the_rows(bank: CommandLine) -> None:
    bank.write_customers(f"K-1,{FIRM},,", f"K-2,{FIRM},,")
    rows = json.loads(bank("plan", *RUN[1:], "--rows", "--json").out)["rows"]
    assert {row["customer_ref"] for row in rows} <= {"K-1", "K-2"}
    assert all({"notice_uuid", "ruling_date", "matched_via", "would be"} <= set(row) for row in rows)
