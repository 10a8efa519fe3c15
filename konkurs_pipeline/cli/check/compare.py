"""`konkurs compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.rows import for_a_person
from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.cli.printing.terminal import answer_json, say, say_problem
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.domain.second_source import ComparisonOutcome
from konkurs_pipeline.errors import ExitCode
from konkurs_pipeline.settings import OFF, Settings, load_settings
from konkurs_pipeline.steps.second_source import compare
from konkurs_pipeline.storage.ledger import second_source
from konkurs_pipeline.storage.ledger.second_source import Comparison
from konkurs_pipeline.storage.store import layout_of_store, open_store


def command(*, as_json: AsJson = False) -> ExitCode:
    """Compare bankruptcies and customers with the units that Enhetsregisteret flags, and name what differs.

    No customer's number leaves the bank. A difference is never an action: a person looks.
    """
    settings = load_settings()
    layout_of_store(settings)
    if settings.enhetsregisteret_url == OFF:
        message = "the second source is off (KONKURS_ENHETSREGISTERET_URL): nothing was compared"
        if as_json:
            answer_json({"outcome": OFF, "differences": []})
        else:
            say(message)
        return ExitCode.DONE
    comparison = compare(settings, utc_now())
    rows = _record(settings, comparison)
    if as_json:
        answer_json(_as_json(comparison, rows))
    elif rows:
        print_table("Differences from Enhetsregisteret", [for_a_person(row) for row in rows])
    return _conclude(comparison, len(rows))


def _record(settings: Settings, comparison: Comparison) -> list[dict[str, Any]]:
    """Record the comparison; returns how many differences are known now."""
    with open_store(settings) as store:
        second_source.record(store.ledger, comparison)
        store.publish()
        return store.ledger.read("second_source").select(pl.exclude("difference_id")).to_dicts()


def _as_json(comparison: Comparison, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "outcome": comparison.outcome.value,
        "compared_at": comparison.compared_at,
        "unit_count": comparison.unit_count,
        "unjudged_count": comparison.unjudged_count,
        "detail": comparison.detail,
        "differences": rows,
    }


def _conclude(comparison: Comparison, known: int) -> ExitCode:
    if comparison.outcome is not ComparisonOutcome.COMPARED:
        before = f"; {known} differences from before stand" if known else ""
        say_problem(f"Enhetsregisteret could not be compared ({comparison.outcome}): {comparison.detail}{before}")
        return ExitCode.FAILED
    left = f"; {comparison.detail}" if comparison.detail else ""
    say(f"{comparison.unit_count} flagged units compared, {known} differences{left}")
    return ExitCode.DONE
