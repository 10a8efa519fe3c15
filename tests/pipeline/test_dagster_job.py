"""The real job in a real instance: what Dagster's UI shows of a poll of one day, of a range and of a failed poll."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.domain.monitoring.alarms import RULES
from konkurs_pipeline.domain.outcomes import Outcome
from konkurs_pipeline.orchestration.definitions import build_defs
from konkurs_pipeline.orchestration.instance import dagster_instance
from konkurs_pipeline.orchestration.launch import Ended, run_poll
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, company, oslo, person

PARTITIONED = (
    "raw_notices",
    "expanded_datasets",
    "debtors",
    "customer_matches",
    "estates",
    "actions",
    "outbox",
)
ASSETS = ("customers", "accounts", *PARTITIONED)
CHECKS = {
    ("raw_notices", "schema"),
    ("raw_notices", "nothing_in_quarantine"),
    ("raw_notices", "list_as_documented"),
    ("expanded_datasets", "schema"),
    ("expanded_datasets", "complete"),
    ("expanded_datasets", "agrees_with_notices"),
    ("debtors", "schema"),
    ("debtors", "datasets_as_assumed"),
    ("customer_matches", "schema"),
    ("estates", "schema"),
    ("estates", "openings_known"),
    ("actions", "schema"),
    ("outbox", "chain"),
}
ALARMS = {(rule.asset, kind.value) for kind, rule in RULES.items()}


class Instance:
    """A bank with Dagster's instance in its data folder, and the instance's records of a run."""

    def __init__(self, bank: Bank, dagster: dg.DagsterInstance) -> None:
        self.bank = bank
        self.dagster = dagster

    def poll(self, first: dt.date, last: dt.date | None = None) -> Ended:
        last = last or first
        self.bank.clock.move_to(oslo(last, "23:59"))
        self.bank.write_register()
        settings = self.bank.settings
        window = settings.calendar.window(first, last, lookback=settings.lookback_workdays)
        with self.bank.store() as store:
            return run_poll(settings, store, window, self.dagster)

    def materialised(self, asset: str) -> set[str]:
        return set(self.dagster.get_materialized_partitions(dg.AssetKey(asset)))

    def tags(self, run_id: str) -> dict[str, str]:
        run = self.dagster.get_run_by_id(run_id)
        assert run is not None
        return {name.removeprefix("konkurs/"): run.tags[name] for name in run.tags if name.startswith("konkurs/")}

    def check_results(self, run_id: str) -> dict[tuple[str, str], bool]:
        found = {}
        for record in self.dagster.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
            event = record.dagster_event
            assert event is not None
            result = event.asset_check_evaluation_data
            found[result.asset_key.to_user_string(), result.check_name] = result.passed
        return found


@contextmanager
def opened(bank: Bank) -> Iterator[Instance]:
    with pytest.MonkeyPatch.context() as patched:
        # Patched, so that the context undoes what opening the instance sets.
        patched.setenv("DAGSTER_HOME", "")
        with dagster_instance(bank.settings) as dagster:
            yield Instance(bank, dagster)


@pytest.fixture(scope="module")
def instance(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    bank = new_bank(tmp_path_factory.mktemp("dagster"))
    bank.customer("K-1", company("firm"))
    bank.notice("aapning", company("firm"), MONDAY)
    bank.notice("gjenaapning", person("debtor"), TUESDAY)
    with opened(bank) as it:
        yield it


@pytest.fixture(scope="module")
def day(instance: Instance) -> Ended:
    return instance.poll(MONDAY)


@pytest.fixture(scope="module")
def days(instance: Instance, day: Ended) -> Ended:
    assert day.outcome is Outcome.NEW
    return instance.poll(TUESDAY, WEDNESDAY)


def test_a_poll_of_one_day_materialises_that_day_s_partition_of_every_asset(instance: Instance, day: Ended) -> None:
    assert day.detail is None
    run = instance.dagster.get_run_by_id(day.run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.SUCCESS
    for asset in ASSETS:
        assert "2018-09-03" in instance.materialised(asset), asset
    assert [a["action"] for a in instance.bank.all_actions()] == ["BLOCK"]


def test_every_check_has_its_result_in_the_instance(instance: Instance, day: Ended) -> None:
    results = instance.check_results(day.run_id)
    assert set(results) == CHECKS | ALARMS
    assert [check for check, passed in results.items() if not passed] == []


def test_a_poll_of_a_range_is_one_run_over_its_partitions(instance: Instance, days: Ended) -> None:
    for asset in ASSETS:
        assert instance.materialised(asset) == {"2018-09-03", "2018-09-04", "2018-09-05"}, asset
    row = instance.bank.published("polls").sort("started_at").to_dicts()[-1]
    assert (row["run_id"], row["from_workday"], row["to_workday"]) == (days.run_id, TUESDAY, WEDNESDAY)


def test_a_finding_for_a_person_is_a_failed_check_and_not_a_failed_run(instance: Instance, days: Ended) -> None:
    assert days.outcome is Outcome.NEW
    assert days.detail is not None
    failed = {check for check, passed in instance.check_results(days.run_id).items() if not passed}
    assert failed == {("raw_notices", "nothing_in_quarantine"), ("actions", "quarantine")}


def test_the_list_of_runs_shows_how_a_poll_ended_and_its_counts(instance: Instance, day: Ended, days: Ended) -> None:
    counts = {"notices": "1", "new_notices": "1", "blocks": "1", "reopens": "0", "reviews": "0", "informs": "0"}
    assert instance.tags(day.run_id) == {"outcome": "new", **counts}
    tags = instance.tags(days.run_id)
    assert (tags["issue"], tags["alarms"]) == ("new_in_quarantine", "quarantine")


def test_tags_that_cannot_be_written_fail_no_poll(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = OperationalError("UPDATE runs", None, OSError("database is locked"))

    def fail(*_: object) -> None:
        raise locked

    bank.customer("K-1", company("firm"))
    with opened(bank) as instance:
        monkeypatch.setattr(dg.DagsterInstance, "add_run_tags", fail)
        ended = instance.poll(MONDAY)
        run = instance.dagster.get_run_by_id(ended.run_id)
        assert run is not None
        assert (ended.outcome, run.status) == (Outcome.NOTHING_NEW, dg.DagsterRunStatus.SUCCESS)
        assert instance.tags(ended.run_id) == {}


def test_a_person_can_run_the_alarm_checks_by_hand(bank: Bank) -> None:
    bank.customer("K-1", company("firm"))
    with opened(bank) as instance:
        instance.poll(MONDAY)
        polls = bank.published("polls").height
        with bank.store() as store:
            wanted = {("actions", "blocks_held"), ("raw_notices", "silence")}
            chosen = [dg.AssetCheckKey(dg.AssetKey(asset), name) for asset, name in wanted]
            look = dg.define_asset_job("look", selection=dg.AssetSelection.checks(*chosen))
            defs = dg.Definitions.merge(
                build_defs(bank.settings, store=store, now=bank.clock), dg.Definitions(jobs=[look])
            )
            ended = defs.resolve_job_def("look").execute_in_process(instance=instance.dagster)
        assert set(instance.check_results(ended.run_id)) == wanted
        assert bank.published("polls").height == polls, "running the checks is no poll"


def test_a_failed_poll_is_a_failed_run_that_materialises_nothing_after_the_failure(bank: Bank) -> None:
    bank.customer("K-1", company("firm"))
    with opened(bank) as instance:
        instance.poll(MONDAY)
        before = bank.shown()
        bank.notice("aapning", company("firm"))
        bank.fail(Fault.model_validate({"kind": "json_value", "resource": "list", "body": "{}"}))
        ended = instance.poll(MONDAY)
        assert ended.outcome is Outcome.FAILED
        assert ended.detail is not None
        assert "not taken for 'no news'" in ended.detail
        run = instance.dagster.get_run_by_id(ended.run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.FAILURE
        tags = {"outcome": "failed", "issue": "answer_not_understood", "alarms": "poll_incomplete"}
        assert instance.tags(ended.run_id) == tags
        made = instance.dagster.all_logs(ended.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        keys = [event.dagster_event.asset_key for event in made if event.dagster_event is not None]
        assert set(keys) == {dg.AssetKey("customers"), dg.AssetKey("accounts")}
        failed = [check for check, passed in instance.check_results(ended.run_id).items() if not passed]
        assert failed == [("expanded_datasets", "poll_incomplete")], "a check that did not run is not red"
        planned = instance.dagster.all_logs(ended.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED)
        assert planned == []
        (step,) = instance.dagster.all_logs(ended.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        assert step.dagster_event is not None
        failure = step.dagster_event.step_failure_data.user_failure_data
        assert failure is not None
        assert "not taken for 'no news'" in str(failure.description)
        assert "konkurs doctor" in str(failure.metadata["what_to_do"].value)
    assert bank.shown() == before


def test_no_identifier_stands_in_dagster_s_own_history(instance: Instance, days: Ended) -> None:
    del days
    home = Path(instance.dagster.root_directory)
    assert home == instance.bank.layout.dagster
    history = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"2018-09-04" in history, "the search looks at the right place"
    for number in (company("firm"), person("debtor")):
        assert number.encode() not in history


def test_each_asset_names_its_owner_its_columns_and_the_file_of_its_code(bank: Bank) -> None:
    specs = {spec.key.to_user_string(): spec for a in build_defs(bank.settings).assets or () for spec in specs_of(a)}
    # An erasure and a report make no table, so they have no columns.
    without_table = {"erasure", "monthly_report"}
    assert set(specs) == {*ASSETS, "second_source", *without_table}
    for name, spec in specs.items():
        (code,) = spec.metadata["dagster/code_references"].code_references
        assert {"steps", "enquiries"} & set(Path(code.file_path).parts), (
            "the link leads to the step and not to the factory"
        )
        assert (spec.owners, spec.code_version) == (["team:konkurs"], version("konkurs-pipeline"))
        if name not in without_table:
            assert all(column.description for column in spec.metadata["dagster/column_schema"].columns), name


def specs_of(asset: object) -> Iterable[dg.AssetSpec]:
    assert isinstance(asset, dg.AssetsDefinition)
    return asset.specs
