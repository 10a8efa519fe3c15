"""Parses JSON: a page of a list, and one notice.

An answer of an unexpected shape is a failure, never "no news": else {} and [] would be an empty day. A bad notice goes to
quarantine with its reason and stops no other. Links are compared and never followed; of a `next` link only the query is
used. Source: docs/domain.md § 2. What does not belong here: requests (`client`), comparing links (`links`), and the
expanded dataset's fields.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final, NoReturn
from urllib.parse import unquote

from konkurs_pipeline.brreg.links import foreign_links, link_findings, other_host, resolve
from konkurs_pipeline.domain.identifiers import without_spaces
from konkurs_pipeline.domain.notices import Notice
from konkurs_pipeline.errors import AnswerError
from konkurs_pipeline.json_strict import JsonObject, JsonValue, RefusedJsonError, parse_strictly

EMBEDDED_KEY: Final = "konkursvarsler"
MAX_TEXT: Final = 64
_YEARS: Final = range(1900, 2201)
_TOP_LEVEL_KEYS: Final = frozenset({"_embedded", "_links", "page"})

# A list of notices has 29 bytes or more a value, a dataset 27. A denser answer is refused before it is parsed.
_BYTES_A_VALUE: Final = 24

UUID_FORM: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
# ISO 8601 in its usual spellings. Java leaves out seconds that are zero; its older date format writes "+0000".
_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r" ?(?:[Zz]|([+-][0-9]{2})(?::?([0-5][0-9]))?)"
)
_QUERY: Final = re.compile(r"[!-~]{1,2000}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Text that cannot be written as UTF-8 (lone surrogates), or that would break a log line.
_UNWRITABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list: its items, not parsed, the query of the next page, and findings about its shape."""

    items: list[JsonValue]
    next_query: str | None
    findings: tuple[str, ...] = ()


class UnreadableNoticeError(ValueError):
    """A notice cannot be read. `detail` quotes no value; `uuid` is set where it could be read."""

    def __init__(self, detail: str, uuid: str | None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.uuid = uuid


@dataclass(frozen=True, slots=True)
class ParsedNotice:
    """A notice, whether its kjennelsesdato is given and no date, and findings about its link."""

    notice: Notice
    has_invalid_ruling_date: bool = False
    findings: tuple[str, ...] = ()


def parse_json(body: bytes, *, what: str) -> JsonValue:
    """Parse an answer's body; `what` names the resource. Raises `AnswerError`, which never quotes the body."""
    try:
        return parse_strictly(body, bytes_a_value=_BYTES_A_VALUE)
    except RefusedJsonError as error:
        message = (
            f"{what}: the answer {error}; expected: JSON as Konkursvarsel documents it. "
            "Look at the kept answer; if it is no passing fault, tell Brreg"
        )
        raise AnswerError(message) from None


def parse_list(value: JsonValue, *, what: str, base_url: str, path: str) -> ListPage:
    """Read one page of the list that was asked for as `base_url` + `path`; `what` names it in error texts.

    Empty is an `_embedded` with an empty list, or no `_embedded` beside a `_links` object (Spring HATEOAS).
    Raises `AnswerError` for every other shape, and for one that says there is more than it gives.
    """
    page = _PageReader(what, base_url, path)
    answer = page.object_of(value, "the answer")
    if unknown := len(answer.keys() - _TOP_LEVEL_KEYS):
        page.refuse(f"has {unknown} top-level key(s) besides _embedded, _links and page")
    items = page.items_of(answer)
    next_query, findings = page.next_of(answer)
    page.check_count(answer, len(items), has_next=next_query is not None)
    return ListPage(items, next_query, findings)


@dataclass(frozen=True, slots=True)
class _PageReader:
    what: str
    base_url: str
    path: str

    def refuse(self, how: str) -> NoReturn:
        message = (
            f"{self.what}: the answer {how}; expected: a list as Konkursvarsel documents it, with "
            f"_embedded.{EMBEDDED_KEY}. It is not taken for 'no news'. Look at the kept answer, or run "
            "`konkurs contract`"
        )
        raise AnswerError(message)

    def object_of(self, value: JsonValue, name: str) -> JsonObject:
        if not isinstance(value, dict):
            self.refuse(f"holds {_kind_of(value)} where {name} should be an object")
        return value

    def items_of(self, answer: JsonObject) -> list[JsonValue]:
        if "_embedded" not in answer:
            links = self.object_of(answer.get("_links"), "_links, as there is no _embedded,")
            if not all(map(_is_link, links.values())):
                self.refuse("has no _embedded, and something else than links in its _links")
            return []
        embedded = self.object_of(answer["_embedded"], "_embedded")
        items = embedded.get(EMBEDDED_KEY)
        is_usable = isinstance(items, list) or (isinstance(items, dict) and bool(items))
        if len(embedded) != 1 or not is_usable:
            self.refuse(f"has an _embedded that is not exactly one list named {EMBEDDED_KEY}")
        return one_or_many(items)

    def next_of(self, answer: JsonObject) -> tuple[str | None, tuple[str, ...]]:
        links = self.object_of(answer.get("_links", {}), "_links")
        elsewhere = foreign_links(links, "a link of the list", self.base_url, without="next")
        following = one_or_many(links.get("next"))
        if not following:
            return None, elsewhere
        if len(following) > 1:
            self.refuse("has several paging links")
        href = self.object_of(following[0], "_links.next").get("href")
        target = resolve(self.base_url + self.path, href) if isinstance(href, str) else None
        if target is None or not _QUERY.fullmatch(target.query):
            self.refuse("has a paging link that cannot be read")
        # A proxy may show the service under a prefix of its own. That does no harm: only the query is used.
        if not unquote(target.path).endswith(unquote(self.path)):
            self.refuse("has a paging link to another resource than the one asked for")
        return target.query, (*elsewhere, *other_host("the paging link", target, self.base_url))

    def check_count(self, answer: JsonObject, items: int, *, has_next: bool) -> None:
        if "page" not in answer:
            return
        page = self.object_of(answer["page"], "page")
        number, pages, total = (self._count(page, key) for key in ("number", "totalPages", "totalElements"))
        if has_next:
            return
        if (number or 0) + 1 < (pages or 0):
            self.refuse(f"is page {(number or 0) + 1} of {pages} and has no link to the next one")
        # An empty page that says there are notices is wrong, also if it says it is the last.
        if (not number or not items) and (total or 0) > items:
            self.refuse(f"says it has {total} notices, gives {items} and has no link to more")

    def _count(self, page: JsonObject, key: str) -> int | None:
        count = page.get(key)
        if isinstance(count, bool) or not isinstance(count, int | None):
            self.refuse(f"holds {_kind_of(count)} where page.{key} should be a whole number")
        return count


def parse_notice(item: JsonValue, *, base_url: str | None = None) -> ParsedNotice:
    """Read one item of a list; with `base_url`, compare its own link with where the service is.

    The uuid is lower-cased; the time is cut to microseconds and turned to UTC; a number written with spaces loses
    them; every other non-empty type and debtor of up to 64 characters is taken as it is. Raises
    `UnreadableNoticeError`, and nothing else, for any JSON value.
    """
    if not isinstance(item, dict):
        detail = f"the notice is {_kind_of(item)}"
        raise UnreadableNoticeError(detail, None)
    uuid = _uuid_of(item)
    kind = _text_of(item, "type", uuid)
    registered_at, registered_at_text = _registered_at_of(item, uuid)
    debtor_id = without_spaces(_text_of(item, "debitor", uuid))
    ruling_date, is_invalid = _ruling_date_of(item)
    notice = Notice(uuid, kind, registered_at, registered_at_text, ruling_date, debtor_id)
    return ParsedNotice(notice, is_invalid, link_findings(item, uuid, base_url, whose="a notice"))


def _uuid_of(item: JsonObject) -> str:
    uuid = item.get("uuid")
    if not isinstance(uuid, str) or not UUID_FORM.fullmatch(uuid):
        found = "text of another form" if isinstance(uuid, str) else _member_kind(item, "uuid")
        detail = f"uuid is {found}, expected a UUID"
        raise UnreadableNoticeError(detail, None)
    return uuid.lower()


def _text_of(item: JsonObject, key: str, uuid: str) -> str:
    text = item.get(key)
    if not isinstance(text, str):
        detail = f"{key} is {_member_kind(item, key)}, expected text"
    elif not 0 < len(text) <= MAX_TEXT:
        detail = f"{key} is text of {len(text)} characters, expected 1 to {MAX_TEXT}"
    elif _UNWRITABLE.search(text):
        detail = f"{key} is text with control characters"
    else:
        return text
    raise UnreadableNoticeError(detail, uuid)


def _registered_at_of(item: JsonObject, uuid: str) -> tuple[dt.datetime, str]:
    key = "registreringstidspunkt"
    text = _text_of(item, key, uuid)
    instant = _instant_of(text)
    if instant is None:
        detail = f"{key} is not an ISO instant with Z or an offset, between {_YEARS[0]} and {_YEARS[-1]}"
        raise UnreadableNoticeError(detail, uuid)
    return instant, text


def _instant_of(text: str) -> dt.datetime | None:
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    day, time, seconds, fraction, hours, minutes = found.groups()
    offset = f"{hours or '+00'}:{minutes or '00'}"
    text = f"{day}T{time}:{seconds or '00'}.{(fraction or '0')[:6]:0<6}{offset}"
    try:
        instant = dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return instant if instant.year in _YEARS else None


def _ruling_date_of(item: JsonObject) -> tuple[dt.date | None, bool]:
    text = item.get("kjennelsesdato")
    if text is None:
        return None, False
    if isinstance(text, str) and _DATE.fullmatch(text) and int(text[:4]) in _YEARS:
        try:
            return dt.date.fromisoformat(text), False
        except ValueError:
            pass
    return None, True


def one_or_many(value: JsonValue) -> list[JsonValue]:
    """Return a list of what HAL writes as one object or as a list; null counts as left out."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_link(value: JsonValue) -> bool:
    """Whether a member of `_links` is what HAL allows: a link or a list of links; null counts as left out."""
    if isinstance(value, list):
        return all(isinstance(link, dict) and isinstance(link.get("href"), str) for link in value)
    return value is None or (isinstance(value, dict) and isinstance(value.get("href"), str))


def _member_kind(item: JsonObject, key: str) -> str:
    return _kind_of(item[key]) if key in item else "missing"


def _kind_of(value: JsonValue) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"
