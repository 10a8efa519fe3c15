"""Finds the command, runs it, and returns how it ended (`errors.ExitCode`).

Results go to stdout, progress and problems to stderr. `commands.py` has the commands.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from konkurs_pipeline.cli.commands import COMMANDS
from konkurs_pipeline.cli.printing.terminal import answer, make_streams_safe, say, say_problem
from konkurs_pipeline.domain.identifiers import is_utf8
from konkurs_pipeline.errors import ExitCode, KonkursError, SettingsError, UsageError
from konkurs_pipeline.redaction import redact

_HELP = """Konkursvarsel for banks: poll the register of bankruptcies, match customers, hand over what to do.

Start with `konkurs demo`. For a bank's own set-up: `konkurs doctor`, then `konkurs plan`, `konkurs run`.

Exit codes: 0 done, 1 failed or incomplete, 2 usage or settings, 3 another run holds the store, 130 stopped by a
signal. With --json the answer is for programs. `konkurs COMMAND --help` says more.
"""


def build_app(asked_for: str | None) -> typer.Typer:
    """Return the command line. Only the command that was asked for is imported; the others have a name and a summary."""
    app = typer.Typer(
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options_of_all)
    for command in COMMANDS:
        function = command.load() if command.name == asked_for else _not_asked_for
        app.command(command.name, short_help=command.summary)(function)
    return app


def _not_asked_for() -> None:
    """Stand in for a command that is not run."""


def _show_version(asked: bool) -> None:  # noqa: FBT001 -- typer calls it so
    if asked:
        answer(f"konkurs {version('konkurs-pipeline')}")
        raise typer.Exit


def _options_of_all(
    *,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    """Declare the options before a command."""


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code. A foreseen error is one clear line on standard error."""
    make_streams_safe()
    asked_for = next((argument for argument in arguments if not argument.startswith("-")), None)
    try:
        _refuse_odd_bytes(arguments)
        app = build_app(asked_for)
        code = app(list(arguments), prog_name="konkurs", standalone_mode=False)
    except TyperException as error:
        _say_mistake(error)
        return error.exit_code
    except KonkursError as error:
        # Each wrong setting has a line of its own.
        for line in str(error).splitlines() if isinstance(error, SettingsError) else [str(error)]:
            say_problem(redact(line))
        return error.exit_code
    except typer.Abort:
        return ExitCode.FAILED
    except OSError as error:
        # Mostly standard output, to which typer prints its help; else a file for which no code foresaw an error.
        say_problem(
            redact(f"the system refused: {error.strerror or error}{f' ({error.filename})' if error.filename else ''}")
        )
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 -- a defect: its text may quote a row, so it is shown redacted
        say_problem(_defect(error))
        return ExitCode.FAILED
    return code or ExitCode.DONE


def _refuse_odd_bytes(arguments: Sequence[str]) -> None:
    if not all(map(is_utf8, arguments)):
        message = "what was typed is not UTF-8: set the terminal to UTF-8, or rename the file"
        raise UsageError(message)


def _say_mistake(error: TyperException) -> None:
    # typer's message repeats what was typed: it may be an identifier in the wrong place.
    mistake = redact(error.format_message())
    if mistake.startswith("Usage:"):
        for line in mistake.splitlines():
            say(line)
    else:
        say_problem(f"{' '.join(mistake.split())} See `konkurs --help`")


def _defect(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = redact(" ".join(f"{type(error).__name__}: {error}".split()))
    return f"a defect of this program: {text} ({place.filename}:{place.lineno}). Report it"
