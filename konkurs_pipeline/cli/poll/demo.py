"""`konkurs demo`: Brreg's test notices, day by day, through the whole pipeline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from konkurs_pipeline.brreg.simulator.app import build_app
from konkurs_pipeline.brreg.simulator.clock import SteppedClock
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, load_test_notices
from konkurs_pipeline.brreg.simulator.pki import ensure_certificates
from konkurs_pipeline.brreg.simulator.server import running_simulator
from konkurs_pipeline.cli.printing.progress import shown_progress
from konkurs_pipeline.cli.printing.tables import print_table
from konkurs_pipeline.cli.printing.terminal import answer, say
from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.orchestration.instance import dagster_instance
from konkurs_pipeline.orchestration.launch import Ended, run_poll
from konkurs_pipeline.settings import Settings, load_settings
from konkurs_pipeline.storage.demo import make_fresh
from konkurs_pipeline.storage.handoff.outbox_format import records_of
from konkurs_pipeline.storage.store import Store, layout_of, open_store


def command() -> None:
    """Show the whole chain on Brreg's 15 test notices, in a fresh demo data folder, in seconds."""
    settings = load_settings()
    make_fresh(settings)
    notices = load_test_notices()
    clock = SteppedClock(notices[0].registered_at)
    certificates = ensure_certificates(layout_of(settings).simulator)
    with running_simulator(build_app(notices, now=clock), tls=certificates) as url:
        polled = settings.model_copy(
            update={
                "api_url": url,
                "client_p12": certificates.client_p12,
                "client_p12_password_file": certificates.client_password_file,
                "client_p12_password": None,
                "ca_bundle": certificates.ca,
            }
        )
        with open_store(polled) as store:
            _poll_day_by_day(polled, store, notices, clock)
            _show(store)
    _where_to_look(settings)


def _poll_day_by_day(settings: Settings, store: Store, notices: Sequence[SimulatedNotice], clock: SteppedClock) -> None:
    days = sorted({notice.registered_at.astimezone(OSLO).date() for notice in notices})
    with dagster_instance(settings) as instance, shown_progress() as show:
        for number, day in enumerate(days):
            show("polling", number, len(days))
            clock.move_to(dt.datetime.combine(day, dt.time(17), tzinfo=OSLO))
            window = settings.calendar.window(day, day, lookback=settings.lookback_workdays)
            ended = run_poll(settings, store, window, instance)
            _report(store, day, window.to_workday, ended)


def _report(store: Store, day: dt.date, workday: dt.date, ended: Ended) -> None:
    if ended.outcome in (Outcome.FAILED, Outcome.PARTIAL):
        message = f"the poll of {day} ended as {ended.outcome.value}: {ended.detail}"
        raise KonkursError(message)
    ((new, base_name),) = store.ledger.rows(
        "SELECT notices_new, base_name FROM polls JOIN outbox_files USING (run_id) WHERE run_id = ?",
        [ended.run_id],
    )
    actions = store.ledger.rows(
        "SELECT action, count(*) FROM actions JOIN outbox_files USING (seq) WHERE base_name = ? GROUP BY 1 ORDER BY 1",
        [base_name],
    )
    written = ", ".join(f"{count} {action}" for action, count in actions) or "nothing to do"
    belongs = "" if day == workday else f" (no working day: belongs to {workday})"
    say(f"{day:%a %Y-%m-%d}{belongs}: {new} new notices → {written}")


def _show(store: Store) -> None:
    print_table("Notices, and the customers they are about", _notices(store))
    print_table("Actions for core banking, in order", _actions(store))


def _notices(store: Store) -> list[dict[str, Any]]:
    matched: dict[str, list[str]] = {}
    for uuid, ref, via in (
        store.lake.read("customer_matches").select("notice_uuid", "customer_ref", "matched_via").iter_rows()
    ):
        matched.setdefault(uuid, []).append(ref if via == "debtor" else f"{ref} (by {via})")
    rows = store.lake.read("raw_notices").sort("registered_at", "uuid")
    return [
        {
            "registered": row["registered_at_text"],
            "workday": row["workday"],
            "type": row["type"],
            "debtor is": row["debtor_kind"],
            "notice": row["uuid"][:8],
            "customers": ", ".join(matched.get(row["uuid"], [])) or None,
        }
        for row in rows.iter_rows(named=True)
    ]


def _actions(store: Store) -> list[dict[str, Any]]:
    files = store.ledger.rows("SELECT seq, jsonl FROM outbox_content ORDER BY seq")
    return [
        {
            "file": seq,
            "action": row["action"],
            "customer": row["customer_ref"],
            "account": row["account_no"],
            "because of": f"{row['notice_type']} {row['notice_uuid'][:8]}",
            "found by": row["matched_via"],
            "reason": row["reason"],
        }
        for seq, jsonl in files
        for row in records_of(bytes(jsonl))
        if row["record"] == "A"
    ]


def _where_to_look(settings: Settings) -> None:
    layout = layout_of(settings)
    answer(f"files for core banking  {layout.outbox}")
    answer(f"for analysts (DuckDB)   {layout.analyst_database}")
    answer(f"the bank's register     {settings.customers.parent}")
    answer("next: `make dev` shows the runs in Dagster's UI; `.venv/bin/konkurs status`; `.venv/bin/konkurs verify`")
