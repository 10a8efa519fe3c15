"""The table of commands: each can be imported and explains itself. The program imports only the command it runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from konkurs_pipeline.cli.commands import COMMANDS, Command
from tests.cli.conftest import CommandLine

_HEAVY = "dagster"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself(konkurs: CommandLine, command: Command) -> None:
    for option in ("-h", "--help"):
        result = konkurs(command.name, option)
        assert (result.code, result.err) == (0, "")
        assert result.out.startswith(f"Usage: konkurs {command.name}")


def test_every_command_stands_in_the_list_with_its_summary(konkurs: CommandLine) -> None:
    result = konkurs("-h")
    lines = [line.strip() for line in result.out.splitlines()]
    for command in COMMANDS:
        assert any(line.startswith(command.name) and line.endswith(command.summary) for line in lines)


def test_the_version_is_printed(konkurs: CommandLine) -> None:
    result = konkurs("--version")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("konkurs 0.")


@pytest.mark.parametrize("arguments", [("status",), ("--help",), ("lookup", "-h")], ids=" ".join)
def test_a_question_does_not_wait_for_dagster(konkurs: CommandLine, arguments: tuple[str, ...]) -> None:
    program = (
        "import sys\nfrom konkurs_pipeline.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        f"print({_HEAVY!r} in sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run(  # noqa: S603 -- this interpreter and our own program
        [sys.executable, "-c", program, *arguments],
        env={**konkurs.environ, "PATH": "/usr/bin:/bin"},
        cwd=konkurs.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr.splitlines()[-1] == "False"
