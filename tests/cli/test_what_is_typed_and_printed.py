"""Typed text that may be an identifier is not repeated, and printed values are not interpreted."""

from __future__ import annotations

import os

import pytest

from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.cli.record.signature import signed
from konkurs_pipeline.errors import UsageError
from tests.cli.conftest import CommandLine
from tests.pipeline.kit import company, person

NUMBER = person("typed")
MISTYPED = [
    pytest.param((NUMBER,), "No such command", id="no command"),
    pytest.param(("lookup", company("firm"), NUMBER), "unexpected extra argument", id="one too many"),
    pytest.param(("held", NUMBER), "unexpected extra argument", id="one where none is"),
    pytest.param(("lookup", f"--{NUMBER}"), "No such option", id="no option"),
    pytest.param(("simulate", "--port", NUMBER[:-1]), "", id="no port"),
    pytest.param(("run", "--from", NUMBER), "YYYY-MM-DD", id="no day"),
]


@pytest.mark.parametrize(("arguments", "says"), MISTYPED)
def test_a_number_typed_in_the_wrong_place_is_masked_in_one_clear_line(
    konkurs: CommandLine, arguments: tuple[str, ...], says: str
) -> None:
    result = konkurs(*arguments)
    (line,) = result.err.splitlines()
    assert (result.code, result.out) == (2, "")
    assert line.startswith("konkurs: ")
    assert says in line
    assert NUMBER[:-1] not in line


def test_a_defect_of_our_own_is_one_masked_line_too(konkurs: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(**_: object) -> None:
        message = f"cannot think of {NUMBER}"
        raise RuntimeError(message)

    monkeypatch.setattr("konkurs_pipeline.cli.show.status.load_settings", break_down)
    result = konkurs("status")
    (line,) = result.err.splitlines()
    assert (result.code, result.out) == (1, "")
    assert line.startswith("konkurs: a defect of this program: RuntimeError: cannot think of ")
    assert NUMBER not in line


def test_without_a_command_the_commands_are_listed(konkurs: CommandLine) -> None:
    result = konkurs()
    assert result.code == 2
    assert result.err.startswith("Usage: konkurs")
    assert "lookup" in result.err


def test_help_exits_0(konkurs: CommandLine) -> None:
    result = konkurs("run", "--help")
    assert (result.code, result.err) == (0, "")
    assert "--from" in result.out


@pytest.mark.parametrize("text", ["[/x]", "[red]K-1[/red]", "[link=http://x]", ":warning:"])
def test_brackets_in_a_value_are_printed_as_they_are(capsys: pytest.CaptureFixture[str], text: str) -> None:
    print_table(text, [{"customer_ref": text}])
    assert capsys.readouterr().out.count(text) == 2


def test_a_signature_is_kept_without_the_blanks_around_it() -> None:
    assert signed(" Kari ", "checked with core banking, run 385fad87-b3e1-4542-a5ac-86c1b4e130af\n") == (
        "Kari",
        "checked with core banking, run 385fad87-b3e1-4542-a5ac-86c1b4e130af",
    )


UNSIGNED = [
    pytest.param(" ", "checked", "say something", id="nobody"),
    pytest.param("Kari", "", "say something", id="no reason"),
    pytest.param(NUMBER, "checked", "no number", id="a person's number"),
    pytest.param("Kari", f"asked by {company('firm')}", "no number", id="a company's number"),
]


@pytest.mark.parametrize(("by", "reason", "says"), UNSIGNED)
def test_a_signature_is_not_empty_and_holds_no_identifier(by: str, reason: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        signed(by, reason)
    assert NUMBER not in str(refused.value)


NO_TEXT = "K\udcff"
ODD_ARGUMENTS = [
    ("lookup", "--customer", NO_TEXT),
    ("release", "11111111", "--by", NO_TEXT, "--reason", "seen"),
    ("review", "11111111", "--outcome", "blocked", "--by", "Kari", "--note", NO_TEXT),
    ("report", "--out", NO_TEXT),
    (NO_TEXT,),
]


@pytest.mark.parametrize("arguments", ODD_ARGUMENTS)
def test_arguments_that_are_not_utf_8_are_a_usage_error(konkurs: CommandLine, arguments: tuple[str, ...]) -> None:
    result = konkurs(*arguments)
    (line,) = result.err.splitlines()
    assert (result.code, result.out) == (2, "")
    assert "not UTF-8" in line


ODD_DAYS = [
    ("run", "--from", "0001-01-01"),
    ("plan", "--from", "1899-12-31"),
    ("gaps", "--to", "9999-12-31"),
    ("report", "--to", "0001-01-05"),
]


@pytest.mark.parametrize("arguments", ODD_DAYS, ids=" ".join)
def test_a_day_at_the_end_of_the_calendar_is_a_usage_error(konkurs: CommandLine, arguments: tuple[str, ...]) -> None:
    result = konkurs(*arguments)
    (line,) = result.err.splitlines()
    assert (result.code, result.out, "YYYY-MM-DD" in line) == (2, "", True)


def test_an_unknown_question_lists_the_known_ones_in_one_line(konkurs: CommandLine) -> None:
    result = konkurs("ask", "99")
    (line,) = result.err.splitlines()
    assert (result.code, "1 How many notices a month" in line, "\ufffd" in line) == (2, True, False)


@pytest.mark.parametrize("command", [("report",), ("metrics",), ("evidence", "11111111")])
@pytest.mark.parametrize(("out", "why"), [("pipe", "is no file"), (".", "is a folder"), ("none/x", "no folder none")])
def test_a_page_replaces_only_a_file(konkurs: CommandLine, command: tuple[str, ...], out: str, why: str) -> None:
    os.mkfifo(konkurs.folder / "pipe")
    result = konkurs(*command, "--out", out)
    (line,) = result.err.splitlines()
    assert (result.code, result.out, why in line) == (2, "", True)
    assert (konkurs.folder / "pipe").is_fifo()
