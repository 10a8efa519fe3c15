"""Konkursvarsel in memory, under the real client: what it has shown, its answers, and its failures.

Requests never leave the process: the pipeline's own client uses a transport that answers here. Each whole answer is noted, so
the oracle knows exactly what the pipeline got.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from konkurs_pipeline.brreg import client
from konkurs_pipeline.brreg.client import Keep, Konkursvarsel
from konkurs_pipeline.brreg.simulator.datasets import expanded_dataset, trustee_of
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice
from konkurs_pipeline.brreg.simulator.population import seeded
from konkurs_pipeline.errors import ServiceError
from tests.pipeline.kit import KeptOpenClient
from tests.simulation.oracle import Notified, Unit
from tests.simulation.world import Entry, World

URL: Final = "http://127.0.0.1:9"
_LIST: Final = "/konkursvarsler"
_AFTER: Final = f"{_LIST}/oppdatert/"
_JSON: Final = {"Content-Type": "application/json;charset=UTF-8"}
_ONE_DAY: Final = dt.timedelta(days=1)
_LONG_AGO: Final = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)

Spoil = Callable[[bytes], httpx.Response]


class _CutShort(httpx.SyncByteStream):
    """Half a body, and then the connection breaks."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body[: len(self._body) // 2]
        message = "peer closed connection"
        raise httpx.RemoteProtocolError(message)


def _status(status: int, **headers: str) -> Spoil:
    return lambda body: httpx.Response(status, content=body if status == 404 else b"08086001471", headers=headers)


def _says(content: bytes) -> Spoil:
    return lambda _: httpx.Response(200, content=content, headers=_JSON)


def _with(member: bytes) -> Spoil:
    return lambda body: httpx.Response(200, content=b"{" + member + b"," + body[1:], headers=_JSON)


def _breaks(error: type[httpx.TransportError]) -> Spoil:
    def answer(_: bytes) -> httpx.Response:
        message = "injected"
        raise error(message)

    return answer


# Every failure of a list or a dataset. None of them may count as an empty list.
FAULTS: Final[dict[str, Spoil]] = {
    "204": _status(204),
    "302": _status(302, Location="https://127.0.0.2:1/"),
    "401": _status(401),
    "403": _status(403),
    "429": _status(429, **{"Retry-After": "3600"}),
    "500": _status(500),
    "503": _status(503),
    "html": _says(b"<!DOCTYPE html><html>Logg inn</html>"),
    "empty body": _says(b""),
    "{}": _says(b"{}"),
    "[]": _says(b"[]"),
    "wrong key": _says(b'{"_embedded":{"varsler":[]}}'),
    "null": _says(b"null"),
    "cut": lambda body: httpx.Response(200, content=body[: len(body) // 2], headers=_JSON),
    "cut connection": lambda body: httpx.Response(200, stream=_CutShort(body), headers=_JSON),
    "reset": _breaks(httpx.ReadError),
    "refused": _breaks(httpx.ConnectError),
    "too slow": _breaks(httpx.ReadTimeout),
    "not gzip": lambda body: httpx.Response(200, stream=httpx.ByteStream(body), headers={"Content-Encoding": "gzip"}),
    "NaN": _with(b'"antall":NaN'),
    "6000 digits": _with(b'"antall":' + b"9" * 6000),
    "invalid UTF-8": _with(b'"merknad":"\xff"'),
    "equal keys": lambda body: httpx.Response(200, content=body[:-1] + b',"_links":{},"_links":{}}', headers=_JSON),
    "too deep": _says(b"[" * 100_000),
}


@dataclass(frozen=True)
class Document:
    """A delivered dataset, as the oracle reads it."""

    debtor: str
    units: tuple[Unit, ...]
    contradicts: bool


class OneAtATime(KeptOpenClient):
    """Fetches one dataset after the other, so that a seed always writes its files in the same order."""

    def fetch_datasets(
        self, uuids: Sequence[str], *, keep: Keep, concurrency: int = 1, until: float | None = None
    ) -> Iterator[tuple[str, client.Document | ServiceError]]:
        return super().fetch_datasets(uuids, keep=keep, concurrency=concurrency, until=until)


@dataclass
class Service:
    """The service of one world. A poll's faults are set before it; what it got is read after it."""

    world: World
    now: dt.datetime
    seed: int
    list_fault: str | None = None
    dataset_fault_share: float = 0.0
    is_silent: bool = False
    is_forgetful: bool = False
    page_size: int | None = None
    seen: set[str] = field(default_factory=set)
    items: dict[str, tuple[Entry, SimulatedNotice]] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    injected: Counter[str] = field(default_factory=Counter)
    polls: int = 0

    def __post_init__(self) -> None:
        """Index the notices by uuid."""
        self._entry_of = {entry.notice.uuid: entry for entry in self.world.entries}

    def begin(self, now: dt.datetime) -> random.Random:
        """Begin a poll at `now`, without faults and deliveries. Returns the poll's own random generator."""
        self.now, self.items, self.documents = now, {}, {}
        self.list_fault, self.dataset_fault_share, self.page_size = None, 0.0, None
        self.is_silent = self.is_forgetful = False
        self.polls += 1
        return seeded(f"poll {self.seed} {self.polls}")

    def client(self) -> Konkursvarsel:
        """Return the pipeline's client, answered by this service."""
        http = httpx.Client(transport=httpx.MockTransport(self._answer))
        return OneAtATime(URL, ssl_context=None, deadline_s=60, attempts=1, http=http, now=lambda: self.now)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == _LIST or path.startswith(_AFTER):
            answer = self._list(path, int(request.url.params.get("page", 1)))
        else:
            answer = self._dataset(path.removeprefix(f"{_LIST}/"))
        if not answer.is_stream_consumed:
            return answer
        # The client streams, and httpx takes a response with whole content for one that was read already.
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content))

    def _list(self, path: str, page: int) -> httpx.Response:
        if self.is_forgetful and path != _LIST:
            self.injected["list: 404 for the time"] += 1
            return httpx.Response(404, content=b"{}", headers=_JSON)
        after = dt.datetime.fromisoformat(path.removeprefix(_AFTER)) if path != _LIST else _LONG_AGO
        shown = [(entry, notice) for entry, notice in self._visible() if notice.registered_at > after]
        # Nobody promises the order of a list, and a notice may stand in it twice.
        chance = seeded(f"list {self.seed} {self.polls}")
        chance.shuffle(shown)
        shown += shown[:1] if chance.random() < 0.1 else []
        size = self.page_size or max(1, len(shown))
        self.injected["list: empty, though there is news"] += self.is_silent
        part = [] if self.is_silent else shown[(page - 1) * size : page * size]
        document: dict[str, Any] = {"_links": {"self": {"href": f"{URL}{path}"}}}
        if page * size < len(shown) and not self.is_silent:
            document["_links"]["next"] = {"href": f"{URL}{path}?page={page + 1}"}
        if part:
            document["_embedded"] = {"konkursvarsler": [_item(entry, notice) for entry, notice in part]}
        body = json.dumps(document).encode()
        if self.list_fault:
            self.injected[f"list: {self.list_fault}"] += 1
            return FAULTS[self.list_fault](body)
        self.items |= {entry.notice.uuid: (entry, notice) for entry, notice in part}
        return httpx.Response(200, content=body, headers=_JSON)

    def _visible(self) -> Iterator[tuple[Entry, SimulatedNotice]]:
        for entry in self.world.entries:
            if (notice := self._version(entry)) is not None:
                yield entry, notice

    def _version(self, entry: Entry) -> SimulatedNotice | None:
        was_seen = entry.notice.uuid in self.seen
        if not entry.notice.is_visible(self.now) or (entry.goes_away and was_seen):
            return None
        return entry.change if entry.change and was_seen else entry.notice

    def _dataset(self, uuid: str) -> httpx.Response:
        notice = self._version(self._entry_of[uuid])
        if notice is None:
            return httpx.Response(404, content=b"{}", headers=_JSON)
        chance = seeded(f"dataset {self.seed} {self.polls} {uuid}")
        document, delivered = self._document(notice)
        body = json.dumps(document).encode()
        if chance.random() < self.dataset_fault_share:
            fault = chance.choice(sorted(FAULTS))
            self.injected[f"dataset: {fault}"] += 1
            return FAULTS[fault](body)
        self.documents[uuid] = delivered
        return httpx.Response(200, content=body, headers=_JSON)

    def _document(self, notice: SimulatedNotice) -> tuple[dict[str, Any], Document]:
        """Return the dataset of a notice. Some are odd, and a few contradict their notice for a day."""
        draw = seeded(f"document {self.seed} {notice.uuid}").random()
        document = expanded_dataset(notice, f"{URL}{_LIST}/{notice.uuid}")
        if draw < 0.02 and self.now < notice.registered_at + _ONE_DAY:
            document["type"] = "avslutning" if notice.type != "avslutning" else "aapning"
            self.injected["dataset: contradicts its notice"] += 1
            return document, Document(notice.debtor_id, (), contradicts=True)
        units = document["tilknyttedeEnheter"]
        units_read = tuple(Unit(unit["organisasjonsnummer"]) for unit in units)
        stranger = self.world.bystanders[int(draw * 1000) % len(self.world.bystanders)]
        if 0.02 < draw < 0.05:
            units.append({"organisasjonsnummer": stranger, "navn": "Ukjent", "organisasjonsform": "ANS"})
            # The trustee is never a party, even if the document lists it as a unit.
            units_read += (Unit(stranger, doubtful=True),) if stranger != trustee_of(notice.debtor_id) else ()
        elif draw < 0.08:
            units.append({"organisasjonsnummer": stranger, "navn": "Bo", "organisasjonsform": "KBO"})
        elif draw < 0.11:
            document["rekvirent"] = {"organisasjonsnummer": stranger}
        elif draw < 0.14:
            document["_links"]["self"]["href"] = "https://127.0.0.2:1/konkursvarsler/x"
        elif draw < 0.6 and notice.type != "aapning":
            # An ending need not name the units again.
            document["tilknyttedeEnheter"], units_read = [], ()
            self.injected["dataset: an ending without units"] += 1
        return document, Document(notice.debtor_id, units_read, contradicts=False)


def for_oracle(entry: Entry, notice: SimulatedNotice) -> Notified:
    """Return a notice in the form of the oracle."""
    is_flawed = entry.oddity in {"unknown_type", "no_ruling_date"}
    return Notified(
        notice.uuid,
        notice.type,
        notice.registered_at_text,
        notice.debtor_id,
        invalid=entry.oddity == "damaged_debtor",
        flawed=is_flawed,
        ruled=notice.ruling_date.isoformat() if notice.ruling_date else "",
    )


def _item(entry: Entry, notice: SimulatedNotice) -> dict[str, Any]:
    ruling_date = notice.ruling_date.isoformat() if notice.ruling_date else None
    return {
        "uuid": notice.uuid,
        "type": notice.type,
        "registreringstidspunkt": notice.registered_at_text,
        "kjennelsesdato": "2018-02-30" if entry.oddity == "no_ruling_date" else ruling_date,
        "debitor": int(notice.debtor_id) if entry.oddity == "unreadable" else notice.debtor_id,
        "_links": {"self": {"href": f"{URL}{_LIST}/{notice.uuid}"}},
    }
