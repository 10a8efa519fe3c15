"""`second_source`: every night, compare the known bankruptcies with Enhetsregisteret.

It is no part of a poll: no decision waits for it, and a source that is down fails a check, never a run.
"""

from __future__ import annotations

import inspect
from typing import Final

from konkurs_pipeline.clock import Clock
from konkurs_pipeline.domain.second_source import ComparisonOutcome
from konkurs_pipeline.orchestration.assets.made import Made
from konkurs_pipeline.orchestration.checks.results import none_found
from konkurs_pipeline.orchestration.jobs.scheduled_assets import ScheduledAsset
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.schemas.tables import SecondSource
from konkurs_pipeline.settings import OFF, Settings
from konkurs_pipeline.steps.second_source import compare
from konkurs_pipeline.storage.ledger import second_source as ledger
from konkurs_pipeline.storage.ledger.second_source import Comparison
from konkurs_pipeline.storage.store import open_store

_WAIT_FOR_STORE_S: Final = 600.0


def _is_on(settings: Settings) -> bool:
    return settings.enhetsregisteret_url != OFF


def _make(settings: Settings, now: Clock) -> Made:
    if not _is_on(settings):
        return _made(Comparison(now(), ComparisonOutcome.COMPARED, detail="off: it is not asked"))
    comparison = compare(settings, now())
    with open_store(settings, wait_s=_WAIT_FOR_STORE_S) as store:
        ledger.record(store.ledger, comparison)
        store.publish()
    return _made(comparison)


def _made(comparison: Comparison) -> Made:
    differences = [f"{each.kind.value}: {each.customer_ref or each.opening_uuid}" for each in comparison.differences]
    is_compared = comparison.outcome is ComparisonOutcome.COMPARED
    return Made(
        {
            "outcome": comparison.outcome.value,
            "flagged_units": comparison.unit_count or 0,
            "differences": len(comparison.differences),
            "not_judged": comparison.unjudged_count or 0,
            **({"detail": comparison.detail} if comparison.detail else {}),
        },
        [
            none_found(SECOND_SOURCE.name, "no_differences", [redact(line) for line in differences]),
            none_found(SECOND_SOURCE.name, "was_compared", [] if is_compared else [comparison.detail or ""]),
        ],
    )


SECOND_SOURCE: Final = ScheduledAsset(
    name="second_source",
    description=inspect.cleandoc(SecondSource.__doc__ or ""),
    make=_make,
    code=compare,
    group="decisions",
    kind="parquet",
    job="compare_second_source",
    does="compares the known bankruptcies with Enhetsregisteret; decides nothing",
    schedule="second_source",
    cron="50 4 * * *",
    when="At 04:50",
    deps=("estates", "customer_matches", "customers"),
    checks={
        "no_differences": "Enhetsregisteret and the known bankruptcies agree. Else: `konkurs compare`",
        "was_compared": "Enhetsregisteret could be read, and its list is as long as before. Else: `konkurs compare`",
    },
    table=SecondSource,
    is_on=_is_on,
)
