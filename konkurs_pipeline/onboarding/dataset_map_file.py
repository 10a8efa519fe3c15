"""`konkurs contract --write-map FILE`: write the proposed map as a TOML file, and compare how well it fits.

It loads the file as a run does, and reads the same documents with and without it. It writes and shows places only, no
value of a document. What does not belong here: which place is proposed for a field (`domain.documents.map_proposal`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from konkurs_pipeline.domain.documents.datasets import ASSUMED_PATHS, DatasetMap, Role, read_dataset
from konkurs_pipeline.domain.documents.map_proposal import Choice, ReceivedDocument, propose
from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.errors import AnswerError
from konkurs_pipeline.onboarding.contract import is_found
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.dataset_map import load_dataset_map, refuse_existing, write_new_map

# Only these fields decide whom a document names. Without the others less is known of a party, and nobody is missed.
_DECIDING: Final = ("debtor_id", "linked_units", "linked_unit_id")


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a map fits the documents: fields found, documents that agree with their notice, linked units found."""

    fields: int
    agreeing: int
    linked_units: int


@dataclass(frozen=True, slots=True)
class MapComparison:
    """What was written: the fields with new paths, those left to a person, and the fit before and after."""

    written: tuple[str, ...]
    left: tuple[str, ...]
    documents: int
    before: Fit
    after: Fit


def write_map(
    path: Path, received: Sequence[ReceivedDocument], fields: DatasetMap, settings: Settings
) -> MapComparison | None:
    """Write the map that fits the documents to `path` and try it; null, and no file, if a map would change nothing.

    Raises `UsageError` if `path` exists, `AnswerError` where there is no document to judge by.
    """
    refuse_existing(path)
    if not received:
        message = "no dataset could be read, so no map can be proposed: see the list above, and `konkurs doctor`"
        raise AnswerError(message)
    choices = propose(received, fields)
    if not any(choice.paths or choice.candidates for choice in choices):
        return None
    write_new_map(path, "\n".join(_lines(choices, fields, received)) + "\n")
    verified = load_dataset_map(path)
    synthetic = settings.synthetic_allowed
    return MapComparison(
        tuple(choice.field for choice in choices if choice.paths),
        tuple(choice.field for choice in choices if not choice.paths),
        len(received),
        _fit(received, fields, synthetic_allowed=synthetic),
        _fit(received, verified, synthetic_allowed=synthetic),
    )


def _lines(choices: Sequence[Choice], fields: DatasetMap, received: Sequence[ReceivedDocument]) -> Iterator[str]:
    yield f"# Proposed by `konkurs contract --write-map` from {len(received)} datasets. Read it, choose where a line says so,"
    yield "# then set KONKURS_DATASET_MAP to this file. Fields that are not named keep their assumed places."
    if not any(each.notice.type == NoticeType.AVSLUTNING for each in received):
        yield "# No avslutning was among them: closing_code and recommendation_date could not be judged."
    yield "[paths]"
    proposed = {choice.field: choice.paths for choice in choices if choice.paths}
    kept = {name: tuple(paths) for name, paths in fields.paths.items() if tuple(paths) != ASSUMED_PATHS[name]}
    for name, paths in {**kept, **proposed}.items():
        yield f"{name} = {json.dumps(list(paths), ensure_ascii=False)}"
    for choice in choices:
        if not choice.paths:
            yield from _left_to_a_person(choice)


def _left_to_a_person(choice: Choice) -> Iterator[str]:
    yield ""
    weight = "it decides who is blocked" if choice.field in _DECIDING else "nobody is missed without it"
    if not choice.candidates:
        yield f"# {choice.field}: no place was found ({weight})."
        return
    yield f"# {choice.field}: a person must choose ({weight}). Candidates:"
    for each in choice.candidates:
        comment = f"{each.evidence}; in {each.count} of {each.of}" if each.of else each.evidence
        yield f"# {choice.field} = {json.dumps([each.path], ensure_ascii=False)}  # {comment}"


def _fit(received: Sequence[ReceivedDocument], fields: DatasetMap, *, synthetic_allowed: bool) -> Fit:
    readings = [
        read_dataset(each.notice, each.document, fields, synthetic_allowed=synthetic_allowed) for each in received
    ]
    return Fit(
        sum(_is_found_anywhere(name, received, fields) for name in fields.paths),
        sum(reading.contradiction is None for reading in readings),
        sum(party.role is Role.LINKED_UNIT for reading in readings for party in reading.parties),
    )


def _is_found_anywhere(name: str, received: Sequence[ReceivedDocument], fields: DatasetMap) -> bool:
    documents = [each.document for each in received]
    units = [unit for document in documents for unit in fields.linked_units(document)]
    among = units if name.startswith("linked_unit_") else documents
    return any(is_found(document, name, fields) for document in among)
