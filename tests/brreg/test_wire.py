from __future__ import annotations

import csv
import datetime as dt
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.brreg.wire import (
    ListPage,
    UnreadableNoticeError,
    parse_list,
    parse_notice,
)
from konkurs_pipeline.errors import AnswerError
from konkurs_pipeline.json_strict import JsonObject, JsonValue
from konkurs_pipeline.redaction import MASK
from tests.brreg.test_json_strict import JSON_VALUES

BASE = "https://konkursvarsel.ppe-vcert.brreg.no"
PATH = "/konkursvarsler"
UUID_TEXT = "385fad87-b3e1-4542-a5ac-86c1b4e130af"
TEST_NOTICES = Path(__file__).parents[2] / "data" / "brreg_test_notices.csv"


def notice(**changes: JsonValue) -> JsonObject:
    """Return the API documentation's own example with `changes`; None takes a member away."""
    item: JsonObject = {
        "uuid": UUID_TEXT,
        "type": "aapning",
        "registreringstidspunkt": "2018-06-08T11:34:23.111Z",
        "kjennelsesdato": "2018-06-08",
        "debitor": "910425463",
        "_links": {"self": {"href": f"{BASE}{PATH}/{UUID_TEXT}"}},
    }
    return {key: value for key, value in (item | changes).items() if value is not None}


def read_list(value: JsonValue, path: str = PATH) -> ListPage:
    return parse_list(value, what=f"GET {path}", base_url=BASE, path=path)


class TestList:
    def test_an_embedded_list_gives_its_items(self) -> None:
        page = read_list({"_embedded": {"konkursvarsler": [1, 2]}, "_links": {}})
        assert page == ListPage([1, 2], None, ())

    def test_one_notice_may_stand_without_a_list_around_it(self) -> None:
        """HAL may write a single item without a list."""
        assert read_list({"_embedded": {"konkursvarsler": {"uuid": "1"}}}).items == [{"uuid": "1"}]

    def test_the_paging_link_may_stand_in_a_list(self) -> None:
        link: JsonValue = [{"href": f"{PATH}?page=1"}]
        assert read_list({"_embedded": {"konkursvarsler": []}, "_links": {"next": link}}).next_query == "page=1"
        assert read_list({"_embedded": {"konkursvarsler": []}, "_links": {"next": []}}).next_query is None

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param({"_embedded": {"konkursvarsler": []}}, id="an empty list"),
            pytest.param({"_links": {"self": {"href": "/"}}}, id="no _embedded, as Spring HATEOAS sends it"),
            pytest.param(
                {"_links": {}, "page": {"totalElements": 0, "totalPages": 0, "number": 0}}, id="with a page object"
            ),
        ],
    )
    def test_an_empty_answer_in_a_known_shape_is_an_empty_list(self, value: JsonValue) -> None:
        assert read_list(value).items == []

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param({}, id="an empty object"),
            pytest.param([], id="a list"),
            pytest.param(None, id="null"),
            pytest.param("html", id="text"),
            pytest.param({"_embedded": {}}, id="nothing embedded"),
            pytest.param({"_embedded": None, "_links": {}}, id="embedded null"),
            pytest.param({"_embedded": {"varsler": []}}, id="another key"),
            pytest.param({"_embedded": {"konkursvarsler": [], "varsler": []}}, id="an unknown key"),
            pytest.param({"_embedded": {"konkursvarsler": {}}}, id="an object for the list"),
            pytest.param({"_links": []}, id="links are a list"),
            pytest.param({"page": {"totalElements": 0}}, id="page alone"),
            pytest.param({"_links": {}, "error": "down"}, id="an error beside links"),
            pytest.param({"_embedded": {"konkursvarsler": []}, "konkursvarsler": [1]}, id="items outside"),
        ],
    )
    def test_an_answer_of_another_shape_is_a_failure_and_never_an_empty_list(self, value: JsonValue) -> None:
        with pytest.raises(AnswerError, match="no news"):
            read_list(value)

    @pytest.mark.parametrize(
        ("page", "items"),
        [
            pytest.param({"number": 0, "totalPages": 2}, 1, id="page 1 of 2"),
            pytest.param({"totalPages": 2}, 1, id="one of 2 pages, without its number"),
            pytest.param({"number": 0, "totalPages": 1, "totalElements": 7}, 1, id="one notice of seven"),
            pytest.param({"totalElements": 1}, 0, id="no notice of one"),
            pytest.param({"totalPages": "2"}, 1, id="a count as text"),
            pytest.param(["2"], 1, id="page is a list"),
        ],
    )
    def test_a_list_with_more_pages_and_no_link_is_a_failure(self, page: JsonValue, items: int) -> None:
        embedded: JsonValue = [{}] * items
        with pytest.raises(AnswerError):
            read_list({"_embedded": {"konkursvarsler": embedded}, "page": page})

    @pytest.mark.parametrize(
        ("href", "findings"),
        [
            pytest.param(f"{BASE}{PATH}?page=1&size=20", 0, id="as we ask"),
            pytest.param(f"{PATH}?page=1&size=20", 0, id="relative"),
            pytest.param("?page=1&size=20", 0, id="query only"),
            pytest.param(f"{BASE}/proxy{PATH}?page=1&size=20", 0, id="a proxy's prefix"),
            pytest.param(f"https://evil.example{PATH}?page=1&size=20", 1, id="another host: a finding, no request"),
        ],
    )
    def test_only_the_query_of_a_paging_link_is_used(self, href: str, findings: int) -> None:
        page = read_list({"_embedded": {"konkursvarsler": [1]}, "_links": {"next": {"href": href}}})
        assert page.next_query == "page=1&size=20"
        assert len(page.findings) == findings

    @pytest.mark.parametrize(
        "next_link",
        [
            pytest.param({"href": f"{BASE}/andre?page=1"}, id="another resource"),
            pytest.param({"href": f"{BASE}{PATH}"}, id="no query: paging would never end"),
            pytest.param({"href": f"{BASE}{PATH}{{?page}}"}, id="a template"),
            pytest.param({"href": f"{PATH}?a=\x01"}, id="a control character"),
            pytest.param({"href": f"{PATH}?a=\ud800"}, id="a lone surrogate"),
            pytest.param({"href": "http://[oops"}, id="no URL"),
            pytest.param({"href": 1}, id="a number"),
            pytest.param({}, id="no href"),
            pytest.param("?page=1", id="text for an object"),
            pytest.param([{"href": f"{PATH}?page=1"}, {"href": f"{PATH}?page=2"}], id="two of them"),
        ],
    )
    def test_a_paging_link_that_cannot_be_used_is_a_failure(self, next_link: JsonValue) -> None:
        with pytest.raises(AnswerError):
            read_list({"_embedded": {"konkursvarsler": [1]}, "_links": {"next": next_link}})

    def test_a_time_in_the_path_may_be_written_with_escapes(self) -> None:
        path = "/konkursvarsler/oppdatert/2018-06-08T11:34:23.111Z"
        link: JsonValue = {"href": f"{BASE}{path.replace(':', '%3A')}?page=1"}
        page = read_list({"_embedded": {"konkursvarsler": [1]}, "_links": {"next": link}}, path)
        assert page.next_query == "page=1"

    @given(JSON_VALUES)
    def test_any_json_is_a_page_or_a_named_error(self, value: JsonValue) -> None:
        answers: list[JsonValue] = [value, {"_links": value}]
        answers.append({"_embedded": {"konkursvarsler": []}, "page": value})
        for answer in answers:
            with suppress(AnswerError):
                read_list(answer)


class TestNotice:
    def test_the_documented_example_is_read(self) -> None:
        parsed = parse_notice(notice(), base_url=BASE)
        assert parsed.notice.uuid == UUID_TEXT
        assert parsed.notice.type == "aapning"
        assert parsed.notice.registered_at == dt.datetime(2018, 6, 8, 11, 34, 23, 111000, tzinfo=dt.UTC)
        assert parsed.notice.registered_at_text == "2018-06-08T11:34:23.111Z"
        assert parsed.notice.ruling_date == dt.date(2018, 6, 8)
        assert parsed.notice.debtor_id == "910425463"
        assert (parsed.has_invalid_ruling_date, parsed.findings) == (False, ())

    def test_every_notice_of_brregs_test_list_is_read(self) -> None:
        with TEST_NOTICES.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        read = [parse_notice(dict(row)).notice for row in rows]
        assert [(each.uuid, each.registered_at_text, each.type, each.debtor_id) for each in read] == [
            tuple(row.values()) for row in rows
        ]

    @given(
        uuid=st.uuids(),
        kind=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=64),
        at=st.datetimes(dt.datetime(1900, 1, 2), dt.datetime(2200, 12, 30)),  # noqa: DTZ001  # hypothesis wants naive bounds
        ruling=st.none() | st.dates(dt.date(1900, 1, 1), dt.date(2200, 12, 31)),
        debtor=st.from_regex(r"[0-9]{9}|[0-9]{11}", fullmatch=True),
    )
    def test_a_valid_notice_is_read_back_unchanged(
        self, uuid: UUID, kind: str, at: dt.datetime, ruling: dt.date | None, debtor: str
    ) -> None:
        text = f"{at.isoformat(timespec='microseconds')}Z"
        item = notice(uuid=str(uuid).upper(), type=kind, registreringstidspunkt=text, debitor=debtor, _links=None)
        item["kjennelsesdato"] = ruling.isoformat() if ruling else None
        parsed = parse_notice(item)
        read = parsed.notice
        assert (read.uuid, read.type, read.debtor_id, read.ruling_date) == (str(uuid), kind, debtor, ruling)
        assert (read.registered_at, read.registered_at_text) == (at.replace(tzinfo=dt.UTC), text)
        assert not parsed.has_invalid_ruling_date

    @given(
        JSON_VALUES,
        st.sampled_from(["uuid", "type", "registreringstidspunkt", "kjennelsesdato", "debitor", "_links"]),
    )
    def test_any_json_is_a_notice_or_unreadable_with_a_reason(self, value: JsonValue, key: str) -> None:
        for item in (value, notice() | {key: value}):
            try:
                parse_notice(item, base_url=BASE)
            except UnreadableNoticeError as error:
                assert error.detail  # noqa: PT017  # unreadable is one of two good outcomes

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param("2018-06-08T11:34:23Z", "2018-06-08T11:34:23+00:00", id="no fraction"),
            pytest.param("2018-06-08T11:34:23.1Z", "2018-06-08T11:34:23.100000+00:00", id="one digit"),
            pytest.param("2018-06-08T11:34:23.123456789Z", "2018-06-08T11:34:23.123456+00:00", id="cut, not rounded"),
            pytest.param("2018-06-08T13:34:23+02:00", "2018-06-08T11:34:23+00:00", id="summer time"),
            pytest.param("2018-06-08T13:34:23.000+0200", "2018-06-08T11:34:23+00:00", id="Java's older offset"),
            pytest.param("2018-06-08T11:34:23-00:00", "2018-06-08T11:34:23+00:00", id="an offset of minus zero"),
            pytest.param("2018-06-08T11:34Z", "2018-06-08T11:34:00+00:00", id="no seconds"),
            pytest.param("2018-06-08T13:34+02:00", "2018-06-08T11:34:00+00:00", id="no seconds, with an offset"),
            pytest.param("2018-06-08T13:34:23+02", "2018-06-08T11:34:23+00:00", id="an offset in hours"),
            pytest.param("2018-06-08 11:34:23.111 Z", "2018-06-08T11:34:23.111000+00:00", id="a space for the T"),
            pytest.param("2018-06-08t11:34:23,5z", "2018-06-08T11:34:23.500000+00:00", id="small letters, a comma"),
        ],
    )
    def test_an_instant_is_read_as_utc(self, text: str, expected: str) -> None:
        parsed = parse_notice(notice(registreringstidspunkt=text))
        assert parsed.notice.registered_at.isoformat() == expected
        assert parsed.notice.registered_at_text == text

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("2018-06-08T11:34:23.111", id="no zone: two hours could be lost"),
            pytest.param("2018-06-08", id="a date"),
            pytest.param("2018-06-08T11:34", id="no zone and no seconds"),
            pytest.param("2018-06-08T11Z", id="an hour"),
            pytest.param("08.06.2018T11:34:23Z", id="a Norwegian date"),
            pytest.param("2018-06-31T11:34:23Z", id="no such day"),
            pytest.param("2018-06-08T24:00:00Z", id="hour 24"),
            pytest.param("2018-06-08T11:34:23+02:99", id="an invalid offset"),
            pytest.param("2018-06-08T11:34:23.1234567890Z", id="ten digits"),
            pytest.param("1899-12-31T23:59:59Z", id="too early"),
            pytest.param("2201-01-01T00:00:00Z", id="too late"),
            pytest.param("9999-12-31T23:59:59-23:59", id="beyond the calendar"),
            pytest.param("0001-01-01T00:00:00+23:59", id="before the calendar"),
            pytest.param("٢٠١٨-06-08T11:34:23Z", id="other digits"),
            pytest.param(" 2018-06-08T11:34:23Z", id="a space"),
            pytest.param(1528457663, id="a number"),
        ],
    )
    def test_a_time_that_is_no_instant_makes_a_notice_unreadable(self, text: JsonValue) -> None:
        with pytest.raises(UnreadableNoticeError) as caught:
            parse_notice(notice(registreringstidspunkt=text))
        assert "registreringstidspunkt is " in caught.value.detail
        assert caught.value.uuid == UUID_TEXT

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            pytest.param("910 425 463", "910425463", id="spaces"),
            pytest.param("910\u00a0425\u00a0463", "910425463", id="no-break spaces"),
            pytest.param("910\u202f425\u2009463 ", "910425463", id="narrow spaces, and one at the end"),
            pytest.param("080860 01471", "08086001471", id="a person's number"),
            pytest.param("910 425 46", "910 425 46", id="too short: unchanged"),
            pytest.param("NO 910 425 463", "NO 910 425 463", id="letters: unchanged"),
            pytest.param("910-425-463", "910-425-463", id="hyphens: unchanged"),
        ],
    )
    def test_spaces_in_a_number_are_ignored(self, written: str, read: str) -> None:
        assert parse_notice(notice(debitor=written)).notice.debtor_id == read

    @pytest.mark.parametrize(
        ("item", "detail"),
        [
            pytest.param([], "the notice is a list", id="a list"),
            pytest.param(notice(uuid=None), "uuid is missing, expected a UUID", id="no uuid"),
            pytest.param(notice(uuid=f"{{{UUID_TEXT}}}"), "another form", id="braces"),
            pytest.param(notice(uuid=UUID_TEXT.replace("-", "")), "another form", id="no hyphens"),
            pytest.param(notice(uuid=f"{UUID_TEXT}\n"), "another form", id="a line break"),
            pytest.param(notice(type=""), "0 characters", id="empty type"),
            pytest.param(notice(type="a" * 65), "65 characters", id="long type"),
            pytest.param(notice(type="a\nb"), "control", id="a type that would break a log line"),
            pytest.param(notice(type="\ud800"), "control", id="a type that cannot be stored"),
            pytest.param(notice(debitor=None), "debitor is missing, expected text", id="no debtor"),
            pytest.param(
                notice(debitor=8086001471),
                "debitor is a number, expected text",
                id="number",
            ),
            pytest.param(notice() | {"debitor": None}, "debitor is null", id="null debtor"),
            pytest.param(notice(debitor=["910425463"]), "debitor is a list", id="a list of one"),
        ],
    )
    def test_an_unreadable_notice_gives_its_reason_and_quotes_no_value(self, item: JsonValue, detail: str) -> None:
        with pytest.raises(UnreadableNoticeError) as caught:
            parse_notice(item)
        assert detail in caught.value.detail
        assert "8086001471" not in str(caught.value)
        assert "910425463" not in str(caught.value)

    def test_an_unknown_type_is_still_a_notice_for_a_person_to_see(self) -> None:
        assert parse_notice(notice(type="gjenåpning")).notice.type == "gjenåpning"

    def test_any_text_is_taken_as_the_debtor(self) -> None:
        assert parse_notice(notice(debitor="fnr 8086001471 ")).notice.debtor_id == "fnr 8086001471 "

    @pytest.mark.parametrize(
        "text", ["8.6.2018", "2018-02-30", "2018-06-08T00:00:00Z", "0001-01-01", "", 20180608, {}, False]
    )
    def test_a_damaged_ruling_date_is_a_flaw_and_the_notice_counts(self, text: JsonValue) -> None:
        parsed = parse_notice(notice(kjennelsesdato=text))
        assert parsed.notice.ruling_date is None
        assert parsed.has_invalid_ruling_date

    @pytest.mark.parametrize(
        ("href", "words"),
        [
            pytest.param(f"{BASE}{PATH}/{UUID_TEXT.upper()}", [], id="the same, in capitals"),
            pytest.param(f"{PATH}/{UUID_TEXT}", [], id="relative"),
            pytest.param(f"{BASE}{PATH}/00000000-0000-0000-0000-000000000000", ["another resource"], id="another uuid"),
            pytest.param(f"https://evil.example{PATH}/{UUID_TEXT}", ["evil.example"], id="another host"),
            pytest.param("https://x910425463.no/", ["another resource", MASK], id="a host with a number"),
            pytest.param("http://[oops", ["cannot be read"], id="no URL"),
        ],
    )
    def test_a_link_that_contradicts_its_notice_is_a_finding(self, href: str, words: list[str]) -> None:
        findings = " ".join(parse_notice(notice(_links={"self": {"href": href}}), base_url=BASE).findings)
        assert all(word in findings for word in words)
        assert bool(findings) == bool(words)
        assert "910425463" not in findings
