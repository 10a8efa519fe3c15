"""How the service's answers differ from the shapes that are assumed: field by field, from real answers.

Brreg's field names for the datasets are not public, so this is the first thing to run against the test environment; what
differs is mended by a dataset map (`KONKURS_DATASET_MAP`), not by code. No value is shown, but codes.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from konkurs_pipeline.brreg.client import connect
from konkurs_pipeline.brreg.wire import UnreadableNoticeError, parse_notice
from konkurs_pipeline.domain.datasets import DatasetMap, walk
from konkurs_pipeline.domain.foreign_text import shown
from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.errors import ServiceError
from konkurs_pipeline.json_strict import JsonObject
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.dataset_map import load_dataset_map

LIST_FIELDS: Final = ("uuid", "type", "registreringstidspunkt", "kjennelsesdato", "debitor", "_links")
CODES: Final[Mapping[str, frozenset[str]]] = {
    "type": frozenset(kind.value for kind in NoticeType),
    "grounds": frozenset("BOT"),
    "liquidation_code": frozenset({"TVDL", "TVRE", "TVRR", "TVST", "TVBA", "TVOV"}),
    "closing_code": frozenset("MUTA"),
}
# Fields of a linked unit are looked for inside each unit.
_IN_UNIT: Final = frozenset({"linked_unit_id", "linked_unit_name", "linked_unit_form"})
# Known places that no field of the map stands for; their absence says nothing.
_ALSO_KNOWN: Final = frozenset(
    {
        "_links.self.href",
        "registreringstidspunkt",
        "fristdag",
        "fordringsfrist",
        "bostyrer.epost",
        "bostyrer.telefon",
        "konkursbo.navn",
    }
)


@dataclass(frozen=True)
class FieldReport:
    """One field: in how many of the documents it was found, and what is to be said of it."""

    part: str
    name: str
    found: int
    of: int
    remark: str | None = None


@dataclass
class _Documents:
    documents: list[Mapping[str, object]] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


def compare_shapes(settings: Settings, now: dt.datetime, *, datasets: int = 50) -> Iterator[FieldReport]:
    """Read the list since the start of the lookback (or all, when that is empty) and some datasets; report each field.

    Raises `ServiceError` when the list cannot be had.
    """
    calendar = settings.calendar
    after = calendar.start_of(calendar.back(calendar.workday_of(now), settings.lookback_workdays))
    fields = load_dataset_map(settings.dataset_map)
    with connect(settings) as service:
        listed = service.fetch_notices(after, keep=lambda _: None)
        if not listed.items:
            listed = service.fetch_all_notices(keep=lambda _: None)
        items = [item for item in listed.items if isinstance(item, dict)]
        yield FieldReport("list", "(notices)", len(items), len(listed.items), "; ".join(listed.findings) or None)
        yield from _list_fields(items)
        read = _Documents()
        uuids = _readable_uuids(items)[:datasets]
        for _, document in service.fetch_datasets(uuids, keep=lambda _: None):
            if isinstance(document, ServiceError):
                read.failures[type(document).__name__] += 1
            else:
                read.documents.append(document)
    failed = ", ".join(f"{count} {name}" for name, count in read.failures.items())
    yield FieldReport("dataset", "(documents)", len(read.documents), len(uuids), failed or None)
    yield from _dataset_fields(read.documents, fields)


def _readable_uuids(items: Sequence[JsonObject]) -> list[str]:
    uuids = []
    for item in items:
        try:
            uuids.append(parse_notice(item).notice.uuid)
        except UnreadableNoticeError:
            continue
    return uuids


def _list_fields(items: Sequence[Mapping[str, object]]) -> Iterator[FieldReport]:
    for name in LIST_FIELDS:
        remark = _unknown_codes("type", (item.get("type") for item in items)) if name == "type" else None
        yield FieldReport("list", name, sum(item.get(name) is not None for item in items), len(items), remark)
    for name, count in sorted(Counter(key for item in items for key in item if key not in LIST_FIELDS).items()):
        yield FieldReport("list", shown(name), count, len(items), "not in the documentation")


def _dataset_fields(documents: Sequence[Mapping[str, object]], fields: DatasetMap) -> Iterator[FieldReport]:
    if not documents:
        return
    units = [unit for document in documents for unit in fields.linked_units(document)]
    for name, paths in fields.paths.items():
        among: Sequence[Mapping[str, object]] = units if name in _IN_UNIT else documents
        values = [_first(document, paths) for document in among]
        found = sum(value is not None for value in values)
        remark = _unknown_codes(name, values)
        if not found and among:
            remark = f"not found at {' or '.join(paths)}: say where it is in a dataset map"
        yield FieldReport("dataset", name, found, len(among), remark)
    yield from _unexpected(documents, fields)


def _first(document: object, paths: Sequence[str]) -> object:
    return next((value for path in paths for value in walk(document, path) if value is not None), None)


def _unknown_codes(name: str, values: Sequence[object] | Iterator[object]) -> str | None:
    known = CODES.get(name)
    unknown = {shown(str(value)) for value in values if value is not None and known is not None and value not in known}
    return f"unknown codes: {', '.join(sorted(unknown))}" if unknown else None


def _unexpected(documents: Sequence[Mapping[str, object]], fields: DatasetMap) -> Iterator[FieldReport]:
    """Report the places of values that no field of the map stands for."""
    in_units = {
        f"{list_}[].{path}" for list_ in fields.paths["linked_units"] for n in _IN_UNIT for path in fields.paths[n]
    }
    declared = {path for name, paths in fields.paths.items() if name not in _IN_UNIT for path in paths}
    known = {*declared, *in_units, *(f"{path}[]" for path in declared), *_ALSO_KNOWN}
    places = Counter(place for document in documents for place in set(_places(document, "")))
    for place, count in sorted(places.items()):
        if place not in known:
            yield FieldReport("dataset", place, count, len(documents), "not in the assumed shape")


def _places(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, f"{path}.{shown(str(key))}" if path else shown(str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _places(inner, f"{path}[]")
    elif value is not None:
        yield path
