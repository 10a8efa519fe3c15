"""Finds the list in a document that holds a person's linked units, by its content. A wrong list would block innocents.

A list is proposed only if all of this is true for every document that has it:

- only people's documents have it;
- each object has one organisation number that passes its check, and the form ENK or TVAM;
- no number is in two debtors' documents, as a trustee's or creditor's may be;
- neither its path nor a text in it says trustee, court, petitioner or estate.

A list with numbers that fails one of these is shown to a person with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from konkurs_pipeline.domain.documents.datasets import LINKED_FORMS
from konkurs_pipeline.domain.documents.places import (
    NAME,
    NEVER_BLOCKED,
    Document,
    Texts,
    leaf_words,
    lists_of,
    path_words,
    texts_of,
    words,
)
from konkurs_pipeline.domain.identifiers import IdKind, identify
from konkurs_pipeline.domain.notices import Notice


@dataclass(frozen=True, slots=True)
class UnitList:
    """A list that may hold linked units: its path, the places of fields within a unit, and why it is not proposed, if so."""

    path: str
    count: int
    inside: Mapping[str, str]
    why_not: str | None


def unit_lists(notices: Sequence[Notice], documents: Sequence[Document]) -> Iterator[UnitList]:
    """Yield each list whose objects have an organisation number."""
    for path, per_document in lists_of(documents).items():
        objects = [unit for units in per_document.values() for unit in units]
        texts = texts_of(objects)
        numbers = [place for place, found in texts.items() if _all_orgnr(found, len(objects))]
        if not numbers:
            continue
        why_not = _why_not(path, texts, numbers, len(objects)) or _why_not_linked(notices, per_document, numbers[0])
        inside = {"linked_unit_id": numbers[0], **_form_and_name(texts, len(objects))}
        yield UnitList(path, len(per_document), inside, why_not)


def _all_orgnr(found: Mapping[int, Sequence[str]], objects: int) -> bool:
    values = [value for values in found.values() for value in values]
    kinds = {identify(value, synthetic_allowed=True) for value in values}
    return kinds == {IdKind.ORGNR} and len(found) == objects == len(values)


def _form_and_name(texts: Texts, objects: int) -> dict[str, str]:
    forms = [place for place, found in texts.items() if _all_linked_forms(found, objects)]
    names = [place for place in texts if leaf_words(place) & NAME and "[]" not in place]
    return {
        **({"linked_unit_form": forms[0]} if len(forms) == 1 else {}),
        **({"linked_unit_name": names[0]} if len(names) == 1 else {}),
    }


def _all_linked_forms(found: Mapping[int, Sequence[str]], objects: int) -> bool:
    return len(found) == objects and {value for values in found.values() for value in values} <= LINKED_FORMS


def _why_not(path: str, texts: Texts, numbers: Sequence[str], objects: int) -> str | None:
    if path_words(path) & NEVER_BLOCKED:
        return "its name says that it is a trustee's, a court's, a petitioner's or an estate's"
    if len(numbers) > 1:
        return "its objects have several organisation numbers"
    if "linked_unit_form" not in _form_and_name(texts, objects):
        return "not every object has the form ENK or TVAM"
    values = {value for found in texts.values() for values in found.values() for value in values}
    if any(words(value) & NEVER_BLOCKED for value in values) or any(path_words(p) & NEVER_BLOCKED for p in texts):
        return "an object names a trustee, a court, a petitioner or an estate"
    return None


def _why_not_linked(
    notices: Sequence[Notice], per_document: Mapping[int, Sequence[Document]], number: str
) -> str | None:
    debtors_of: dict[str, set[str]] = {}
    for index, units in per_document.items():
        debtor = notices[index].debtor_id
        if not identify(debtor, synthetic_allowed=True).is_person:
            return "a company's dataset has it too, and only people have linked units"
        for value in (value for found in texts_of(units).get(number, {}).values() for value in found):
            debtors_of.setdefault(value, set()).add(debtor)
    if any(len(debtors) > 1 for debtors in debtors_of.values()):
        return "the same number stands in the datasets of two debtors"
    return None
