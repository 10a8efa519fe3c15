"""Compares the service's real answers with the assumed shapes, field by field.

Brreg's field names for the datasets are not public. So run this first against the test environment. A dataset map
(`KONKURS_DATASET_MAP`) mends what differs, not code. It shows codes, and no other value.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from konkurs_pipeline.brreg.client import connect
from konkurs_pipeline.brreg.wire import UnreadableNoticeError, parse_notice
from konkurs_pipeline.domain.documents.datasets import KNOWN_CODES, DatasetMap, walk
from konkurs_pipeline.domain.documents.map_proposal import ReceivedDocument
from konkurs_pipeline.domain.foreign_text import shown
from konkurs_pipeline.domain.notices import Notice
from konkurs_pipeline.errors import ServiceError
from konkurs_pipeline.json_strict import JsonObject
from konkurs_pipeline.settings import Settings

LIST_FIELDS: Final = ("uuid", "type", "registreringstidspunkt", "kjennelsesdato", "debitor", "_links")
# Fields of a linked unit are looked for inside each unit.
_IN_UNIT: Final = frozenset({"linked_unit_id", "linked_unit_name", "linked_unit_form"})
# Fields with several values: a list, or text if there is one value.
_LISTS: Final = frozenset({"linked_units", "address_lines"})
# Without these list fields a notice cannot be read; without these dataset fields a document names nobody.
_NEEDED_IN_LIST: Final = frozenset({"uuid", "type", "registreringstidspunkt", "debitor"})
_NEEDED_IN_DATASET: Final = frozenset({"debtor_id", "linked_units", "linked_unit_id"})
# How many datasets are read: enough for every type and field.
_DATASETS_READ: Final = 50
# Known places that no field of the map reads. It means nothing if one is missing.
_ALSO_KNOWN: Final = frozenset(
    {
        "_links.self.href",
        "registreringstidspunkt",
        "bostyrer.epost",
        "bostyrer.telefon",
        "konkursbo.navn",
    }
)


@dataclass(frozen=True)
class FieldReport:
    """One field: in how many of the documents it was found, and what differs.

    `stops_matching`: because of it, notices or documents are not matched with customers, or only by a person.
    """

    part: str
    name: str
    found: int
    of: int
    remark: str | None = None
    stops_matching: bool = False


@dataclass(frozen=True)
class Sample:
    """What the service answered: the list's items, findings about the list, documents with their notices, failures."""

    items: Sequence[JsonObject]
    listed: int
    findings: Sequence[str]
    received: Sequence[ReceivedDocument]
    asked: int
    failures: Mapping[str, int]


def take_sample(settings: Settings, now: dt.datetime) -> Sample:
    """Read the list since the start of the lookback (or all, when that is empty) and some datasets of every type.

    Raises `ServiceError` if the list cannot be had.
    """
    calendar = settings.calendar
    after = calendar.start_of(calendar.back(calendar.workday_of(now), settings.lookback_workdays))
    with connect(settings) as service:
        listed = service.fetch_notices(after, keep=lambda _: None)
        if not listed.items:
            listed = service.fetch_all_notices(keep=lambda _: None)
        items = [item.value for item in listed.items if isinstance(item.value, dict)]
        notices = {notice.uuid: notice for notice in _some_of_every_type(_readable(items), _DATASETS_READ)}
        received: list[ReceivedDocument] = []
        failures: Counter[str] = Counter()
        for uuid, document in service.fetch_datasets(list(notices), keep=lambda _: None):
            if isinstance(document, ServiceError):
                failures[type(document).__name__] += 1
            else:
                received.append(ReceivedDocument(notices[uuid], document.content))
    return Sample(items, len(listed.items), listed.findings, received, len(notices), failures)


def compare_shapes(sample: Sample, fields: DatasetMap) -> Iterator[FieldReport]:
    """Report each field of the list, then each field of the datasets, then each place that no field reads."""
    objects = len(sample.items)
    remark = "; ".join(sample.findings) or None
    yield FieldReport("list", "(notices)", objects, sample.listed, remark, stops_matching=objects < sample.listed)
    yield from _list_fields(sample.items)
    failed = ", ".join(f"{count} {name}" for name, count in sample.failures.items()) or None
    received = len(sample.received)
    is_without = bool(sample.asked) and not received
    yield FieldReport("dataset", "(documents)", received, sample.asked, failed, stops_matching=is_without)
    yield from _dataset_fields(sample.received, fields)


def _readable(items: Sequence[JsonObject]) -> Iterator[Notice]:
    for item in items:
        try:
            yield parse_notice(item).notice
        except UnreadableNoticeError:
            continue


def _some_of_every_type(notices: Iterator[Notice], most: int) -> list[Notice]:
    """Return `most` notices, one of each type in turn: types differ in their fields, and some types are rare."""
    seen: Counter[str] = Counter()
    turns: list[tuple[int, Notice]] = []
    for notice in notices:
        turns.append((seen[notice.type], notice))
        seen[notice.type] += 1
    return [notice for _, notice in sorted(turns, key=lambda turn: turn[0])][:most]


def _list_fields(items: Sequence[Mapping[str, object]]) -> Iterator[FieldReport]:
    for name in LIST_FIELDS:
        found = sum(item.get(name) is not None for item in items)
        stops = name in _NEEDED_IN_LIST and found < len(items)
        remark = _unknown_codes("type", (item.get("type") for item in items)) if name == "type" else None
        remark = f"missing in {len(items) - found}: those go to quarantine" if stops else remark
        yield FieldReport("list", name, found, len(items), remark, stops)
    for name, count in sorted(Counter(key for item in items for key in item if key not in LIST_FIELDS).items()):
        yield FieldReport("list", shown(name), count, len(items), "not in the documentation")


def _dataset_fields(received: Sequence[ReceivedDocument], fields: DatasetMap) -> Iterator[FieldReport]:
    documents = [each.document for each in received]
    if not documents:
        return
    units = [unit for document in documents for unit in fields.linked_units(document)]
    for name, paths in fields.paths.items():
        among: Sequence[Mapping[str, object]] = units if name in _IN_UNIT else documents
        found = sum(is_found(document, name, fields) for document in among)
        remark = _unknown_codes(name, [value for document in among for value in fields.texts(document, name)])
        if not found and among:
            remark = f"not found at {' or '.join(paths)}: say where it is in a dataset map"
        elif name == "debtor_id":
            remark = _other_debtors(received, fields)
        # A company may have no linked unit at all.
        stops = name in _NEEDED_IN_DATASET and found < (min(1, len(among)) if name == "linked_units" else len(among))
        yield FieldReport("dataset", name, found, len(among), remark, stops)
    yield from _unexpected(documents, fields)


def is_found(document: object, name: str, fields: DatasetMap) -> bool:
    """Whether a document has the field in the form that a run reads: text, or a list for several values."""
    if name in _LISTS and any(
        isinstance(value, list | dict) for path in fields.paths[name] for value in walk(document, path)
    ):
        return True
    return name != "linked_units" and fields.text(document, name) is not None


def _other_debtors(received: Sequence[ReceivedDocument], fields: DatasetMap) -> str | None:
    others = sum(fields.text(each.document, "debtor_id") not in (None, each.notice.debtor_id) for each in received)
    return f"another number than the list's debitor in {others}" if others else None


def _unknown_codes(name: str, values: Sequence[object] | Iterator[object]) -> str | None:
    known = KNOWN_CODES.get(name)
    unknown = {shown(str(value)) for value in values if value is not None and known is not None and value not in known}
    return f"unknown codes: {', '.join(sorted(unknown))}" if unknown else None


def _unexpected(documents: Sequence[Mapping[str, object]], fields: DatasetMap) -> Iterator[FieldReport]:
    """Report the places of values that no field of the map reads."""
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
