"""The places in a document, and the words in their names, which the rules of a proposal use.

A place is a path as a dataset map writes it (`domain.documents.datasets`). Only text counts: nothing else can be an
identifier, a code or a date here. If a key cannot be shown (it may be a number or a name), the places below it are left
out: no map could name them. What does not belong here: which field a place is for (`domain.documents.map_proposal`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from konkurs_pipeline.domain.foreign_text import UNSHOWN, shown
from konkurs_pipeline.domain.identifiers import is_utf8

Document = Mapping[str, object]
# Path → number of the document → its values there.
Texts = dict[str, dict[int, list[str]]]
Lists = dict[str, dict[int, list[Document]]]

# Words of a path that say whose data it holds: in Norwegian, and in English for a translated service.
DEBTOR: Final = frozenset({"debitor", "konkursdebitor", "skyldner", "debtor"})
TRUSTEE: Final = frozenset({"bostyrer", "bobestyrer", "trustee", "administrator"})
KONKURSBO: Final = frozenset({"konkursbo", "konkursboet", "bo", "boet", "estate", "bankruptcyestate"})
COURT: Final = frozenset({"tingrett", "tingretten", "domstol", "rett", "court"})
PETITIONER: Final = frozenset(
    {"rekvirent", "begjærende", "begjaerende", "saksøker", "saksoker", "kreditor", "fordringshaver"}
    | {"petitioner", "creditor", "applicant"}
)
# Their numbers stand in the same documents and must never be blocked (docs/domain.md § 5).
NEVER_BLOCKED: Final = TRUSTEE | KONKURSBO | COURT | PETITIONER
NUMBER: Final = frozenset({"organisasjonsnummer", "orgnummer", "orgnr", "identifikator", "id", "nummer", "orgno"})
NAME: Final = frozenset({"navn", "name", "fulltnavn", "fullname"})

_WORD: Final = re.compile(r"[A-ZÆØÅ]+(?![a-zæøå])|[A-ZÆØÅ]?[a-zæøå]+")


def words(key: str) -> frozenset[str]:
    """Return the words of a key in lower case, alone and together: `orgNr` → org, nr, orgnr."""
    parts = [part.lower() for part in _WORD.findall(key)]
    return frozenset({*parts, "".join(parts)})


def leaf_words(path: str) -> frozenset[str]:
    """Return the words of the last key of a path."""
    return words(path.rpartition(".")[2])


def path_words(path: str) -> frozenset[str]:
    """Return the words of all keys of a path."""
    return frozenset().union(*(words(key) for key in path.split(".")))


def parent(path: str) -> str:
    """Return the path without its last key; empty at the top."""
    return path.rpartition(".")[0]


def texts_of(documents: Sequence[Document]) -> Texts:
    """Return every place that has text, and the text by document."""
    found: Texts = {}
    for number, document in enumerate(documents):
        for path, value in _walk(document, ""):
            if isinstance(value, str) and value and is_utf8(value):
                found.setdefault(path, {}).setdefault(number, []).append(value)
    return found


def lists_of(documents: Sequence[Document]) -> Lists:
    """Return every place that has a list of objects, and the objects by document."""
    found: Lists = {}
    for number, document in enumerate(documents):
        for path, value in _walk(document, ""):
            objects = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
            if objects:
                found.setdefault(path, {}).setdefault(number, []).extend(objects)
    return found


def _walk(value: object, path: str) -> Iterator[tuple[str, object]]:
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            if shown(str(key)) != UNSHOWN:
                yield from _walk(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, f"{path}[]")
