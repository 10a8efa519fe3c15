"""`konkurs report`, `konkurs metrics` and the asset `monthly_report`: the figures agree, and the pages load nothing."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import replace
from xml.etree import ElementTree as ET

import dagster as dg
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from konkurs_pipeline.brreg.simulator.notices import simulated_notice
from konkurs_pipeline.domain.monitoring.alarms import AlarmKind
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.enquiries.report.figures import Figures, figures_of, spans_of
from konkurs_pipeline.enquiries.report.metrics import metrics_text
from konkurs_pipeline.enquiries.report.page import page_of
from konkurs_pipeline.enquiries.report.period import Period, month_before
from konkurs_pipeline.enquiries.report.standing import standing_of
from konkurs_pipeline.orchestration.bank_names import ALONE
from konkurs_pipeline.orchestration.jobs.monthly_report import MONTHLY_REPORT
from konkurs_pipeline.orchestration.jobs.scheduled_assets import build_asset
from konkurs_pipeline.storage.readers.query import ask
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, company, oslo, person
from tests.pipeline.test_questions import answer_newest_file

FIRM, MAN, STRANGER = company("firm"), person("man"), company("stranger")
NOW = oslo(WEDNESDAY, "23:59")
DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31))


@pytest.fixture(scope="module")
def lived(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank with confirmed BLOCKs of two customers on Monday and a stranger's opening on Tuesday, one poll a day."""
    bank = new_bank(tmp_path_factory.mktemp("report") / "data")
    bank.customer("K-1", FIRM)
    bank.account("K-1", "co_owner")
    bank.customer("K-2", MAN)
    bank.notice("aapning", FIRM)
    bank.notice("aapning", MAN)
    bank.poll(MONDAY)
    answer_newest_file(bank)
    bank.notice("aapning", STRANGER, TUESDAY)
    bank.notice("avslutning", MAN, TUESDAY)
    bank.poll(TUESDAY)
    return bank


@pytest.fixture(scope="module")
def figures(lived: Bank) -> Figures:
    # The ledger's own times are of today, those of the notices of 2018.
    return figures_of(lived.settings, Period(MONDAY, dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)), NOW)


def test_notices_are_counted_by_the_day_of_their_registration_and_hits_once(lived: Bank) -> None:
    week = figures_of(lived.settings, Period(MONDAY, WEDNESDAY), NOW).volumes
    assert week.buckets == ["2018-09-03", "2018-09-04", "2018-09-05"]
    assert week.counts["aapning"] == [2, 1, 0]
    assert week.counts["avslutning"] == [0, 1, 0]
    assert week.hits == [2, 0, 0]
    assert [round(count) for count in week.expected] == [49, 49, 49]


def test_actions_are_counted_by_status(figures: Figures) -> None:
    by_kind = {one.kind: (one.written, one.confirmed, one.waiting) for one in figures.actions}
    assert by_kind == {"BLOCK": (2, 2, 0), "REOPEN": (0, 0, 0), "REVIEW": (1, 1, 0), "INFORM": (1, 0, 1)}
    assert sum(figures.open_reviews.values()) == 1, "a receipt closes no review"


def test_a_block_of_an_old_opening_does_not_count_in_the_time_to_block(figures: Figures) -> None:
    assert figures.old_blocks == 2
    assert all(span.count == 0 for span in figures.spans)


def test_the_page_is_well_formed_loads_nothing_and_holds_no_identifier(figures: Figures) -> None:
    page = page_of(figures)
    assert not re.search(r"<script|<link|<img|@import|url\(", page)
    assert set(re.findall(r"https?://[^\"'<> ]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(charts) >= 3
    for chart in charts:
        ET.fromstring(chart)  # noqa: S314 -- the page of this test
    for number in (FIRM, MAN, STRANGER):
        assert number not in page


def test_text_from_settings_is_escaped(figures: Figures) -> None:
    assert "<b>" not in page_of(replace(figures, bank_id="<b>"))


def test_the_metrics_are_prometheus_text_with_the_bank_on_each_and_agree_with_the_figures(
    lived: Bank, figures: Figures
) -> None:
    text = metrics_text(figures, standing_of(lived.settings, NOW))
    families = list(text_string_to_metric_families(text))
    samples = [sample for family in families for sample in family.samples]
    assert len({family.name for family in families}) == len(families)
    assert all(re.fullmatch(r"konkurs_[a-z0-9_]+", family.name) and family.documentation for family in families)
    assert all(sample.labels["bank"] == "DEMO" for sample in samples)
    blocks = {
        sample.labels["state"]: sample.value
        for sample in samples
        if sample.name == "konkurs_last_30_days_actions" and sample.labels["action"] == "BLOCK"
    }
    assert (blocks["written"], blocks["confirmed"], blocks["rejected"]) == (2, 2, 0)
    alarms = {sample.labels["alarm"] for sample in samples if sample.name == "konkurs_alarm_raised"}
    assert alarms == {kind.value for kind in AlarmKind}
    for number in (FIRM, MAN, STRANGER):
        assert number not in text


def test_the_report_of_an_empty_store_names_it_as_empty(bank: Bank) -> None:
    page = page_of(figures_of(bank.settings, Period(MONDAY, TUESDAY), NOW))
    assert "No block of the period can be timed" in page
    assert "The second source has not been compared yet" in page


def test_the_monthly_report_is_written_for_the_month_before(lived: Bank) -> None:
    asset = build_asset(MONTHLY_REPORT, lived.settings, lambda: oslo(dt.date(2018, 10, 1), "06:30"), ALONE)
    result = dg.materialize([asset])
    assert result.success
    (path,) = lived.layout.reports.iterdir()
    assert path.name == "DEMO_2018-09.html"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "2018-09-01 to 2018-09-30" in path.read_text(encoding="utf-8")


@given(DAYS, st.integers(0, 1500))
def test_every_day_of_a_period_falls_into_a_bucket_and_buckets_are_in_order(first: dt.date, length: int) -> None:
    period = Period(first, first + dt.timedelta(days=length))
    buckets = [period.bucket(day) for day in period.days]
    assert buckets == sorted(buckets)
    assert len(set(buckets)) <= 35 or period.unit == "month"
    assert period.start < period.end


@given(DAYS)
def test_the_month_before_is_whole_and_ends_the_day_before_this_month(day: dt.date) -> None:
    before = month_before(day)
    assert before.first.day == 1
    assert before.last + dt.timedelta(days=1) == day.replace(day=1)


@given(st.lists(st.none() | st.floats(0, 1e6), max_size=30))
def test_percentiles_rise_and_the_last_is_the_longest_time(seconds: list[float | None]) -> None:
    span = spans_of("step", pl.Series(seconds, dtype=pl.Float64))
    known = [value for value in seconds if value is not None]
    assert span.count == len(known)
    assert list(span.seconds.values()) == sorted(span.seconds.values())
    assert not known or span.seconds["longest"] == max(known)


def test_the_minute_at_which_notices_were_first_seen_is_a_view_and_a_chart(bank: Bank) -> None:
    """A first poll sees old notices at an arbitrary minute. A notice that the list before lacked became visible just then."""
    now = dt.datetime.now(dt.UTC)
    day = bank.settings.calendar.workday_of(now)
    registered = [now - dt.timedelta(days=3), now - dt.timedelta(hours=2), now - dt.timedelta(hours=1)]
    served = [
        simulated_notice(uuid=str(uuid.UUID(int=n)), type="aapning", registered_at=at, debtor_id=FIRM, ruling_date=day)
        for n, at in enumerate(registered)
    ]
    bank.serve(served[:2])
    bank.poll(day, now=now)
    bank.serve(served)
    bank.poll(day, now=now)
    rows = ask(bank.layout, "SELECT notice_uuid, not_seen_at IS NULL, first_seen_at, minute FROM first_seen").rows
    assert sorted((uid, never) for uid, never, *_ in rows) == [(served[1].uuid, True), (served[2].uuid, False)]
    assert all(minute == at.minute % 15 for *_, at, minute in rows)
    found = figures_of(bank.settings, Period(day - dt.timedelta(days=7), now.astimezone(OSLO).date()), now).first_seen
    assert (sum(found.at_once), sum(found.later)) == (1, 1)
    seen = {uid: minute for uid, _, _, minute in rows}
    assert found.at_once[seen[served[2].uuid]] == found.later[seen[served[1].uuid]] == 1


def test_a_list_that_begins_after_a_notice_is_no_evidence_about_it(bank: Bank) -> None:
    now = dt.datetime.now(dt.UTC)
    day = bank.settings.calendar.workday_of(now)
    bank.extra["KONKURS_LOOKBACK_WORKDAYS"] = "0"
    bank.poll(day, now=now)
    bank.extra["KONKURS_LOOKBACK_WORKDAYS"] = "5"
    before = bank.settings.calendar.start_of(day) - dt.timedelta(minutes=1)
    late = simulated_notice(
        uuid=str(uuid.UUID(int=9)), type="aapning", registered_at=before, debtor_id=FIRM, ruling_date=day
    )
    bank.serve([late])
    bank.poll(day, now=now)
    ((not_seen,),) = ask(bank.layout, "SELECT not_seen_at FROM first_seen").rows
    assert not_seen is None
    found = figures_of(bank.settings, Period(day - dt.timedelta(days=7), now.astimezone(OSLO).date()), now).first_seen
    assert (sum(found.at_once), sum(found.later)) == (0, 1)
