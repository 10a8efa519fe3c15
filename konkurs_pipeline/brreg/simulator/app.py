"""The four endpoints of Konkursvarsel (docs/domain.md § 2), notices becoming visible over time.

Where the service's behaviour is not public, the simulator decides: "after" is strict, an empty list leaves
`_embedded` out and keeps `_links`, an unknown or not yet visible uuid is 404, an unreadable time 400, and
pages are `?page=N`, counted from 1. It serves Enhetsregisteret too. Tests use `app.state.simulation`: it has the requests so
far, and a test may change what is served. What does not belong here: sockets and TLS (server.py).
"""

from __future__ import annotations

import datetime as dt
import json
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from konkurs_pipeline.brreg.simulator.datasets import expanded_dataset
from konkurs_pipeline.brreg.simulator.enhetsregisteret.search import UNITS_PATH, search
from konkurs_pipeline.brreg.simulator.enhetsregisteret.units import UnitJson, units_of
from konkurs_pipeline.brreg.simulator.fault_answers import CONTENT_TYPE, SimulatedAnswer, respond
from konkurs_pipeline.brreg.simulator.faults import Fault, FaultBook, FaultKind, Resource
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice
from konkurs_pipeline.clock import Clock, utc_now
from konkurs_pipeline.domain.instants import instant_text

# A simulator that runs for weeks keeps its last requests only.
_REQUESTS_KEPT: Final = 100_000
_LIST_PATH: Final = "/konkursvarsler"


class RequestLine(NamedTuple):
    """A request as it came: `path` with its query."""

    method: str
    path: str


class Simulation:
    """What one simulator serves, and what it was asked. Tests may change the attributes while it runs."""

    def __init__(
        self, notices: Iterable[SimulatedNotice], now: Clock, faults: FaultBook, page_size: int | None
    ) -> None:
        self.now = now
        self.faults = faults
        self.page_size = page_size
        # For Enhetsregisteret: fields of units that differ from the notices (null: no such unit), and how many units a
        # search shows.
        self.unit_changes: dict[str, UnitJson | None] = {}
        self.search_shows = 10_000
        self.requests: deque[RequestLine] = deque(maxlen=_REQUESTS_KEPT)
        self.replace_notices(notices)

    def replace_notices(self, notices: Iterable[SimulatedNotice]) -> None:
        """Serve these from now on."""
        self._notices = sorted(notices, key=lambda notice: notice.order)
        self._of_uuid: defaultdict[str, list[SimulatedNotice]] = defaultdict(list)
        for notice in self._notices:
            self._of_uuid[notice.uuid].append(notice)

    def visible_after(self, instant: dt.datetime | None) -> list[SimulatedNotice]:
        """Return the visible notices registered after `instant` (None: all), in order of registration."""
        now, notices = self.now(), self._notices
        start = bisect_right(notices, instant, key=lambda notice: notice.registered_at) if instant else 0
        return [notice for notice in notices[start:] if notice.is_visible(now)]

    def units(self) -> dict[str, UnitJson]:
        """Return the units of Enhetsregisteret, as the visible notices have them."""
        return units_of(self.visible_after(None), self.unit_changes)

    def visible_notice(self, uuid: str) -> SimulatedNotice | None:
        """Return the visible notice of that uuid."""
        now = self.now()
        return next((notice for notice in self._of_uuid.get(uuid, []) if notice.is_visible(now)), None)


def build_app(
    notices: Iterable[SimulatedNotice],
    *,
    now: Clock = utc_now,
    faults: Iterable[Fault] = (),
    page_size: int | None = None,
) -> Starlette:
    """Return the ASGI app that serves `notices` as visible at `now()`; no `page_size`: all on one page."""
    simulation = Simulation(notices, now, FaultBook(faults), page_size)
    endpoints = _Endpoints(simulation)
    app = Starlette(
        routes=[
            Route("/", endpoints.root),
            Route(_LIST_PATH, endpoints.list_all),
            Route(_LIST_PATH + "/oppdatert/{registreringstidspunkt}", endpoints.list_updated),
            Route(_LIST_PATH + "/{uuid}", endpoints.dataset),
            Route(UNITS_PATH, endpoints.search_units),
            Route(UNITS_PATH + "/{orgnr}", endpoints.unit),
        ],
        exception_handlers={HTTPException: _explain},
    )
    app.router.redirect_slashes = False
    app.state.simulation = simulation
    app.add_middleware(_RequestLog, simulation=simulation)
    return app


class _RequestLog:
    """ASGI middleware that keeps the line of every request, also of those that meet a fault."""

    def __init__(self, app: ASGIApp, simulation: Simulation) -> None:
        self._app = app
        self._simulation = simulation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the request and pass it on."""
        query = scope["query_string"].decode("ascii")
        path = f"{scope['path']}?{query}" if query else scope["path"]
        self._simulation.requests.append(RequestLine(scope["method"], path))
        await self._app(scope, receive, send)


class _Endpoints:
    """One method a resource; each counts the request with the faults before it answers."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    async def root(self, request: Request) -> ASGIApp:
        fault = self._simulation.faults.take(Resource.ROOT)
        base_url = _base_url(request)
        links = {
            "self": {"href": f"{base_url}/"},
            "konkursvarsler": {"href": f"{base_url}{_LIST_PATH}"},
            "oppdatert": {
                "href": f"{base_url}{_LIST_PATH}/oppdatert/{{registreringstidspunkt}}",
                "templated": True,
            },
        }
        return respond(_answer(request, {"_links": links}), fault)

    async def list_all(self, request: Request) -> ASGIApp:
        return self._list(request, after=None)

    async def list_updated(self, request: Request) -> ASGIApp:
        return self._list(request, after=request.path_params["registreringstidspunkt"])

    async def dataset(self, request: Request) -> ASGIApp:
        uuid = request.path_params["uuid"]
        fault = self._simulation.faults.take(Resource.DATASET, uuid)
        notice = self._simulation.visible_notice(uuid)
        if notice is None:
            return respond(_problem(request, 404, "Not Found"), fault)
        if notice.dataset is not None:
            return respond(SimulatedAnswer(notice.dataset.encode(), _base_url(request)), fault)
        return respond(_answer(request, expanded_dataset(notice, _href(request, notice))), fault)

    async def search_units(self, request: Request) -> ASGIApp:
        fault = self._simulation.faults.take(Resource.UNITS)
        shows = self._simulation.search_shows
        try:
            found = search(self._simulation.units(), request.query_params, address=str(request.url), search_shows=shows)
        except ValueError:
            return respond(_problem(request, 400, "Bad Request"), fault)
        return respond(_answer(request, found), fault)

    async def unit(self, request: Request) -> ASGIApp:
        fault = self._simulation.faults.take(Resource.UNITS)
        unit = self._simulation.units().get(request.path_params["orgnr"])
        if unit is None:
            return respond(_problem(request, 404, "Not Found"), fault)
        is_gone = "slettedato" in unit
        return respond(_answer(request, unit, 410 if is_gone else 200), fault)

    def _list(self, request: Request, *, after: str | None) -> ASGIApp:
        fault = self._simulation.faults.take(Resource.LIST)
        is_paged = fault is not None and fault.kind is FaultKind.PAGING
        page_size = fault.size if fault is not None and is_paged else self._simulation.page_size
        try:
            page = _page_number(request)
            notices = self._simulation.visible_after(None if after is None else _instant(after))
        except ValueError:
            return respond(_problem(request, 400, "Bad Request"), fault)
        return respond(_answer(request, _list_document(request, notices, page, page_size)), fault)


def _list_document(
    request: Request, notices: list[SimulatedNotice], page: int, page_size: int | None
) -> dict[str, Any]:
    size = page_size or max(1, len(notices))
    shown = notices[(page - 1) * size : page * size]
    links = {"self": {"href": str(request.url)}}
    if page * size < len(notices):
        links["next"] = {"href": str(request.url.include_query_params(page=page + 1))}
    document: dict[str, Any] = {"_links": links}
    if shown:
        # Spring HATEOAS leaves an empty collection out altogether.
        document = {"_embedded": {"konkursvarsler": [_entry(request, each) for each in shown]}, **document}
    return document


def _entry(request: Request, notice: SimulatedNotice) -> dict[str, Any]:
    return {
        "uuid": notice.uuid,
        "type": notice.type,
        "registreringstidspunkt": notice.registered_at_text,
        "kjennelsesdato": notice.ruling_date.isoformat() if notice.ruling_date else None,
        "debitor": notice.debtor_id,
        "_links": {"self": {"href": _href(request, notice)}},
    }


def _page_number(request: Request) -> int:
    page = int(request.query_params.get("page", "1"))
    if page < 1:
        message = "pages are counted from 1"
        raise ValueError(message)
    return page


def _instant(text: str) -> dt.datetime:
    instant = dt.datetime.fromisoformat(text)
    if instant.tzinfo is None:
        message = "a time needs its zone"
        raise ValueError(message)
    return instant


def _base_url(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _href(request: Request, notice: SimulatedNotice) -> str:
    return f"{_base_url(request)}{_LIST_PATH}/{notice.uuid}"


def _answer(request: Request, document: dict[str, Any], status: int = 200) -> SimulatedAnswer:
    return SimulatedAnswer(json.dumps(document, ensure_ascii=False).encode(), _base_url(request), status)


def _problem(request: Request, status: int, error: str) -> SimulatedAnswer:
    # The shape of Spring's default error answer, as the rest of the service is Spring's.
    document = {
        "timestamp": instant_text(utc_now()),
        "status": status,
        "error": error,
        "path": request.url.path,
    }
    return _answer(request, document, status)


async def _explain(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    answer = _problem(request, status, error.detail if isinstance(error, HTTPException) else "Internal Server Error")
    return Response(answer.body, answer.status, {"Content-Type": CONTENT_TYPE})
