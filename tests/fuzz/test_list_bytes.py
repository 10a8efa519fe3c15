"""Any bytes of a list are read as documented or refused: they never become an empty list."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from konkurs_pipeline.brreg.wire import ListPage, UnreadableNoticeError, parse_json, parse_list, parse_notice
from konkurs_pipeline.domain.workdays import Calendar
from konkurs_pipeline.errors import AnswerError
from tests.fuzz.budget import fuzzed
from tests.fuzz.leaks import COMPANY, OTHER_PERSON, PERSON, holds_an_identifier, shows_an_identifier
from tests.fuzz.mutations import ODD_TEXTS, damaged_bytes, damaged_json

BASE: Final = "https://konkursvarsel.ppe-vcert.brreg.no"
PATH: Final = "/konkursvarsler/oppdatert/2018-06-08T11:34:23.111Z"
WHAT: Final = "GET /konkursvarsler"
CALENDAR: Final = Calendar(dt.date(2018, 1, 2))


def _notice(number: int, kind: str, debtor: str) -> dict[str, Any]:
    uuid = f"385fad87-b3e1-4542-a5ac-86c1b4e130a{number}"
    return {
        "uuid": uuid,
        "type": kind,
        "registreringstidspunkt": f"2018-06-08T11:34:2{number}.111Z",
        "kjennelsesdato": "2018-06-08",
        "debitor": debtor,
        "_links": {"self": {"href": f"{BASE}/konkursvarsler/{uuid}"}},
    }


NOTICES: Final = [_notice(1, "aapning", COMPANY), _notice(2, "sletting", PERSON), _notice(3, "oppheving", OTHER_PERSON)]
SELF: Final = {"self": {"href": f"{BASE}{PATH}"}}
FULL: Final = {"_embedded": {"konkursvarsler": NOTICES}, "_links": SELF}
PAGED: Final = {**FULL, "_links": {**SELF, "next": {"href": f"{BASE}{PATH}?page=1"}}}
COUNTED: Final = {**FULL, "page": {"size": 20, "totalElements": 3, "totalPages": 1, "number": 0}}
EMPTY: Final = {"_links": SELF}
ANSWERS: Final = damaged_json(FULL, PAGED, COUNTED, EMPTY)
BODIES: Final = ANSWERS | damaged_bytes(json.dumps(FULL).encode(), json.dumps(COUNTED).encode()) | st.binary()


def page_of(body: bytes) -> ListPage | None:
    """Return an answer as a page, or None if it is refused, as it should be."""
    try:
        value = parse_json(body, what=WHAT)
        return parse_list(value, what=WHAT, base_url=BASE, path=PATH)
    except AnswerError as error:
        assert not shows_an_identifier(error)  # noqa: PT017 -- a refusal is one of two good outcomes
        return None


def has_equal_keys(body: bytes) -> bool:
    """Return whether an object in the body has two equal keys, by Python's own reader."""
    found = False

    def look(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal found
        found = found or len({key for key, _ in pairs}) != len(pairs)
        return dict(pairs)

    try:
        json.loads(body, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return False
    return found


def is_documented_empty(value: Any) -> bool:  # noqa: ANN401 -- any JSON value
    """Return whether an answer is a documented empty list: links and nothing else, or a list without members."""
    if not isinstance(value, dict) or not value.keys() <= {"_embedded", "_links", "page"}:
        return False
    if value.get("page", {}).get("totalElements"):
        return False
    if "_embedded" in value:
        return bool(value["_embedded"] == {"konkursvarsler": []})
    links = value.get("_links")
    return isinstance(links, dict) and all(_is_link(link) for link in links.values())


def _is_link(link: object) -> bool:
    if isinstance(link, list):
        return all(_is_link(one) for one in link)
    return link is None or (isinstance(link, dict) and isinstance(link.get("href"), str))


@fuzzed(usual=150)
@given(BODIES)
@example(b'{"_links": {"konkursvarsler": []}}')
@example(json.dumps({"_links": {"konkursvarsler": NOTICES}}).encode())
@example(json.dumps({**EMPTY, "page": {"number": 1, "totalElements": 3, "totalPages": 1}}).encode())
@example(json.dumps({**EMPTY, "page": {"number": 7, "totalElements": 3}}).encode())
def test_only_a_documented_empty_answer_is_an_empty_list(body: bytes) -> None:
    page = page_of(body)

    if page is not None and not page.items and page.next_query is None:
        assert is_documented_empty(json.loads(body))


@fuzzed(usual=100)
@given(BODIES)
@example(b'{"_links": {}, "_links": {"next": null}}')
@example(b'{"_embedded": {"konkursvarsler": [{"a": 1, "\\u0061": 2}]}, "_links": {}}')
def test_equal_keys_are_always_refused(body: bytes) -> None:
    if has_equal_keys(body):
        assert page_of(body) is None


@fuzzed(usual=100)
@given(BODIES)
def test_the_items_of_a_page_are_those_of_the_body(body: bytes) -> None:
    page = page_of(body)

    if page is not None:
        sent = json.loads(body)
        assert page.items == sent.get("_embedded", {}).get("konkursvarsler", [])
        assert not any(holds_an_identifier(finding) for finding in page.findings)


@fuzzed(usual=100)
@given(damaged_json(*NOTICES))
@example(json.dumps({**NOTICES[0], "registreringstidspunkt": "0001-01-01T00:00:00+23:59"}).encode())
@example(json.dumps({**NOTICES[0], "debitor": "\ud800"}).encode())
@example(json.dumps({**NOTICES[0], "debitor": f" {COMPANY} ", "type": "aapning "}).encode())
@example(json.dumps({**NOTICES[0], "_links": {"self": {"href": f"//{PERSON}.example/"}}}).encode())
def test_a_notice_is_read_unchanged_or_set_aside_with_a_named_error(body: bytes) -> None:
    try:
        item = parse_json(body, what=WHAT)
    except AnswerError:
        return
    try:
        parsed = parse_notice(item, base_url=BASE)
    except UnreadableNoticeError as error:
        assert not shows_an_identifier(error)  # noqa: PT017 -- a refusal is one of two good outcomes
        assert not holds_an_identifier(error.detail)  # noqa: PT017 -- as above
        return
    notice = parsed.notice
    assert isinstance(item, dict)
    assert notice.type == item["type"]
    assert notice.debtor_id in {item["debitor"], "".join(str(item["debitor"]).split())}, (
        "only blanks in a number are dropped"
    )
    assert notice.uuid == str(item["uuid"]).lower()
    assert notice.registered_at_text == item["registreringstidspunkt"]
    assert notice.ruling_date is None or notice.ruling_date.isoformat() == item["kjennelsesdato"]
    assert CALENDAR.is_workday(CALENDAR.workday_of(notice.registered_at))
    assert not any(holds_an_identifier(finding) for finding in parsed.findings)


def test_the_undamaged_lists_and_notices_are_read() -> None:
    """Otherwise every answer would be refused, and the tests above would test nothing."""
    pages = [page_of(json.dumps(answer).encode()) for answer in (FULL, PAGED, COUNTED, EMPTY)]
    read = [parse_notice(notice, base_url=BASE) for notice in NOTICES]

    assert [page is not None and len(page.items) for page in pages] == [3, 3, 3, 0]
    assert [(one.notice.debtor_id, one.has_invalid_ruling_date, one.findings) for one in read] == [
        (notice["debitor"], False, ()) for notice in NOTICES
    ]


@pytest.mark.parametrize("key", ["uuid", "type", "registreringstidspunkt", "debitor"])
@pytest.mark.parametrize(
    "text", ["\x00", "\ud800", "\x85", "x" * 65, ""], ids=["NUL", "half a pair", "NEL", "65", "empty"]
)
def test_odd_text_makes_a_notice_unreadable_and_causes_no_crash(key: str, text: str) -> None:
    with pytest.raises(UnreadableNoticeError):
        parse_notice({**NOTICES[0], key: text})


@pytest.mark.parametrize("text", ODD_TEXTS, ids=lambda text: ascii(text)[1:25])
def test_an_odd_link_is_a_finding_and_causes_no_crash(text: str) -> None:
    parsed = parse_notice({**NOTICES[0], "_links": {"self": {"href": text}}}, base_url=BASE)

    assert parsed.findings
    assert not any(holds_an_identifier(finding) for finding in parsed.findings)
