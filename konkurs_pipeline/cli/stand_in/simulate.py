"""`konkurs simulate`."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from konkurs_pipeline.brreg.simulator.generator import generate_notices, notices_about
from konkurs_pipeline.brreg.simulator.notices import load_test_notices
from konkurs_pipeline.brreg.simulator.scenario import Scenario, load_scenario
from konkurs_pipeline.brreg.simulator.server import serve
from konkurs_pipeline.cli.printing.terminal import answer
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import layout_of

_AHEAD = dt.timedelta(days=31)


Port = Annotated[int, typer.Option(metavar="N", help="Port on 127.0.0.1.")]
ScenarioFile = Annotated[Path | None, typer.Option(metavar="FILE", help="TOML: notices, faults, paging.")]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Also serve generated notices of this seed.")]
Years = Annotated[int, typer.Option(metavar="N", help="How many years of them, up to the end of next month.")]
Customers = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A customers file: every five minutes, a notice about one of them.")
]
TlsDir = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where its certificates are; default <data>/simulator.")
]
PlainHttp = Annotated[bool, typer.Option("--plain-http", help="Without TLS.")]


def command(  # noqa: PLR0913, PLR0917 -- the command's options
    port: Port = 8443,
    scenario: ScenarioFile = None,
    seed: Seed = None,
    years: Years = 1,
    customers: Customers = None,
    tls_dir: TlsDir = None,
    *,
    plain_http: PlainHttp = False,
) -> None:
    """Serve an assumed Konkursvarsel on loopback, with mutual TLS, until Ctrl-C."""
    served = load_scenario(scenario) if scenario else Scenario(tuple(load_test_notices()), (), None, utc_now)
    today = served.now().date()
    if customers is not None:
        served = replace(served, notices=(*served.notices, *notices_about(_numbers(customers), today, today + _AHEAD)))
    if seed is not None:
        first = today - dt.timedelta(days=365 * years)
        served = replace(served, notices=(*served.notices, *generate_notices(seed, first, today + _AHEAD)))
    folder = None if plain_http else (tls_dir or layout_of(load_settings()).simulator).absolute()
    serve(served.build_app(), port, folder, announce=lambda url: _announce(url, folder, len(served.notices)))


def _numbers(customers: Path) -> list[str]:
    """Return the numbers of a customers file, each once; raises `UsageError` if it is no customers file."""
    try:
        with customers.open(encoding="utf-8", newline="") as file:
            return list(dict.fromkeys(row["national_id"] for row in csv.DictReader(file, delimiter=";")))
    except (OSError, UnicodeDecodeError, KeyError):
        message = f"{customers} is not a customers file: give a readable CSV with the column national_id"
        raise UsageError(message) from None


def _announce(url: str, folder: Path | None, count: int) -> None:
    answer(f"serving {count} notices at {url} until Ctrl-C; to poll them:")
    answer(f"  export KONKURS_API_URL={url}")
    if folder is not None:
        answer(f"  export KONKURS_CLIENT_P12={folder / 'client.p12'}")
        answer(f"  export KONKURS_CLIENT_P12_PASSWORD_FILE={folder / 'client.password'}")
        answer(f"  export KONKURS_CA_BUNDLE={folder / 'ca.pem'}")
