"""`erasure`: every night, erase the personal data whose time has ended (docs/data-protection.md).

It is an asset, so that Dagster draws its numbers over time.
"""

from __future__ import annotations

from typing import Final

import dagster as dg

from konkurs_pipeline.clock import Clock
from konkurs_pipeline.orchestration.assets.made import Made
from konkurs_pipeline.orchestration.jobs.scheduled_assets import ScheduledAsset
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.steps.erasure.erasure import Erased, ErasurePlan, erase, plan_erasure, terms_of
from konkurs_pipeline.storage.store import open_store

_BY: Final = "the nightly job"
_WAIT_FOR_STORE_S: Final = 300.0
_CHECK: Final = "nothing_is_overdue"


def _make(settings: Settings, now: Clock) -> Made:
    with open_store(settings, wait_s=_WAIT_FOR_STORE_S) as store:
        store.verify()
        terms = terms_of(settings)
        erased = erase(store, plan_erasure(store, terms, now()), by=_BY, now=now())
        store.publish()
        store.discard_superseded()
        return _made(erased, plan_erasure(store, terms, now()))


def _made(erased: Erased, left: ErasurePlan) -> Made:
    overdue = {"left": len(left.uuids), "open_too_long": left.open_too_long}
    check = dg.AssetCheckResult(
        asset_key=ERASURE.name,
        check_name=_CHECK,
        passed=not any(overdue.values()),
        severity=dg.AssetCheckSeverity.WARN,
        metadata=overdue,
    )
    numbers = {
        "notices": sum(erased.notices.values()),
        "quarantine_entries": erased.entries,
        "register_snapshots": erased.registers,
        "answers": erased.answers,
        "control_requests": erased.requests,
        "kept_cases": sum(left.kept.values()),
    }
    return Made({**numbers, **overdue}, [check])


ERASURE: Final = ScheduledAsset(
    name="erasure",
    description="Personal data whose time has ended, erased from everything that is kept (docs/data-protection.md).",
    make=_make,
    code=erase,
    group="housekeeping",
    kind="duckdb",
    job="erasure_job",
    does="erases personal data whose time has ended",
    schedule="nightly_erasure",
    cron="10 4 * * *",
    when="At 04:10",
    checks={_CHECK: "Nothing whose time has ended is left, and nothing is open for 15 years. Else: `konkurs erase`"},
)
