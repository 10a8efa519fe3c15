"""What a poll reads and takes: its window, the lookback, pages, the full list, unreadable notices, and failures."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import polars as pl
import pytest

from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.brreg.wire import ParsedNotice, UnreadableNoticeError
from konkurs_pipeline.errors import AnswerError, KonkursError, ServiceUnreachableError
from konkurs_pipeline.steps.list import items
from tests.pipeline.kit import FRIDAY, MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Bank, company, oslo

FIRM = company("firm")
SIX_WORKDAYS_LATER = dt.date(2018, 9, 11)


def test_a_notice_after_the_range_waits_for_its_own_run(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM, TUESDAY)
    first = bank.poll(MONDAY, now=oslo(WEDNESDAY, "12:00"))
    assert (first.actions, first.outcome) == ([], "nothing_new")
    assert bank.published("raw_notices").is_empty()
    assert bank.poll(TUESDAY).decided() == [("BLOCK", "K-1", "estate_open")]


def test_a_sletting_after_the_range_does_not_stop_the_range_s_block(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM, MONDAY)
    bank.notice("sletting", FIRM, TUESDAY)
    assert bank.poll(MONDAY, now=oslo(WEDNESDAY, "12:00")).decided() == [("BLOCK", "K-1", "estate_open")]
    assert bank.poll(TUESDAY).decided() == [("REOPEN", "K-1", "opening_deleted")]


def test_a_notice_that_becomes_visible_late_is_found_within_the_lookback(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", company("another"), MONDAY, "12:00")
    bank.notice("aapning", FIRM, MONDAY, "10:00", visible_from=oslo(FRIDAY, "09:00"))
    for day in (MONDAY, THURSDAY):
        assert bank.poll(day).actions == []
    polled = bank.poll(FRIDAY)
    assert polled.decided() == [("BLOCK", "K-1", "estate_open")]
    assert bank.published("raw_notices")["workday"].to_list() == [MONDAY, MONDAY]


def test_a_notice_that_becomes_visible_after_the_lookback_is_found_by_a_wider_run(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM, MONDAY, visible_from=oslo(SIX_WORKDAYS_LATER, "09:00"))
    assert bank.poll(SIX_WORKDAYS_LATER).actions == []
    assert bank.poll(MONDAY, SIX_WORKDAYS_LATER).decided() == [("BLOCK", "K-1", "estate_open")]


def test_a_notice_registered_at_the_first_instant_of_the_lookback_is_read(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM, MONDAY, "00:00")
    assert bank.poll(dt.date(2018, 9, 10)).decided() == [("BLOCK", "K-1", "estate_open")]


def test_two_notices_with_the_same_time_are_both_read(bank: Bank) -> None:
    bank.notice("aapning", FIRM)
    bank.notice("aapning", company("another"))
    bank.poll(MONDAY)
    assert bank.published("raw_notices").height == 2


def test_all_pages_are_read(bank: Bank) -> None:
    bank.service.page_size = 2
    for n in range(5):
        bank.notice("aapning", company(f"firm {n}"))
    bank.poll(MONDAY)
    assert bank.published("raw_notices").height == 5
    row = bank.published("polls").to_dicts()[0]
    assert (row["notices_seen"], row["notices_new"]) == (5, 5)


def test_if_oppdatert_is_not_found_the_full_list_is_read(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM)
    bank.fail(Fault.model_validate({"kind": "status", "status": 404, "resource": "list", "times": 1}))
    assert bank.poll(MONDAY).decided() == [("BLOCK", "K-1", "estate_open")]
    assert "/konkursvarsler" in [line.path for line in bank.service.requests]


def test_an_empty_list_is_an_empty_day(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    polled = bank.poll(MONDAY)
    assert (polled.outcome, polled.actions) == ("nothing_new", [])
    assert polled.file is not None


def test_a_notice_that_the_service_drops_stays_known(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    notice = bank.notice("aapning", FIRM, visible_until=oslo(TUESDAY, "09:00"))
    bank.poll(MONDAY)
    assert bank.poll(TUESDAY).actions == []
    assert bank.states() == {notice.uuid: "open"}


def listing(*items: object) -> Fault:
    """Return a fault that answers every list with these items."""
    body = json.dumps({"_embedded": {"konkursvarsler": list(items)}, "_links": {}})
    return Fault.model_validate({"kind": "json_value", "resource": "list", "body": body})


GOOD = {
    "uuid": "33333333-3333-4333-8333-333333333333",
    "type": "aapning",
    "registreringstidspunkt": "2018-09-03T08:00:00.000Z",
    "kjennelsesdato": "2018-09-03",
    "debitor": FIRM,
}


@pytest.mark.parametrize(
    "item",
    [
        pytest.param("nonsense", id="no object"),
        pytest.param({**GOOD, "uuid": "1"}, id="uuid"),
        pytest.param({**GOOD, "uuid": "44444444-4444-4444-8444-444444444444", "debitor": 910425463}, id="number"),
        pytest.param(
            {**GOOD, "uuid": "44444444-4444-4444-8444-444444444444", "registreringstidspunkt": "yesterday"}, id="time"
        ),
    ],
)
def test_an_unreadable_notice_is_set_aside_once_and_stops_no_other(bank: Bank, item: object) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM, uid=GOOD["uuid"])
    bank.fail(listing(item, GOOD))
    polled = bank.poll(MONDAY)
    assert polled.decided() == [("BLOCK", "K-1", "estate_open")]
    assert polled.detail is not None
    assert "quarantine" in polled.detail
    assert bank.poll(TUESDAY).detail is None, "nothing new was set aside"
    assert bank.open_quarantine() == ["unreadable_notice"]
    payloads = bank.published("quarantine")["payload"].to_list()
    assert [json.loads(payload) for payload in payloads] == [item], "the received item is kept whole"


def test_with_paging_every_notice_has_the_hash_of_its_own_page(bank: Bank) -> None:
    bank.service.page_size = 1
    for number in range(3):
        bank.notice("aapning", company(f"firm {number}"), MONDAY, f"1{number}:00")
    bank.poll(MONDAY)
    rows = bank.published("raw_notices")
    assert rows["answer_sha256"].n_unique() == 3
    with bank.store() as store:
        for uid, digest in rows.select("uuid", "answer_sha256").iter_rows():
            assert uid.encode() in store.lake.answers.read(digest), "the hash of the page with the notice"


def test_an_item_that_a_later_version_can_read_keeps_its_first_answer(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM)

    def not_yet(*_: object, **__: object) -> ParsedNotice:
        detail = "a form that this version does not know"
        raise UnreadableNoticeError(detail, None)

    with monkeypatch.context() as patched:
        patched.setattr(items, "parse_notice", not_yet)
        bank.poll(MONDAY)
    first = bank.published("answers").row(0, named=True)
    bank.serve([])
    assert bank.poll(TUESDAY).decided() == [("BLOCK", "K-1", "estate_open")]
    (row,) = bank.published("raw_notices").to_dicts()
    assert (row["answer_sha256"], row["first_seen_at"]) == (first["sha256"], first["fetched_at"])


def test_an_unreadable_notice_that_the_service_corrects_is_acted_on(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.fail(listing({**GOOD, "registreringstidspunkt": "yesterday"}))
    assert bank.poll(MONDAY).actions == []
    bank.notice("aapning", FIRM, uid=GOOD["uuid"])
    bank.fail(listing(GOOD))
    assert bank.poll(TUESDAY).decided() == [("BLOCK", "K-1", "estate_open")]
    assert bank.open_quarantine() == []


def test_an_invalid_ruling_date_leads_to_a_review_until_it_is_corrected(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.fail(listing({**GOOD, "kjennelsesdato": "3. september"}))
    assert bank.poll(MONDAY).decided() == [("REVIEW", "K-1", "invalid_ruling_date")]
    assert bank.open_quarantine() == ["invalid_ruling_date"]


def test_a_notice_from_the_future_is_set_aside(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.fail(listing({**GOOD, "registreringstidspunkt": "2199-01-01T00:00:00.000Z"}))
    assert bank.poll(MONDAY).actions == []
    assert bank.open_quarantine() == ["registered_in_future"]


# When the poll fails


NONSENSE = [
    pytest.param({"kind": "status", "status": 503}, ServiceUnreachableError, id="503"),
    pytest.param({"kind": "reset"}, ServiceUnreachableError, id="reset"),
    pytest.param({"kind": "json_value", "body": "{}"}, AnswerError, id="{}"),
    pytest.param({"kind": "json_value", "body": "[]"}, AnswerError, id="[]"),
    pytest.param({"kind": "html"}, AnswerError, id="html"),
    pytest.param({"kind": "duplicate_keys"}, AnswerError, id="a key twice"),
]


@pytest.mark.parametrize(("fault", "expected"), NONSENSE)
def test_a_failed_poll_writes_no_file_decides_nothing_and_is_recorded_in_polls(
    bank: Bank, fault: dict[str, Any], expected: type[KonkursError]
) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("aapning", FIRM)
    bank.fail(Fault.model_validate({"resource": "list", **fault}))
    assert isinstance(bank.try_poll(MONDAY), expected)
    assert bank.shown() == []
    assert bank.published("actions").is_empty()
    (row,) = bank.published("polls").to_dicts()
    assert (row["outcome"], row["ended_at"] is None) == ("failed", False)
    assert row["detail"]


def test_the_next_poll_after_a_failed_one_misses_nothing(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.poll(MONDAY)
    bank.notice("aapning", FIRM, TUESDAY)
    bank.fail(Fault.model_validate({"kind": "status", "resource": "list"}))
    assert bank.try_poll(TUESDAY) is not None
    bank.fail()
    polled = bank.poll(WEDNESDAY)
    assert polled.decided() == [("BLOCK", "K-1", "estate_open")]
    assert [path.name.split("_")[3] for path in bank.shown()] == ["00000001", "00000002"]
    assert bank.published("polls")["outcome"].to_list() == ["nothing_new", "failed", "new"]


def test_a_service_that_is_down_fails_the_poll(bank: Bank) -> None:
    bank.extra["KONKURS_API_URL"] = "http://127.0.0.1:1"
    assert isinstance(bank.try_poll(MONDAY), ServiceUnreachableError)
    assert bank.published("polls")["outcome"].to_list() == ["failed"]
    assert bank.shown() == []


# The register


def test_a_refused_register_is_reported_and_the_last_accepted_one_stays_in_use(bank: Bank) -> None:
    bank.extra["KONKURS_MAX_REGISTER_SHRINK"] = "0.2"
    for n in range(5):
        bank.customer(f"K-{n}", company(f"firm {n}"))
    bank.poll(MONDAY)
    bank.customers = bank.customers[-2:]
    bank.notice("aapning", company("firm 0"), TUESDAY)
    polled = bank.poll(TUESDAY)
    assert polled.decided() == [("BLOCK", "K-0", "estate_open")]
    assert polled.outcome == "new"
    assert polled.detail is not None
    assert "the register was refused" in polled.detail


def test_without_any_register_a_poll_is_partial_keeps_the_notices_and_matches_them_later(bank: Bank) -> None:
    bank.extra["KONKURS_CUSTOMERS"] = str(bank.folder / "nowhere" / "customers.csv")
    notice = bank.notice("aapning", FIRM)
    unwritten = bank.write_register
    bank.__dict__["write_register"] = lambda: None
    first = bank.poll(MONDAY)
    assert (first.outcome, first.actions) == ("partial", [])
    assert first.detail is not None
    assert "no register was ever accepted" in first.detail
    assert bank.published("raw_notices")["uuid"].to_list() == [notice.uuid]
    bank.__dict__["write_register"] = unwritten
    bank.customer("K-1", FIRM)
    assert bank.poll(TUESDAY).decided() == [("BLOCK", "K-1", "estate_open")]


def test_every_answer_is_kept_as_received(bank: Bank) -> None:
    bank.notice("aapning", FIRM)
    bank.poll(MONDAY)
    answers = bank.published("answers")
    assert answers["resource"].to_list()[0].startswith("/konkursvarsler/oppdatert/")
    with bank.store() as store:
        kept = json.loads(store.lake.answers.read(answers["sha256"][0]))
    assert kept["_embedded"]["konkursvarsler"][0]["debitor"] == FIRM
    raw = bank.published("raw_notices")
    assert raw.select(pl.col("answer_sha256")).to_series().to_list() == answers["sha256"].to_list()


def test_links_to_elsewhere_are_a_finding_and_are_never_followed(bank: Bank) -> None:
    bank.customer("K-1", company("one"))
    bank.notice("aapning", company("one"))
    bank.fail(Fault.model_validate({"kind": "foreign_href"}))
    polled = bank.poll(MONDAY)
    assert polled.decided() == [("BLOCK", "K-1", "estate_open")]
    assert polled.detail is not None
    assert "the list is not as documented" in polled.detail
    assert "127.0.0.2" in polled.detail, "the finding names the host"


def test_every_later_poll_reports_held_rows(bank: Bank) -> None:
    bank.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "0"
    bank.customer("K-1", company("one"))
    bank.notice("aapning", company("one"))
    assert "1 BLOCK rows are held" in (bank.poll(MONDAY).detail or "")
    assert "1 BLOCK rows are held" in (bank.poll(TUESDAY).detail or "")


def test_a_notice_of_a_coming_holiday_gives_a_review_until_its_time_has_come(bank: Bank) -> None:
    """Easter belongs to the Wednesday before. On Wednesday a notice of Friday cannot be right (simulation, seed 101)."""
    wednesday, good_friday, tuesday = (dt.date(2023, 4, day) for day in (5, 7, 11))
    bank.customer("K-1", company("firm"))
    bank.notice("aapning", company("firm"), good_friday, visible_from=oslo(wednesday, "08:00"))
    early = bank.poll(wednesday, now=oslo(wednesday, "09:00"), clock=bank.clock)
    assert early.decided() == [("REVIEW", "K-1", "registered_in_future")]
    assert bank.open_quarantine() == ["registered_in_future"]
    assert bank.poll(tuesday, clock=bank.clock).decided() == [("BLOCK", "K-1", "estate_open")]
    assert bank.open_quarantine() == []
