"""At a terminal of 80 columns no line is longer, so the terminal breaks no account number, date or id."""

from __future__ import annotations

import io
import re
from typing import Final

import pytest

from konkurs_pipeline.cli.running import run_command
from tests.cli.conftest import CommandLine
from tests.cli.test_exit_codes import FIRM, RUN, serve_opening
from tests.pipeline.kit import account_no

OPENING: Final = "11111111-1111-4111-8111-111111111111"
OWNED, SHARED = account_no("owned"), account_no("shared")
# Terminal control sequences, and a line that a progress bar overwrote.
_MOVES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|^.*\r", re.MULTILINE)


class Terminal(io.StringIO):
    """A stream that reports itself as a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def bank(konkurs: CommandLine) -> CommandLine:
    """Return a bank with a held row, an open REVIEW and a receipt that was set aside."""
    konkurs.write_customers(f"K-1,{FIRM},,")
    accounts = konkurs.data / "register" / "accounts.csv"
    rows = ("account_no,customer_ref,relation,is_blocked", f"{OWNED},K-1,owner,false", f"{SHARED},K-1,co_owner,")
    accounts.write_text("\n".join((*rows, "")), encoding="utf-8")
    serve_opening(konkurs)
    receipts = konkurs.data / "receipts"
    receipts.mkdir(parents=True)
    (receipts / "KONKURS_DEMO_demo_00000001_20180903T200000Z.receipt.json").write_text("{}", encoding="utf-8")
    assert konkurs(*RUN, KONKURS_MAX_BLOCKS_PER_RUN="0").code == 0
    return konkurs


def printed(bank: CommandLine, *arguments: str) -> str:
    """Return what a person at a terminal sees of a command."""
    terminal = Terminal()
    with bank.patch.context() as patched:
        for name, value in {**bank.environ, "COLUMNS": "80", "TERM": "xterm", "DAGSTER_HOME": ""}.items():
            patched.setenv(name, value)
        patched.chdir(bank.folder)
        patched.setattr("sys.stdout", terminal)
        patched.setattr("sys.stderr", terminal)
        assert run_command(arguments) in (0, 1)
    return _MOVES.sub("", terminal.getvalue().replace("\r\n", "\n"))


COMMANDS: Final = [
    (("status",), ["needs a person: error"]),
    (("actions",), [OWNED, SHARED]),
    (("held",), [OWNED, "2018-09-03"]),
    (("reviews",), [SHARED, OPENING, "2018-09-03T"]),
    (("receipts",), ["KONKURS_DEMO_demo_00000001_20180903T200000Z.receipt.json"]),
    (("lookup", FIRM), [OPENING, OWNED, "2018-09-03"]),
    (("gaps", "--from", "2018-09-03", "--to", "2018-09-03"), []),
    (("ask", "2"), []),
    (("ask", "8"), []),
    (("contract",), []),
    (("doctor",), []),
    (("verify",), []),
    (("plan", "--rows", "--from", "2018-09-03"), []),
    (("run", "--from", "2018-09-03", "--to", "2018-09-03"), ["KONKURS_DEMO_demo_00000002_"]),
]


def test_no_line_is_longer_than_the_terminal_and_every_value_is_whole(bank: CommandLine) -> None:
    """One bank serves all commands, because a poll takes longer than they do."""
    for arguments, whole in COMMANDS:
        shown = printed(bank, *arguments)
        too_long = [line for line in shown.splitlines() if len(line) > 80 and " " in line.strip()]
        assert (arguments, too_long) == (arguments, [])
        assert (arguments, [value for value in whole if value not in shown]) == (arguments, [])


def test_a_program_reads_unbroken_lines(bank: CommandLine) -> None:
    (problem,) = [line for line in bank("status").err.splitlines() if "blocks_held" in line]
    assert len(problem) > 80
