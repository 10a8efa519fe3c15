"""With any streams an answer is whole or the exit code is 1, and no foreign text moves the terminal's cursor."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import konkurs_pipeline
from konkurs_pipeline.cli.printing.terminal import answer, answer_json, say
from tests.cli.conftest import CommandLine

CONSOLE_SCRIPT: Final = Path(sys.executable).with_name("konkurs")
PACKAGE: Final = Path(konkurs_pipeline.__file__).parent
# ESC, BEL, a reversed direction, a line break, a carriage return, C1's CSI, a next-line, and half of a surrogate pair.
HOSTILE: Final = ["\x1b[2J", "\a", "\u202e", "\n", "\r", "\x9b", "\x85", "\udce6"]


def shell(konkurs: CommandLine, line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a shell line in which `konkurs` is our console script."""
    return subprocess.run(  # noqa: S602 -- fixed text of this file
        line.replace("konkurs", f"'{CONSOLE_SCRIPT}'"),
        shell=True,
        env={**konkurs.environ, "PATH": "/usr/bin:/bin", **environ},
        cwd=konkurs.folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["konkurs --version", "konkurs doctor", "konkurs doctor --json"])
@pytest.mark.parametrize(("stdout", "why"), [("/dev/full", "No space left"), ("&-", "closed")])
def test_an_answer_that_cannot_be_written_ends_with_1_and_one_line(
    konkurs: CommandLine, command: str, stdout: str, why: str
) -> None:
    result = shell(konkurs, f"{command} >{stdout}")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("konkurs: ")
    assert why in line


def test_a_reader_that_closes_the_pipe_is_no_defect(konkurs: CommandLine) -> None:
    result = shell(konkurs, "(konkurs doctor; echo $? >code) | true")
    assert "defect" not in result.stderr
    assert "Traceback" not in result.stderr
    assert (konkurs.folder / "code").read_text(encoding="utf-8") in ("1\n", "0\n")


def test_a_command_goes_on_if_stderr_cannot_be_written(konkurs: CommandLine) -> None:
    for closed in ("2>&-", "2>/dev/full", "<&- 2>&-"):
        result = shell(konkurs, f"konkurs doctor --json {closed}")
        assert result.returncode in (0, 1)
        assert isinstance(json.loads(result.stdout), list)


def test_a_closed_stream_is_not_given_to_a_file_that_is_opened_later(konkurs: CommandLine) -> None:
    """Otherwise a library's output on descriptor 2 would stand in the ledger."""
    result = shell(konkurs, "konkurs run --from 2018-09-03 --to 2018-09-03 2>&- <&-; konkurs verify")
    assert "wrong" in result.stdout
    assert result.returncode in (0, 1)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-16"])
def test_an_encoding_that_lacks_a_letter_is_no_defect(konkurs: CommandLine, encoding: str) -> None:
    result = subprocess.run(  # noqa: S603 -- our own console script
        [CONSOLE_SCRIPT, "doctor"],
        env={
            **konkurs.environ,
            "PATH": "/usr/bin:/bin",
            "PYTHONIOENCODING": encoding,
            "KONKURS_CUSTOMERS": "/ł→/x.csv",
        },
        cwd=konkurs.folder,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 1
    assert b"defect" not in result.stderr


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_foreign_text_cannot_steer_the_terminal(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer(f"a{text}b")
    say(f"a{text}b")
    answer_json({"a": text})
    printed = capsys.readouterr()
    assert printed.err.startswith("a\ufffd")
    for stream in printed:
        assert all(letter == "\n" or letter.isprintable() for letter in stream)


def _prints(tree: ast.Module) -> list[str]:
    """Return the calls of a module that write to a stream without the functions of cli/printing."""
    names = {"print", "echo", "secho", "Console", "stdout", "stderr", "__stdout__", "__stderr__"}
    return [
        name
        for node in ast.walk(tree)
        for name in [getattr(node, "id", None) or getattr(node, "attr", None)]
        if isinstance(node, ast.Name | ast.Attribute) and name in names
    ]


def test_only_one_module_prints() -> None:
    """Any other code could print foreign text without making it harmless."""
    elsewhere = {
        path.relative_to(PACKAGE).as_posix(): found
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "printing" and (found := _prints(ast.parse(path.read_text(encoding="utf-8"))))
    }
    allowed = {
        "cli/poll/run.py",  # whether standard error is a terminal
        "orchestration/future_ticks.py",  # at a service's start: names of our own schedules alone
        "storage/readers/decision_table.py",  # `make docs` writes the page, which holds our own text alone
        "storage/readers/dictionary.py",  # as above
    }
    assert set(elsewhere) <= allowed
