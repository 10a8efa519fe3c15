"""`konkurs`: the commands, their arguments and their exit codes.

Results go to stdout, progress and problems to stderr. Modules are imported when their command runs: `konkurs status` must
not wait for dagster. Exit codes: 0 done, 1 failed or incomplete, 2 usage or settings, 3 another run holds the store.
"""

from __future__ import annotations

import datetime as dt
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from konkurs_pipeline.cli.starting import importing
from konkurs_pipeline.domain.reviews import ReviewOutcome
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.redaction import redact

app = typer.Typer(
    name="konkurs",
    help="Konkursvarsel for banks: poll the register of bankruptcies, match customers, hand over what to do.\n\n"
    "Start with `konkurs demo`. For a bank's own set-up: `konkurs doctor`, then `konkurs plan`, `konkurs run`.\n\n"
    "Exit codes: 0 done, 1 failed or incomplete, 2 usage or settings, 3 another run holds the store. With --json the "
    "answer is for programs. `konkurs COMMAND --help` says more.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, for programs.")]
Day = Annotated[str | None, typer.Option(metavar="DAY", help="A day, YYYY-MM-DD.")]


@app.command(short_help="Show the whole chain on Brreg's 15 test notices")
def demo() -> None:
    """Show the whole chain on Brreg's 15 test notices, in a fresh demo data folder, in seconds."""
    with importing():
        from konkurs_pipeline.cli.demo import show_demo

    show_demo()


@app.command(short_help="Poll once, or over a range of workdays (backfill)")
def run(
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First workday, YYYY-MM-DD.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last workday; default: today's.")] = None,
) -> None:
    """Poll once: today's workday and the lookback, or the given workdays and the lookback before them."""
    with importing():
        from konkurs_pipeline.cli.run import run_once

    raise typer.Exit(run_once(_day("--from", first), _day("--to", last)))


@app.command(short_help="Show what a run would write, and write nothing")
def plan(
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First workday, YYYY-MM-DD.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last workday; default: today's.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a run would write, by action and reason, and write nothing: it is rehearsed on a copy of the store."""
    with importing():
        from konkurs_pipeline.cli.plan import show_plan

    raise typer.Exit(show_plan(_day("--from", first), _day("--to", last), as_json=as_json))


@app.command(short_help="Show how things stand, and what needs a person")
def status(
    max_age: Annotated[
        str | None,
        typer.Option("--max-age", metavar="45m", help="Exit with 1 when no good poll ended within this time."),
    ] = None,
    off_hours_max_age: Annotated[
        str | None,
        typer.Option(
            "--off-hours-max-age", metavar="4h", help="The same outside opening hours, where polls are rarer."
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show how things stand: last poll, newest notice, quarantine, held and unconfirmed actions, register, certificate."""
    from konkurs_pipeline.cli.status import show_status

    raise typer.Exit(show_status(as_json=as_json, max_age=max_age, off_hours_max_age=off_hours_max_age))


@app.command(short_help="List the opening hours that no poll covered")
def gaps(
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First workday; default: the lookback's.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last workday; default: today's.")] = None,
    *,
    show_all: Annotated[bool, typer.Option("--all", help="Also the quarters that a poll covered.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the quarters of opening hours that no poll covered, and by which poll each was healed."""
    from konkurs_pipeline.cli.gaps import show_gaps

    show_gaps(_day("--from", first), _day("--to", last), show_all=show_all, as_json=as_json)


@app.command(short_help="Tell whether a party is bankrupt, and since when")
def lookup(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="orgnr, fødselsnummer or D-nummer; - reads stdin.")],
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="TIME", help="What was known then: ISO time, Oslo unless it says."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Tell whether a party is bankrupt, since when, by which notices, known when, and what was done."""
    from konkurs_pipeline.cli.lookup import show_lookup

    show_lookup(sys.stdin.readline() if identifier == "-" else identifier, as_of, as_json=as_json)


@app.command(short_help="List the BLOCK rows that wait for release")
def held(*, as_json: AsJson = False) -> None:
    """List the BLOCK rows that are held back until a person releases them."""
    from konkurs_pipeline.cli.held import show_held

    show_held(as_json=as_json)


@app.command(short_help="Release the rows that a run held back")
def release(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="The run that held them back.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who releases them.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")],
) -> None:
    """Release the rows that a run held back; the next run writes them."""
    from konkurs_pipeline.cli.held import release_rows

    release_rows(run_id, by=by, reason=reason)


@app.command(short_help="List the REVIEW rows that wait for a person")
def reviews(
    *,
    all_: Annotated[bool, typer.Option("--all", help="Also those that have an outcome.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the REVIEW rows that wait for a person, oldest first."""
    from konkurs_pipeline.cli.reviews import show_reviews

    show_reviews(with_done=all_, as_json=as_json)


@app.command(short_help="Record what a person did about a REVIEW")
def review(
    action_id: Annotated[str, typer.Argument(metavar="ACTION_ID", help="The REVIEW, as `konkurs reviews` names it.")],
    outcome: Annotated[ReviewOutcome, typer.Option("--outcome", help="What was done: docs/case-officers.md.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who did it.")],
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What was found, and why it was so decided.")],
) -> None:
    """Record what a person did about a REVIEW; a second outcome corrects the first, and both are kept."""
    from konkurs_pipeline.cli.reviews import record_review

    record_review(action_id, outcome, by=by, note=note)


@app.command(short_help="Make the page that proves when the bank knew")
def evidence(
    case: Annotated[str, typer.Argument(metavar="NOTICE|ACTION_ID", help="A notice's uuid or an action's id.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the page here, not to stdout.")
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE where it exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make one page (HTML) that proves when the bank knew of a case, and what it did: times, files and their hashes."""
    from konkurs_pipeline.cli.evidence import show_evidence

    show_evidence(case, out, force=force, as_json=as_json)


@app.command(short_help="Check certificate, service, register and folders")
def doctor(*, as_json: AsJson = False) -> None:
    """Check settings, certificate, service, calendar, register files and folders; say what to do about each."""
    from konkurs_pipeline.cli.doctor import show_doctor

    raise typer.Exit(show_doctor(as_json=as_json))


@app.command(short_help="Compare the service's answers with what is assumed")
def contract(
    map_file: Annotated[
        Path | None, typer.Option("--write-map", metavar="FILE", help="Write the KONKURS_DATASET_MAP that fits.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Read the service and report, field by field, how its answers differ from the assumed shapes."""
    from konkurs_pipeline.cli.contract import show_contract

    show_contract(as_json=as_json, map_file=map_file)


@app.command(short_help="Prove everything that was ever written")
def verify(*, as_json: AsJson = False) -> None:
    """Check again everything that was written: hashes, the chain of files, the sequence, the ledger against the files."""
    from konkurs_pipeline.cli.verify import show_verify

    raise typer.Exit(show_verify(as_json=as_json))


@app.command(short_help="Put right what a run stops on")
def recover(
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: which copy was restored, and when.")],
) -> None:
    """Put right what a run stops on: a ledger restored from an old copy, changed files in the outbox."""
    from konkurs_pipeline.cli.recover import recover_ledger

    recover_ledger(by=by, reason=reason)


@app.command(short_help="Write a copy for analysts, also pseudonymised")
def publish(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The DuckDB file to write, or to replace by a newer one.")
    ],
    key_file: Annotated[
        Path | None, typer.Option("--key-file", metavar="KEY", help="The key: 32 bytes or more, rights 0600.")
    ] = None,
    *,
    pseudonymise: Annotated[
        bool, typer.Option("--pseudonymise", help="Keyed pseudonyms for identifiers; no names, addresses, documents.")
    ] = False,
) -> None:
    """Write a stand-alone copy of all tables for analysts, pseudonymised for those who may not see identifiers."""
    from konkurs_pipeline.cli.publish import publish_file

    publish_file(file, key_file, pseudonymise=pseudonymise)


@app.command(short_help="Serve Konkursvarsel on this machine")
def simulate(  # noqa: PLR0913 -- the command's options
    port: Annotated[int, typer.Option(metavar="N", help="Port on 127.0.0.1.")] = 8443,
    scenario: Annotated[Path | None, typer.Option(metavar="FILE", help="TOML: notices, faults, paging.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Also serve generated notices of this seed.")] = None,
    years: Annotated[int, typer.Option(metavar="N", help="How many years of them, up to the end of next month.")] = 1,
    tls_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where its certificates are; default <data>/simulator.")
    ] = None,
    *,
    plain_http: Annotated[bool, typer.Option("--plain-http", help="Without TLS.")] = False,
) -> None:
    """Serve Konkursvarsel as it is assumed to be, alone, on loopback, with mutual TLS."""
    from konkurs_pipeline.cli.simulate import serve_simulator

    serve_simulator(port, scenario, seed, years, tls_dir, plain_http=plain_http)


def _day(option: str, text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        message = f"a day is written YYYY-MM-DD, such as 2018-06-08; got {redact(text)!r}"
        raise typer.BadParameter(message, param_hint=option) from None


def main() -> None:
    """Run the command line; a foreseen error is one clear line on stderr and its exit code, never a traceback."""
    try:
        code = app(prog_name="konkurs", standalone_mode=False)
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
        sys.exit(130)
    except (BrokenPipeError, typer.Abort):
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 -- a defect: its text may quote a row, so it is shown redacted
        place = traceback.extract_tb(error.__traceback__)[-1]
        said = redact(f"{type(error).__name__}: {error}")
        typer.echo(f"konkurs: a defect of this program: {said} ({place.filename}:{place.lineno}). Report it", err=True)
        sys.exit(1)
    sys.exit(code or 0)
