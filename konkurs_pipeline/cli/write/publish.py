"""`konkurs publish`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from konkurs_pipeline.cli.printing.terminal import answer, say
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.readers.publication import publish_copy, read_key
from konkurs_pipeline.storage.store import layout_of_store

Target = Annotated[Path, typer.Argument(metavar="FILE", help="The DuckDB file to write, or to replace by a newer one.")]
KeyFile = Annotated[
    Path | None, typer.Option("--key-file", metavar="KEY", help="The key: 32 bytes or more, rights 0600.")
]
Pseudonymise = Annotated[
    bool, typer.Option("--pseudonymise", help="Keyed pseudonyms for identifiers; no names, addresses, documents.")
]


def command(target: Target, key_file: KeyFile = None, *, pseudonymise: Pseudonymise = False) -> None:
    """Write a stand-alone copy of all tables for analysts, pseudonymised for those who may not see identifiers."""
    if pseudonymise != (key_file is not None):
        message = "--pseudonymise and --key-file go together: without both, the copy holds national identifiers"
        raise UsageError(message)
    settings = load_settings()
    layout = layout_of_store(settings)
    pseudonyms = read_key(key_file) if key_file else None
    now = utc_now()
    keep_until = now + dt.timedelta(days=settings.retention_others_days)
    about = {"bank_id": settings.bank_id, "environment": settings.environment.value, "keep_until": keep_until}
    counts = publish_copy(layout, target.absolute(), about, pseudonyms, now)
    for table, count in counts.items():
        answer(f"{table:<18} {count:>9}")
    kind = f"pseudonymised with the key {pseudonyms.check}" if pseudonyms else "with national identifiers"
    say(f"{target} is written, {kind}; only you may read it (0600)")
