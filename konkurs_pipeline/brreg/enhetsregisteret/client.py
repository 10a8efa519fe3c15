"""Enhetsregisteret, the client: the list of all flagged units, and single units that Konkursvarsel named.

No customer's number is ever asked about: the list is fetched whole and compared at home. The client certificate is not
shown to this host, unless it is Konkursvarsel's own (the simulator). What does not belong here: the comparison
(domain/second_source).
"""

from __future__ import annotations

import datetime as dt
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlencode, urlsplit

from konkurs_pipeline.brreg.certificate import settings_context, trusting
from konkurs_pipeline.brreg.diagnosis import Host
from konkurs_pipeline.brreg.enhetsregisteret.wire import FLAGS, UnitPage, parse_unit, parse_unit_page
from konkurs_pipeline.brreg.fan_out import fetch_each
from konkurs_pipeline.brreg.fetching import MIB, Fetcher
from konkurs_pipeline.brreg.wire import parse_json
from konkurs_pipeline.clock import Clock, utc_now
from konkurs_pipeline.domain.second_source import Unit
from konkurs_pipeline.errors import AnswerError, GoneError, NotFoundError, ServiceError, ServiceUnreachableError
from konkurs_pipeline.settings import Settings

UNITS: Final = "/enheter"
SETTING: Final = "KONKURS_ENHETSREGISTERET_URL"
# A search shows no more than this, on any page.
_MOST_SHOWN: Final = 10_000
_PAGE_SIZE: Final = 1000
_MAX_BYTES_PAGE: Final = 32 * MIB
_MAX_BYTES_UNIT: Final = MIB
# All pages of all searches together; the register of companies has some 20 000 flagged units.
_LIST_DEADLINE_S: Final = 600.0
# How many requests run at once: the register is open to all, and we are guests.
_SINGLE_QUESTIONS_AT_ONCE: Final = 2
_FIRST_REGISTERED: Final = dt.date(1900, 1, 1)


@contextmanager
def connect_enhetsregisteret(settings: Settings, *, now: Clock = utc_now) -> Iterator[Enhetsregisteret]:
    """Yield a client for the configured second source. Raises `CertificateError`; sends nothing yet."""
    ours, theirs = urlsplit(settings.api_url), urlsplit(settings.enhetsregisteret_url)
    context = None
    if theirs.scheme == "https":
        is_simulator = (ours.hostname, ours.port) == (theirs.hostname, theirs.port)
        context = settings_context(settings) if is_simulator else trusting(settings.ca_bundle, with_system_roots=True)
    host = Host(settings.enhetsregisteret_url.rstrip("/"), SETTING, asks_for_certificate=False)
    client = Enhetsregisteret(host, ssl_context=context, deadline_s=settings.http_deadline_s, now=now)
    try:
        yield client
    finally:
        client.close()


class Enhetsregisteret:
    """The open register of units, asked over one HTTP client. Every method may raise any `ServiceError`."""

    def __init__(
        self, host: Host, *, ssl_context: ssl.SSLContext | None, deadline_s: float, now: Clock = utc_now
    ) -> None:
        self._fetcher = Fetcher(host, ssl_context=ssl_context, deadline_s=deadline_s, now=now)
        self._host = host
        self._now = now

    def close(self) -> None:
        """Close the connections."""
        self._fetcher.close()

    def fetch_flagged(self) -> dict[str, Unit]:
        """Return every unit that is flagged bankrupt or under forced liquidation or dissolution, by its number."""
        due = time.monotonic() + _LIST_DEADLINE_S
        found: dict[str, Unit] = {}
        for flag in FLAGS:
            first = self._page({flag: "true"}, 0, due)
            units = list(self._all_of(first, {flag: "true"}, due))
            distinct = {unit.orgnr: unit for unit in units}
            if len(distinct) < first.total:
                message = (
                    f"GET {UNITS} at {self._host}: the search for {flag} has {first.total} units, and its pages give "
                    f"{len(distinct)}; expected: all of them. Nothing was compared; the next run tries again"
                )
                raise AnswerError(message)
            found |= {orgnr: unit for orgnr, unit in distinct.items() if unit.is_flagged}
        return found

    def fetch_units(self, orgnrs: Sequence[str]) -> Iterator[tuple[str, Unit | ServiceError | None]]:
        """Yield single units in the order asked for: null for one that is not known, an error for one that failed."""
        for orgnr, found in fetch_each(orgnrs, self._fetch_unit, concurrency=_SINGLE_QUESTIONS_AT_ONCE):
            if isinstance(found, GoneError):
                yield orgnr, Unit(orgnr, None, is_flagged=False, is_deleted=True)
            else:
                yield orgnr, None if isinstance(found, NotFoundError) else found

    def _fetch_unit(self, orgnr: str) -> Unit:
        shown_as = f"{UNITS}/…"
        answer = self._fetcher.get(f"{UNITS}/{orgnr}", None, _MAX_BYTES_UNIT, shown_as=shown_as)
        return parse_unit(parse_json(answer.body, what=f"GET {shown_as}"), what=f"GET {shown_as}")

    def _all_of(self, first: UnitPage, query: dict[str, str], due: float) -> Iterator[Unit]:
        """Yield the units of a search whose first page is read; split a search with too many by date of registration."""
        if first.total <= _MOST_SHOWN:
            yield from first.units
            pages = -(-first.total // _PAGE_SIZE) if first.pages is None else first.pages
            for number in range(1, min(pages, _MOST_SHOWN)):
                yield from self._page(query, number, due).units
        else:
            yield from self._split(query, _FIRST_REGISTERED, self._now().date() + dt.timedelta(days=1), due)

    def _split(self, query: dict[str, str], since: dt.date, until: dt.date, due: float) -> Iterator[Unit]:
        if since == until:
            message = (
                f"GET {UNITS} at {self._host}: more than {_MOST_SHOWN} flagged units were registered on one day; expected: "
                "parts that a search can show. Nothing was compared; ask Brreg"
            )
            raise AnswerError(message)
        middle = since + (until - since) // 2
        for first_day, last_day in ((since, middle), (middle + dt.timedelta(days=1), until)):
            part = {
                **query,
                "fraRegistreringsdatoEnhetsregisteret": first_day.isoformat(),
                "tilRegistreringsdatoEnhetsregisteret": last_day.isoformat(),
            }
            first = self._page(part, 0, due)
            if first.total <= _MOST_SHOWN:
                yield from self._all_of(first, part, due)
            else:
                yield from self._split(query, first_day, last_day, due)

    def _page(self, query: dict[str, str], number: int, due: float) -> UnitPage:
        if time.monotonic() > due:
            message = (
                f"GET {UNITS} at {self._host}: the list took more than {_LIST_DEADLINE_S:g} s in all; expected: a whole "
                "list in that time. Nothing was compared; the next run tries again"
            )
            raise ServiceUnreachableError(message)
        whole = {**query, "sort": "organisasjonsnummer,asc", "page": str(number), "size": str(_PAGE_SIZE)}
        answer = self._fetcher.get(UNITS, urlencode(whole, safe=","), _MAX_BYTES_PAGE)
        what = f"GET {UNITS} (page {number + 1})"
        return parse_unit_page(parse_json(answer.body, what=what), what=what)
