"""What the nightly job removes from Dagster's history, and what it must keep."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.orchestration.bank_names import BANK_TAG, BankNames
from konkurs_pipeline.orchestration.jobs.housekeeping import build_housekeeping, remove_runs
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, TUESDAY, company
from tests.pipeline.test_dagster_job import opened

ALONE = BankNames("BANK", None)
LATER = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)


@pytest.mark.long
def test_old_runs_are_removed_except_the_last_good_one_of_each_workday(new_bank: NewBank, tmp_path: Path) -> None:
    bank = new_bank(tmp_path / "data")
    bank.customer("K-1", company("firm"))
    bank.notice("aapning", company("firm"), MONDAY)
    with opened(bank) as instance:
        first, second, other = (instance.poll(day).run_id for day in (MONDAY, MONDAY, TUESDAY))
        history = instance.dagster
        assert remove_runs(history, dt.datetime.now(dt.UTC) - dt.timedelta(days=1), ALONE) == 0, "no run is old yet"
        assert remove_runs(history, LATER, ALONE) == 1
        assert {run.run_id for run in history.get_runs()} == {second, other}
        assert instance.materialised("actions") == {"2018-09-03", "2018-09-04"}
        assert not (Path(history.storage_directory()) / first).exists()
        assert instance.poll(MONDAY).outcome is Outcome.NOTHING_NEW


def test_a_run_that_is_under_way_is_never_removed() -> None:
    with dg.instance_for_test() as history:
        run = history.create_run_for_job(_job())
        assert remove_runs(history, LATER, ALONE) == 0
        history.report_run_failed(run)
        assert remove_runs(history, LATER, ALONE) == 1


def test_a_bank_among_many_removes_no_run_of_another() -> None:
    with dg.instance_for_test() as history:
        for bank in ("ALPHA", "BETA"):
            history.report_run_failed(history.create_run_for_job(_job(), tags={BANK_TAG: bank}))
        history.report_run_failed(
            history.create_run_for_job(_job(), tags={".dagster/repository": "__repository__@BETA"})
        )
        assert remove_runs(history, LATER, BankNames("ALPHA", "ALPHA")) == 1
        assert {run.tags.get(BANK_TAG) for run in history.get_runs()} == {"BETA", None}
        assert remove_runs(history, LATER, BankNames("BETA", "BETA")) == 2


def housekeeping() -> dg.JobDefinition:
    return build_housekeeping(lambda: LATER, ALONE)[0]


def test_the_job_writes_no_file_in_dagsters_home() -> None:
    """It is read-only in a container."""
    in_process: dict[str, object] = {"execution": {"config": {"in_process": {}}}}
    with (
        dg.instance_for_test() as history,
        dg.execute_job(dg.reconstructable(housekeeping), history, run_config=in_process) as result,
    ):
        assert result.success
        assert list(Path(history.storage_directory()).rglob("remove_old_runs")) == []


def _job() -> dg.JobDefinition:
    @dg.job
    def nothing() -> None:
        pass

    return nothing
