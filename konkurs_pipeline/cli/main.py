"""`konkurs`: finds the command, runs it, and ends with its exit code (`errors.ExitCode`).

Results go to stdout, progress and problems to stderr. The commands stand in `commands.py`.
"""

from __future__ import annotations

import sys
import traceback
from importlib.metadata import version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from konkurs_pipeline.cli.commands import COMMANDS
from konkurs_pipeline.errors import ExitCode, KonkursError
from konkurs_pipeline.redaction import redact

_HELP = """Konkursvarsel for banks: poll the register of bankruptcies, match customers, hand over what to do.

Start with `konkurs demo`. For a bank's own set-up: `konkurs doctor`, then `konkurs plan`, `konkurs run`.

Exit codes: 0 done, 1 failed or incomplete, 2 usage or settings, 3 another run holds the store, 130 stopped by a
signal. With --json the answer is for programs. `konkurs COMMAND --help` says more.
"""


def build_app(asked_for: str | None) -> typer.Typer:
    """Return the command line. Only the command asked for is imported; of the others it knows name and summary."""
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
    """Stand for a command that is not run."""


def _show_version(asked: bool) -> None:  # noqa: FBT001 -- typer calls it so
    if asked:
        typer.echo(f"konkurs {version('konkurs-pipeline')}")
        raise typer.Exit


def _options_of_all(
    *,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    """Take what may stand before a command."""


def main() -> None:
    """Run the command line; a foreseen error is one clear line on stderr and its exit code, never a traceback."""
    asked_for = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), None)
    try:
        code = build_app(asked_for)(prog_name="konkurs", standalone_mode=False)
    except TyperException as error:
        # typer repeats what was typed, and that may be an identifier given in the wrong place.
        said = redact(error.format_message())
        typer.echo(said if said.startswith("Usage:") else f"konkurs: {said} See `konkurs --help`", err=True)
        sys.exit(error.exit_code)
    except KonkursError as error:
        typer.echo(f"konkurs: {redact(str(error))}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("konkurs: stopped by the keyboard; the next run goes on from what was committed", err=True)
        sys.exit(ExitCode.STOPPED)
    except (BrokenPipeError, typer.Abort):
        sys.exit(ExitCode.FAILED)
    except Exception as error:  # noqa: BLE001 -- a defect: its text may quote a row, so it is shown redacted
        place = traceback.extract_tb(error.__traceback__)[-1]
        said = redact(f"{type(error).__name__}: {error}")
        typer.echo(f"konkurs: a defect of this program: {said} ({place.filename}:{place.lineno}). Report it", err=True)
        sys.exit(ExitCode.FAILED)
    sys.exit(code or ExitCode.DONE)
