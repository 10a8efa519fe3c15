"""The nightly comparison with Enhetsregisteret, over a real store: it names differences and changes nothing else."""

from __future__ import annotations

import datetime as dt
import json
import sys

import dagster as dg
import pytest

from konkurs_pipeline.brreg.simulator.datasets import enk_of
from konkurs_pipeline.brreg.simulator.faults import Fault, FaultKind, Resource
from konkurs_pipeline.cli.main import main
from konkurs_pipeline.domain.monitoring.alarms import AlarmKind
from konkurs_pipeline.domain.second_source import ComparisonOutcome
from konkurs_pipeline.enquiries.alarms.raised import raised_alarms
from konkurs_pipeline.enquiries.report.figures import figures_of
from konkurs_pipeline.enquiries.report.period import Period
from konkurs_pipeline.enquiries.watch import Watched
from konkurs_pipeline.orchestration.definitions import build_defs
from konkurs_pipeline.steps.second_source import compare
from konkurs_pipeline.storage.ledger import second_source
from konkurs_pipeline.storage.readers.published import Published
from tests.pipeline.kit import MONDAY, Bank, company, oslo, person

LATER = dt.date(2018, 9, 14)
DOWN = Fault(kind=FaultKind.STATUS, resource=Resource.UNITS, status=500)
Row = tuple[str, str | None, str | None]


def compared(bank: Bank, day: dt.date = LATER) -> list[Row]:
    """Compare as the nightly job does; returns the rows of the view."""
    now = oslo(day, "04:50")
    bank.clock.move_to(now)
    comparison = compare(bank.settings, now)
    with bank.store() as store:
        second_source.record(store.ledger, comparison)
        store.publish()
    rows = Published(bank.layout).read("second_source").sort("difference", "customer_ref")
    return rows.select("difference", "customer_ref", "opening_uuid").rows()


def outcomes(bank: Bank) -> list[str]:
    return Published(bank.layout).read("second_source_comparisons").sort("compared_at")["outcome"].to_list()


def alarms(bank: Bank, day: dt.date = LATER) -> set[AlarmKind]:
    watched = Watched(bank.settings, Published(bank.layout), oslo(day, "05:00"))
    return {alarm.kind for alarm in raised_alarms(watched)}


@pytest.fixture
def agreeing(bank: Bank) -> Bank:
    """Return a bank whose customers are a company and a person with an ENK, both bankrupt and flagged."""
    bank.customer("K-1", company("firm"))
    bank.customer("K-2", person("kari"))
    bank.customer("K-3", enk_of(person("kari")))
    bank.customer("K-4", company("sound"))
    bank.notice("aapning", company("firm"))
    bank.notice("aapning", person("kari"))
    bank.poll(MONDAY)
    return bank


def test_registers_that_agree_show_no_difference_and_no_customer_number_is_requested(agreeing: Bank) -> None:
    agreeing.service.requests.clear()
    assert compared(agreeing) == []
    assert outcomes(agreeing) == ["compared"]
    asked = " ".join(line.path for line in agreeing.service.requests)
    assert "/enhetsregisteret/api/enheter?konkurs=true" in asked
    for number in (company("firm"), company("sound"), enk_of(person("kari"))):
        assert number not in asked
    assert not alarms(agreeing) & {AlarmKind.SECOND_SOURCE_DIFFERS, AlarmKind.SECOND_SOURCE_UNREAD}


def test_each_kind_of_difference_is_named_by_reference_and_opening_and_writes_no_action(agreeing: Bank) -> None:
    opening = agreeing.notices[0].uuid
    enk = company("an enk")
    agreeing.customer("K-5", enk)
    agreeing.poll(MONDAY)
    before = Published(agreeing.layout).read("actions").height
    agreeing.service.unit_changes = {
        company("firm"): {"konkurs": False, "underTvangsavviklingEllerTvangsopplosning": False},
        company("sound"): {"konkurs": True, "konkursdato": "2018-06-01"},
        enk: {"konkurs": True, "organisasjonsform": {"kode": "ENK"}},
    }
    assert compared(agreeing) == [
        ("flagged_without_notice", "K-4", None),
        ("linked_unit_unmatched", "K-5", None),
        ("notice_without_flag", "K-1", opening),
    ]
    assert Published(agreeing.layout).read("actions").height == before
    assert AlarmKind.SECOND_SOURCE_DIFFERS in alarms(agreeing)
    first = Published(agreeing.layout).read("second_source")
    assert (
        compared(agreeing, LATER + dt.timedelta(days=3))
        == first.sort("difference").select("difference", "customer_ref", "opening_uuid").rows()
    )
    again = Published(agreeing.layout).read("second_source")
    assert again["found_at"].to_list() == first["found_at"].to_list()
    assert again["seen_at"].min() == oslo(LATER + dt.timedelta(days=3), "04:50")
    agreeing.service.unit_changes = {}
    assert compared(agreeing, LATER + dt.timedelta(days=4)) == [], "a corrected difference is gone"


def test_an_opening_of_the_last_three_workdays_is_no_difference_yet(agreeing: Bank) -> None:
    agreeing.service.unit_changes = {company("firm"): {"konkurs": False}}
    assert compared(agreeing, MONDAY + dt.timedelta(days=3)) == []


def test_an_unreachable_source_is_reported_and_changes_nothing_else(agreeing: Bank) -> None:
    agreeing.service.unit_changes = {company("sound"): {"konkurs": True}}
    found = compared(agreeing)
    assert [row[0] for row in found] == ["flagged_without_notice"]
    agreeing.fail(DOWN)
    for days in (1, 2, 3, 4):
        assert compared(agreeing, LATER + dt.timedelta(days=days)) == found
    assert outcomes(agreeing) == ["compared", *["unreachable"] * 4]
    assert AlarmKind.SECOND_SOURCE_UNREAD in alarms(agreeing, LATER + dt.timedelta(days=4))
    agreeing.fail()


def test_the_report_counts_the_differences_by_kind_after_a_comparison(agreeing: Bank) -> None:
    period, now = Period(MONDAY, LATER), oslo(LATER, "04:50")
    assert figures_of(agreeing.settings, period, now).differences is None
    compared(agreeing)
    assert figures_of(agreeing.settings, period, now).differences == {}
    agreeing.service.unit_changes = {company("sound"): {"konkurs": True}}
    ((kind, *_),) = compared(agreeing)
    assert figures_of(agreeing.settings, period, now).differences == {kind: 1}


def test_a_list_far_shorter_than_the_last_is_reported_and_changes_nothing_else(agreeing: Bank) -> None:
    many = {company(f"flagged {number}"): {"konkurs": True} for number in range(20)}
    agreeing.service.unit_changes = {**many, company("sound"): {"konkurs": True}}
    found = compared(agreeing)
    agreeing.service.unit_changes = {}
    assert compared(agreeing, LATER + dt.timedelta(days=1)) == found
    assert outcomes(agreeing) == ["compared", "short_list"]


def test_a_unit_without_an_answer_is_not_judged(agreeing: Bank) -> None:
    agreeing.service.unit_changes = {company("firm"): {"konkurs": False}}
    agreeing.fail(Fault(kind=FaultKind.STATUS, resource=Resource.UNITS, status=500, from_request=3))
    assert compared(agreeing) == []
    comparison = Published(agreeing.layout).read("second_source_comparisons").to_dicts()[0]
    assert (comparison["outcome"], comparison["unjudged_count"]) == ("compared", 1)
    assert company("firm") not in str(comparison)
    agreeing.fail()


def test_the_asset_shows_a_difference_and_an_unreachable_source_as_failed_checks(agreeing: Bank) -> None:
    agreeing.clock.move_to(oslo(LATER, "04:50"))
    agreeing.service.unit_changes = {company("sound"): {"konkurs": True}}
    assert ran(agreeing) == {"no_differences": False, "was_compared": True}
    agreeing.service.unit_changes = {}
    assert ran(agreeing) == {"no_differences": True, "was_compared": True}
    agreeing.fail(DOWN)
    assert ran(agreeing) == {"no_differences": True, "was_compared": False}
    agreeing.fail()
    agreeing.extra["KONKURS_ENHETSREGISTERET_URL"] = "off"
    agreeing.service.requests.clear()
    assert ran(agreeing) == {"no_differences": True, "was_compared": True}
    assert not agreeing.service.requests, "the asset does nothing if the source is off"


def ran(bank: Bank) -> dict[str, bool]:
    defs = build_defs(bank.settings, now=lambda: oslo(LATER, "04:50"))
    result = defs.resolve_job_def("compare_second_source").execute_in_process()
    assert result.success
    return {check.check_name: check.passed for check in result.get_asset_check_evaluations()}


def test_the_command_names_the_differences_and_exits_1_if_it_could_not_compare(
    agreeing: Bank, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    agreeing.clock.move_to(oslo(LATER, "04:50"))
    agreeing.service.unit_changes = {company("sound"): {"konkurs": True}}
    code, out, err = commanded(agreeing, monkeypatch, capsys)
    assert code == 0
    assert json.loads(out)["outcome"] == ComparisonOutcome.COMPARED
    assert [each["customer_ref"] for each in json.loads(out)["differences"]] == ["K-4"]
    assert "1 differences" in err
    agreeing.fail(DOWN)
    code, out, err = commanded(agreeing, monkeypatch, capsys)
    assert code == 1
    assert err.startswith("konkurs: Enhetsregisteret could not be compared (unreachable): ")
    assert "1 differences from before stand" in err
    agreeing.fail()
    agreeing.extra["KONKURS_ENHETSREGISTERET_URL"] = "off"
    code, out, _ = commanded(agreeing, monkeypatch, capsys)
    assert (code, json.loads(out)) == (0, {"outcome": "off", "differences": []})
    agreeing.extra["KONKURS_DATA_DIR"] = str(agreeing.folder / "nowhere")
    del agreeing.extra["KONKURS_ENHETSREGISTERET_URL"]
    code, _, err = commanded(agreeing, monkeypatch, capsys)
    assert code == 1
    assert "there is no store" in err


def commanded(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[object, str, str]:
    """Run `konkurs compare --json`; returns its exit code, stdout and stderr."""
    with monkeypatch.context() as patched:
        for name, value in {"KONKURS_DATA_DIR": str(bank.folder), "KONKURS_API_URL": bank.url, **bank.extra}.items():
            patched.setenv(name, value)
        patched.chdir(bank.folder)
        patched.setattr(sys, "argv", ["konkurs", "compare", "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
    captured = capsys.readouterr()
    return ended.value.code, captured.out, captured.err


def test_the_nightly_schedule_runs_unless_the_source_is_off(bank: Bank) -> None:
    def status() -> dg.DefaultScheduleStatus:
        schedules = {each.name: each for each in build_defs(bank.settings).schedules or []}
        nightly = schedules["second_source"]
        assert isinstance(nightly, dg.ScheduleDefinition)
        return nightly.default_status

    assert status() is dg.DefaultScheduleStatus.RUNNING
    bank.extra["KONKURS_ENHETSREGISTERET_URL"] = "off"
    assert status() is dg.DefaultScheduleStatus.STOPPED
