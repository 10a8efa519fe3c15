"""One Dagster for many banks: everything of a bank stands under its id. A single bank has no prefix."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg

from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.orchestration.bank_names import BANK_TAG, BankNames
from konkurs_pipeline.orchestration.definitions import build_defs
from konkurs_pipeline.orchestration.launch import run_poll
from konkurs_pipeline.orchestration.runs.dead_runs import end_dead_runs
from konkurs_pipeline.storage.store import open_store
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, Bank, company, oslo


def bank_among_many(new_bank: NewBank, folder: Path) -> Bank:
    bank = new_bank(folder)
    bank.extra |= {"KONKURS_BANK_ID": "ALPHA", "KONKURS_MANY_BANKS": "true"}
    return bank


def repository_of(bank: Bank) -> dg.RepositoryDefinition:
    """Return the repository that Dagster loads, in a new instance: that of another test may be gone."""
    with dg.instance_for_test():
        return build_defs(bank.settings).get_repository_def()


def keys(bank: Bank) -> set[str]:
    return {key.to_user_string() for key in repository_of(bank).asset_graph.get_all_asset_keys()}


def test_every_asset_check_and_job_of_a_bank_among_many_stands_under_its_id(new_bank: NewBank, tmp_path: Path) -> None:
    bank = bank_among_many(new_bank, tmp_path / "data")
    assert all(key.startswith("ALPHA/") for key in keys(bank))
    repository = repository_of(bank)
    assert all(key.asset_key.path[0] == "ALPHA" for key in repository.asset_graph.asset_check_keys)
    names = {name for name in repository.job_names if not name.startswith("__")}
    assert {"ALPHA_konkurs_poll", "ALPHA_housekeeping"} < names
    assert all(name.startswith("ALPHA_") for name in names)


def test_a_single_bank_has_no_prefix(bank: Bank) -> None:
    assert "raw_notices" in keys(bank)
    assert not any("/" in key for key in keys(bank))


def test_a_poll_of_a_bank_among_many_equals_that_of_a_single_bank(new_bank: NewBank, tmp_path: Path) -> None:
    bank = bank_among_many(new_bank, tmp_path / "data")
    bank.customer("K-1", company("firm"))
    bank.notice("aapning", company("firm"))
    bank.write_register()
    bank.clock.move_to(oslo(MONDAY, "23:59"))
    settings = bank.settings
    window = settings.calendar.window(MONDAY, MONDAY, lookback=5)
    with dg.instance_for_test() as instance, open_store(settings) as store:
        ended = run_poll(settings, store, window, instance)
        assert ended.outcome is Outcome.NEW
        assert store.ledger.rows("SELECT action, customer_ref FROM actions") == [("BLOCK", "K-1")]
        assert instance.get_materialized_partitions(dg.AssetKey(["ALPHA", "actions"])) == {MONDAY.isoformat()}
        assert instance.get_run_by_id(ended.run_id).tags["konkurs/bank"] == "ALPHA"  # type: ignore[union-attr]


def test_a_bank_ends_no_run_of_another_although_its_own_lock_is_free(tmp_path: Path) -> None:
    """The lock of a run's own bank shows whether the run is alive."""

    @dg.job
    def nothing() -> None:
        pass

    with dg.instance_for_test() as instance:
        for bank in ("ALPHA", "BETA"):
            run = instance.create_run_for_job(nothing, tags={BANK_TAG: bank})
            instance.report_engine_event("started", run)
        long_after = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        assert end_dead_runs(instance, tmp_path / "lock", long_after, BankNames("ALPHA", "ALPHA")) == 1
        (living,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.NOT_STARTED]))
        assert living.tags[BANK_TAG] == "BETA"
