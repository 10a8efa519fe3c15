"""`konkurs compare`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import typer

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.second_source import ComparisonOutcome
from konkurs_pipeline.errors import ExitCode, StoreError
from konkurs_pipeline.settings import OFF, Settings, load_settings
from konkurs_pipeline.steps.second_source import compare
from konkurs_pipeline.storage.ledger import second_source
from konkurs_pipeline.storage.ledger.second_source import Comparison
from konkurs_pipeline.storage.store import check_marker, layout_of, open_store


def command(*, as_json: AsJson = False) -> ExitCode:
    """Compare bankruptcies and customers with the units that Enhetsregisteret flags, and name what differs.

    No customer's number leaves the bank. A difference is never an action: a person looks.
    """
    settings = load_settings()
    if settings.enhetsregisteret_url == OFF:
        message = "the second source is off (KONKURS_ENHETSREGISTERET_URL): nothing was compared"
        typer.echo(json.dumps({"outcome": OFF, "differences": []}) if as_json else message, err=not as_json)
        return ExitCode.DONE
    if not check_marker(settings, layout_of(settings)):
        message = f"there is no store in {settings.data_dir}, so there is nothing to compare: `konkurs run` makes one"
        raise StoreError(message)
    comparison = compare(settings, utc_now())
    rows = _record(settings, comparison)
    if as_json:
        typer.echo(json.dumps(_as_json(comparison, rows), indent=2, default=str))
    elif rows:
        print_table("Differences from Enhetsregisteret", [{**row, "found_at": str(row["found_at"])} for row in rows])
    return _conclude(comparison, len(rows))


def _record(settings: Settings, comparison: Comparison) -> list[dict[str, Any]]:
    """Record it; returns the differences that are known now."""
    with open_store(settings) as store:
        second_source.record(store.ledger, comparison)
        store.publish()
        return store.ledger.read("second_source").select(pl.exclude("difference_id")).to_dicts()


def _as_json(comparison: Comparison, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "outcome": comparison.outcome.value,
        "compared_at": comparison.compared_at.isoformat(),
        "unit_count": comparison.unit_count,
        "unjudged_count": comparison.unjudged_count,
        "detail": comparison.detail,
        "differences": rows,
    }


def _conclude(comparison: Comparison, known: int) -> ExitCode:
    if comparison.outcome is not ComparisonOutcome.COMPARED:
        before = f"; {known} differences from before stand" if known else ""
        typer.echo(
            f"konkurs: Enhetsregisteret could not be compared ({comparison.outcome}): {comparison.detail}{before}",
            err=True,
        )
        return ExitCode.FAILED
    left = f"; {comparison.detail}" if comparison.detail else ""
    typer.echo(f"{comparison.unit_count} flagged units compared, {known} differences{left}", err=True)
    return ExitCode.DONE
