"""The light look: it starts a poll if there is something new, and backs off from a failing service."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace

import dagster as dg
import pytest
import yaml  # type: ignore[import-untyped]  # it comes with dagster, without stubs

from konkurs_pipeline.brreg.client import Konkursvarsel
from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.enquiries.evidence.gathering import evidence_of
from konkurs_pipeline.enquiries.evidence.page import page_of
from konkurs_pipeline.orchestration.definitions import build_defs
from konkurs_pipeline.orchestration.instance import project_config
from konkurs_pipeline.orchestration.launch import run_poll
from konkurs_pipeline.orchestration.runs.names import POLL_JOB
from konkurs_pipeline.orchestration.sensors.look import Backoff, build_look_sensor, is_open
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.look import AT_TAG, SHA256_TAG, keep_look
from konkurs_pipeline.storage import lock
from tests.pipeline.kit import MONDAY, Bank, company, oslo

FAULTS = [
    pytest.param(Fault.model_validate({"kind": "json_value", "body": "{}"}), id="nonsense"),
    pytest.param(Fault.model_validate({"kind": "status", "status": 401}), id="401"),
    pytest.param(Fault.model_validate({"kind": "status", "status": 503}), id="503"),
    pytest.param(Fault.model_validate({"kind": "reset"}), id="cut off"),
    pytest.param(Fault.model_validate({"kind": "oversize"}), id="too large"),
]


class Looks:
    """The sensor as the daemon ticks it. It keeps the cursor from tick to tick."""

    def __init__(self, bank: Bank, instance: dg.DagsterInstance) -> None:
        self.bank, self.instance = bank, instance
        (self._sensor,) = build_look_sensor(bank.settings, bank.clock, connect=lambda _: bank.client)
        self.cursor: str | None = None

    def look(self) -> dg.RunRequest | str:
        result = self._sensor(dg.build_sensor_context(instance=self.instance, cursor=self.cursor))
        if isinstance(result, dg.SkipReason):
            return str(result.skip_message)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        if isinstance(result.skip_reason, dg.SkipReason):
            return str(result.skip_reason.skip_message)
        if not result.run_requests:
            return str(result.skip_reason)
        (request,) = result.run_requests
        return request


@pytest.fixture
def looks(bank: Bank) -> Iterator[Looks]:
    bank.customer("K-1", company("firm"))
    bank.notice("aapning", company("firm"), MONDAY, "09:00")
    bank.poll(MONDAY)
    bank.clock.move_to(oslo(MONDAY, "12:00"))
    with dg.DagsterInstance.ephemeral() as instance:
        yield Looks(bank, instance)


def test_a_look_without_news_makes_one_request_and_writes_nothing(bank: Bank, looks: Looks) -> None:
    before = sorted(path for path in bank.folder.rglob("*"))
    bank.service.requests.clear()
    assert looks.look() == "nothing new"
    assert len(bank.service.requests) == 1
    assert sorted(path for path in bank.folder.rglob("*")) == before


def test_a_new_notice_starts_one_poll_however_often_a_look_sees_it(bank: Bank, looks: Looks) -> None:
    assert looks.look() == "nothing new"
    bank.notice("sletting", company("firm"), MONDAY, "11:30")
    first, second = looks.look(), looks.look()
    assert isinstance(first, dg.RunRequest)
    assert isinstance(second, dg.RunRequest)
    assert first.run_key == second.run_key
    assert first.tags["dagster/partition"] == MONDAY.isoformat()


def test_the_poll_keeps_the_answer_of_the_last_look_without_the_notice(bank: Bank, looks: Looks) -> None:
    looks.look()
    bank.clock.move_to(oslo(MONDAY, "12:01"))
    bank.notice("sletting", company("firm"), MONDAY, "11:30")
    asked = looks.look()
    assert isinstance(asked, dg.RunRequest)
    with bank.store() as store:
        keep_look(store, "the run", asked.tags)
        ((at, digest),) = store.ledger.rows("SELECT fetched_at, sha256 FROM answers WHERE run_id = 'the run'")
        assert b"sletting" not in store.lake.answers.read(digest)
    assert (at.isoformat(), digest) == (asked.tags[AT_TAG], asked.tags[SHA256_TAG])
    assert not bank.layout.look.exists()


def test_the_evidence_names_the_look_that_did_not_show_the_notice(bank: Bank, looks: Looks) -> None:
    """A look without it, a look with it, a failed poll, a good poll. The first look shows when it was not visible."""
    looks.look()
    bank.clock.move_to(oslo(MONDAY, "12:01"))
    notice = bank.notice("sletting", company("firm"), MONDAY, "11:30")
    asked = looks.look()
    assert isinstance(asked, dg.RunRequest)
    bank.fail(Fault.model_validate({"kind": "status", "status": 401}))
    assert not _run(bank, asked)
    bank.fail()
    bank.poll(MONDAY, now=oslo(MONDAY, "12:15"), clock=bank.clock)
    (sletting,) = (
        one for one in evidence_of(bank.settings, notice.uuid, bank.clock()).notices if one.type == "sletting"
    )
    assert sletting.sighting.without is not None
    assert sletting.sighting.without.sha256 == asked.tags[SHA256_TAG]
    assert sletting.sighting.without.at.isoformat() == asked.tags[AT_TAG]
    page = page_of(evidence_of(bank.settings, notice.uuid, bank.clock()))
    assert "not yet visible" in page
    assert asked.tags[SHA256_TAG] in page


def _run(bank: Bank, asked: dg.RunRequest) -> bool:
    """Run the job as the look requests it; returns whether it succeeded."""
    with dg.DagsterInstance.ephemeral() as instance:
        job = build_defs(bank.settings, now=bank.clock).resolve_job_def(POLL_JOB)
        tags = dict(asked.tags)
        ran = job.execute_in_process(run_config=asked.run_config, instance=instance, raise_on_error=False, tags=tags)
    return ran.success


def test_a_list_that_has_more_pages_is_no_evidence(bank: Bank, looks: Looks) -> None:
    more = {"_links": {"next": {"href": "?page=2"}}}
    bank.fail(Fault.model_validate({"kind": "json_value", "body": json.dumps(more)}))
    assert looks.look() == "nothing new"
    bank.fail()
    bank.notice("sletting", company("firm"), MONDAY, "11:30")
    asked = looks.look()
    assert isinstance(asked, dg.RunRequest)
    assert AT_TAG not in asked.tags


def test_a_look_requests_nothing_while_a_poll_by_hand_is_under_way(bank: Bank, looks: Looks) -> None:
    bank.notice("sletting", company("firm"), MONDAY, "11:30")
    with lock.held(bank.layout.lock):
        assert "under way" in str(looks.look())
    assert isinstance(looks.look(), dg.RunRequest)


def test_after_the_poll_the_notice_is_known(bank: Bank, looks: Looks) -> None:
    bank.notice("sletting", company("firm"), MONDAY, "11:30")
    assert isinstance(looks.look(), dg.RunRequest)
    settings = bank.settings
    window = settings.calendar.window(MONDAY, MONDAY, lookback=settings.lookback_workdays)
    with bank.store() as store, dg.DagsterInstance.ephemeral() as instance:
        run_poll(settings, store, window, instance, now=bank.clock)
    assert looks.look() == "nothing new"


def test_five_thousand_new_notices_start_a_poll(bank: Bank, looks: Looks) -> None:
    one = bank.notice("aapning", company("firm"), MONDAY, "11:30")
    bank.service.replace_notices([replace(one, uuid=str(uuid.UUID(int=number))) for number in range(5000)])
    assert isinstance(looks.look(), dg.RunRequest)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_pause_after_a_failing_look_doubles_each_time(bank: Bank, looks: Looks, fault: Fault) -> None:
    bank.fail(fault)
    waits = []
    for _ in range(12):
        bank.service.requests.clear()
        looks.look()
        assert len(bank.service.requests) == 1
        assert "waits" in str(looks.look()), "no request during the pause"
        until = json.loads(str(looks.cursor))["until"]
        waits.append(until - bank.clock().timestamp())
        bank.clock.move_to(dt.datetime.fromtimestamp(until, dt.UTC))
    every = bank.settings.look_every_s
    assert waits[:3] == [every * 2, every * 4, every * 8]
    assert waits[-1] == 900
    bank.fail()
    assert looks.look() == "nothing new"
    assert json.loads(str(looks.cursor)) == {"failures": 0, "until": 0.0}


def test_a_look_obeys_retry_after(bank: Bank, looks: Looks) -> None:
    bank.fail(Fault.model_validate({"kind": "status", "status": 429, "headers": {"Retry-After": "600"}}))
    looks.look()
    assert json.loads(str(looks.cursor))["until"] == bank.clock().timestamp() + 600


def test_a_slow_answer_counts_as_a_failing_look(bank: Bank, looks: Looks) -> None:
    bank.fail(Fault.model_validate({"kind": "slow", "delay_s": 0.2}))
    impatient = Konkursvarsel(bank.url, ssl_context=None, deadline_s=0.1, attempts=1)
    (sensor,) = build_look_sensor(bank.settings, bank.clock, connect=lambda _: impatient)
    result = sensor(dg.build_sensor_context(instance=looks.instance))
    assert isinstance(result, dg.SensorResult)
    assert Backoff.of(result.cursor).failures == 1


def test_a_look_and_the_schedule_together_decide_once(bank: Bank, looks: Looks) -> None:
    bank.notice("sletting", company("firm"), MONDAY, "11:30")
    asked = looks.look()
    assert isinstance(asked, dg.RunRequest)
    assert _run(bank, asked)
    assert _run(bank, asked), "the schedule's run, of the same notices"
    kinds = [action["action"] for action in bank.all_actions()]
    assert kinds.count("REOPEN") <= 1
    assert len(bank.published("outbox_files")) == 3, "each poll wrote its file"
    assert len({action["action_id"] for action in bank.all_actions()}) == len(kinds)


def test_ticks_of_looks_are_removed_after_two_days() -> None:
    """There are 960 looks a workday. At each tick the daemon removes older ticks, so their number does not grow."""
    retention = yaml.safe_load(project_config())["retention"]["sensor"]["purge_after_days"]
    assert retention["skipped"] == 2
    assert set(retention) == {"skipped", "started", "success", "failure"}


def test_a_pause_set_by_a_clock_that_was_ahead_is_ignored() -> None:
    assert not Backoff(1, until=10_000_000.0).is_waiting(1_000_000.0)
    assert Backoff(1, until=1_000_600.0).is_waiting(1_000_000.0)


HOURS = [
    pytest.param("2026-03-27T09:00", True, id="a Friday at nine"),
    pytest.param("2026-03-27T07:30", False, id="before opening"),
    pytest.param("2026-03-27T18:00", False, id="after closing"),
    pytest.param("2026-03-28T10:00", False, id="a Saturday"),
    pytest.param("2026-05-01T10:00", False, id="1 May"),
]


@pytest.mark.parametrize(("when", "expected"), HOURS)
def test_looks_happen_only_in_opening_hours_of_workdays(bank: Bank, when: str, *, expected: bool) -> None:
    environ = {"KONKURS_DATA_DIR": str(bank.folder), "KONKURS_API_URL": bank.url, "KONKURS_ENVIRONMENT": "test"}
    settings = load_settings(environ, dotenv=bank.folder / "none")
    assert is_open(settings, dt.datetime.fromisoformat(when).replace(tzinfo=OSLO)) is expected


@pytest.mark.parametrize("every_s", [5, 10, 30, 900])
def test_an_early_round_of_the_daemon_makes_the_look_that_is_due(bank: Bank, every_s: int) -> None:
    """Dagster starts a round every five seconds, or some milliseconds sooner. A look refused then would come five later."""
    bank.extra["KONKURS_LOOK_EVERY_S"] = str(every_s)
    (sensor,) = build_look_sensor(bank.settings, bank.clock)
    least = sensor.minimum_interval_seconds
    assert least is not None
    assert every_s - 5 < least <= every_s - 1


def test_zero_switches_looks_off(bank: Bank) -> None:
    bank.extra["KONKURS_LOOK_EVERY_S"] = "0"
    assert build_look_sensor(bank.settings, bank.clock) == []
