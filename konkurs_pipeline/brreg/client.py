"""Konkursvarsel, the client: lists of notices and expanded datasets, over one HTTP client.

URLs are made from the base URL and a uuid, never taken from an answer, and no redirect is followed. The bytes
of every good answer are handed to `keep` before anything is parsed. What does not belong here: what a failure
means (`diagnosis`), what an answer holds (`wire`), where it is kept (storage/).
"""

from __future__ import annotations

import datetime as dt
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import httpx

from konkurs_pipeline.brreg.certificate import settings_context
from konkurs_pipeline.brreg.diagnosis import AttemptFailedError, Host
from konkurs_pipeline.brreg.fan_out import fetch_each
from konkurs_pipeline.brreg.fetching import MIB, Answer, Fetcher
from konkurs_pipeline.brreg.wire import UUID_FORM, parse_json, parse_list
from konkurs_pipeline.clock import Clock, utc_now
from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.errors import AnswerError, NotFoundError, ServiceError, ServiceUnreachableError
from konkurs_pipeline.json_strict import JsonObject, JsonValue
from konkurs_pipeline.settings import Settings

MAX_PAGES: Final = 1000
# Twenty years of the register.
MAX_NOTICES: Final = 250_000
ALL_NOTICES: Final = "/konkursvarsler"
# Shorter than the interval between looks, and than the 60 seconds that Dagster gives a sensor.
_LOOK_DEADLINE_S: Final = 10.0
UPDATED_AFTER: Final = "/konkursvarsler/oppdatert"


Keep = Callable[[Answer], None]


@dataclass(frozen=True, slots=True)
class ListItem:
    """One item of a list, not parsed, and the answer (the page) that held it."""

    value: JsonValue
    answer: Answer


@dataclass(frozen=True, slots=True)
class NoticeList:
    """A list with all its pages: its items, the answers it came in, and findings about its shape."""

    items: list[ListItem]
    answers: tuple[Answer, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LookPage:
    """The uuids of a list's first page, and the answer. `is_whole`: there are no more pages, and each item has a uuid."""

    uuids: frozenset[str]
    answer: Answer
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Document:
    """One expanded dataset, a JSON object as received, and the answer that held it."""

    content: JsonObject
    answer: Answer


def connect(settings: Settings) -> Konkursvarsel:
    """Return a client for the configured service. Raises `CertificateError`; sends nothing yet."""
    is_tls = urlsplit(settings.api_url).scheme == "https"
    context = settings_context(settings) if is_tls else None
    return Konkursvarsel(settings.api_url, ssl_context=context, deadline_s=settings.http_deadline_s)


def look_client(settings: Settings) -> Konkursvarsel:
    """Return a client for light looks: one attempt, with a short deadline and a small answer."""
    is_tls = urlsplit(settings.api_url).scheme == "https"
    return Konkursvarsel(
        settings.api_url,
        ssl_context=settings_context(settings) if is_tls else None,
        deadline_s=min(_LOOK_DEADLINE_S, settings.http_deadline_s),
        max_bytes_list=8 * MIB,
        attempts=1,
    )


def asked_to_wait_s(error: ServiceError) -> float:
    """Return for how many seconds the service asked us to wait; 0: it did not."""
    return error.retry_after_s if isinstance(error, AttemptFailedError) else 0.0


class Konkursvarsel:
    """The service, asked over one HTTP client; a context manager.

    `ssl_context` None is for plain http on loopback. `deadline_s`: total seconds of one attempt, connecting
    and body included; `max_bytes_…`: largest decompressed answer (of a list: all pages together); `attempts`:
    how often what may pass by itself (broken connections, timeouts, 429, 5xx) is tried; `http`: the HTTP client
    underneath, `now`: the clock that stamps answers, both for simulations. Every method may raise any `ServiceError`.
    """

    def __init__(  # noqa: PLR0913  # limits that a caller may set, all by name
        self,
        base_url: str,
        *,
        ssl_context: ssl.SSLContext | None,
        deadline_s: float,
        list_deadline_s: float = 300.0,
        max_bytes_list: int = 64 * MIB,
        max_bytes_dataset: int = 4 * MIB,
        attempts: int = 3,
        http: httpx.Client | None = None,
        now: Clock = utc_now,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._list_deadline_s = list_deadline_s
        self._max_bytes_list = max_bytes_list
        self._max_bytes_dataset = max_bytes_dataset
        self._fetcher = Fetcher(
            Host(self._base_url),
            ssl_context=ssl_context,
            deadline_s=deadline_s,
            attempts=attempts,
            http=http,
            now=now,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._fetcher.close()

    def fetch_root(self) -> JsonValue:
        """Return the service's root document: the smallest request that shows whether the service lets us in."""
        answer = self._fetcher.get("/", None, self._max_bytes_dataset)
        return parse_json(answer.body, what="GET /")

    def fetch_notices(self, after: dt.datetime, *, keep: Keep) -> NoticeList:
        """Return the notices registered after `after` (with a time zone; cut to milliseconds).

        Where the service does not have that resource for this time, all notices are fetched instead, and a
        finding says so.
        """
        if after.tzinfo is None:
            message = "the time to ask from needs a time zone"
            raise ValueError(message)
        path = f"{UPDATED_AFTER}/{instant_text(after)}"
        try:
            return self._fetch_list(path, keep)
        except NotFoundError:
            full = self.fetch_all_notices(keep=keep)
        finding = f"the service has no {UPDATED_AFTER} for the time asked for; all notices were read instead"
        return replace(full, findings=(finding, *full.findings))

    def look(self, after: dt.datetime) -> LookPage:
        """Return the first page of what was registered after `after`. One request."""
        path = f"{UPDATED_AFTER}/{instant_text(after)}"
        answer = self._fetcher.get(path, None, self._max_bytes_list)
        page = parse_list(parse_json(answer.body, what="a look"), what="a look", base_url=self._base_url, path=path)
        uuids = (item.get("uuid") for item in page.items if isinstance(item, dict))
        found = {uuid.lower() for uuid in uuids if isinstance(uuid, str) and UUID_FORM.fullmatch(uuid)}
        return LookPage(frozenset(found), answer, is_whole=page.next_query is None and len(found) == len(page.items))

    def fetch_all_notices(self, *, keep: Keep) -> NoticeList:
        """Return every notice the service has."""
        return self._fetch_list(ALL_NOTICES, keep)

    def fetch_dataset(self, uuid: str, *, keep: Keep, until: float | None = None) -> Document:
        """Return the expanded dataset of one notice; `until`: by the monotonic clock, when the request must have ended."""
        path = _dataset_path(uuid)
        answer = self._fetcher.get(path, None, self._max_bytes_dataset, until=until)
        keep(answer)
        dataset = parse_json(answer.body, what=f"GET {path}")
        if not isinstance(dataset, dict):
            message = f"GET {path}: the answer is no JSON object; expected: a dataset. Look at what was kept"
            raise AnswerError(message)
        return Document(dataset, answer)

    def fetch_datasets(
        self, uuids: Sequence[str], *, keep: Keep, concurrency: int = 8, until: float | None = None
    ) -> Iterator[tuple[str, Document | ServiceError]]:
        """Return the datasets of several notices, in the order asked for; an error for one that failed.

        `keep` is called from several threads at once: a disk that syncs is waited for by each alone. `until`: by the
        monotonic clock, when the last request must have ended. After that, after five requests in a row that got no
        answer, or when the service refuses us, the rest is not tried (`NotTriedError`).
        """
        for uuid in uuids:
            _dataset_path(uuid)

        def fetch(uuid: str) -> Document:
            return self.fetch_dataset(uuid, keep=keep, until=until)

        return fetch_each(uuids, fetch, concurrency=concurrency, until=until)

    def _fetch_list(self, path: str, keep: Keep) -> NoticeList:
        items: list[ListItem] = []
        answers: list[Answer] = []
        findings: dict[str, None] = {}
        queries: list[str | None] = [None]
        room = self._max_bytes_list
        due = time.monotonic() + self._list_deadline_s
        while len(answers) < MAX_PAGES:
            if answers and time.monotonic() > due:
                message = (
                    f"GET {path}: {len(answers)} pages took more than {self._list_deadline_s:g} s in all, and there are "
                    "more; expected: a whole list in that time. Try again later, and ask Brreg"
                )
                raise ServiceUnreachableError(message)
            answer = self._fetcher.get(path, queries[-1], room)
            keep(answer)
            room -= len(answer.body)
            what = f"GET {path} (page {len(queries)})"
            page = parse_list(parse_json(answer.body, what=what), what=what, base_url=self._base_url, path=path)
            answers.append(answer)
            items += [ListItem(value, answer) for value in page.items]
            if len(items) > MAX_NOTICES:
                message = f"{what}: the list holds more than {MAX_NOTICES} notices; expected: those of some years"
                raise AnswerError(message)
            findings |= dict.fromkeys(page.findings)
            if page.next_query is None:
                return NoticeList(items, tuple(answers), tuple(findings))
            if page.next_query in queries:
                break
            queries.append(page.next_query)
        message = (
            f"GET {path}: the pages go round in a circle or never end ({len(answers)} read); expected: a "
            "last page "
            "without a next link. Look at the kept answers, and tell Brreg"
        )
        raise AnswerError(message)


def _dataset_path(uuid: str) -> str:
    if not UUID_FORM.fullmatch(uuid):
        message = "a dataset is asked for by its notice's uuid, and this is no uuid"
        raise ValueError(message)
    return f"{ALL_NOTICES}/{uuid.lower()}"
