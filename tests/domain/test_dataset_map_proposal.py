"""A dataset map proposed from documents: fields are found by their values, and no place of other people is ever proposed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from konkurs_pipeline.brreg.simulator.datasets import PERSON_WITH_TVAM, enk_of, estate_of, trustee_of, tvam_of
from konkurs_pipeline.domain.documents.datasets import ASSUMED_PATHS, DatasetMap, read_dataset
from konkurs_pipeline.domain.documents.map_proposal import Choice, ReceivedDocument, propose
from konkurs_pipeline.domain.documents.places import texts_of
from tests.domain.reshaped import Document, received, reshaped

PEOPLE_HAVE = "tilknyttedeEnheter"


def choices(documents: list[ReceivedDocument]) -> dict[str, Choice]:
    return {choice.field: choice for choice in propose(documents, DatasetMap())}


def map_of(documents: list[ReceivedDocument]) -> DatasetMap:
    proposed = {name: choice.paths for name, choice in choices(documents).items() if choice.paths}
    return DatasetMap({**ASSUMED_PATHS, **proposed})


def parties(each: ReceivedDocument, fields: DatasetMap) -> set[str]:
    reading = read_dataset(each.notice, each.document, fields, synthetic_allowed=True)
    return {party.national_id for party in reading.parties}


def blockable(debtor: str) -> set[str]:
    own = {debtor, enk_of(debtor)} if len(debtor) == 11 else {debtor}
    return own | {tvam_of(debtor)} if debtor == PERSON_WITH_TVAM else own


def test_documents_as_assumed_need_no_map() -> None:
    assert choices(received()) == {}


def test_every_field_of_reshaped_documents_is_found_by_its_values_and_names() -> None:
    documents = received(reshaped)
    assert {name for name, choice in choices(documents).items() if choice.paths} == set(ASSUMED_PATHS)
    for each in documents:
        assert parties(each, map_of(documents)) == blockable(each.notice.debtor_id)


def test_the_place_of_the_debitor_precedes_a_declared_place_with_another_number() -> None:
    def change(document: Document) -> Document:
        own = document["debitor"]["identifikator"]
        return document if len(own) == 9 else {**document, "debitor": estate_of(own), "skyldner": {"nr": own}}

    assert choices(received(change))["debtor_id"].paths == ("skyldner.nr", *ASSUMED_PATHS["debtor_id"])


def test_a_person_chooses_between_two_places_that_both_hold_the_debitor() -> None:
    def change(document: Document) -> Document:
        own = document.pop("debitor")["identifikator"]
        return {**document, "a": {"nr": own}, "b": {"nr": own}}

    choice = choices(received(change))["debtor_id"]
    assert choice.paths is None
    assert {candidate.path for candidate in choice.candidates} == {"a.nr", "b.nr"}


def test_each_type_may_have_its_own_place_for_the_debitor() -> None:
    def change(document: Document) -> Document:
        own = document.pop("debitor")["identifikator"]
        return {**document, ("a" if document["type"] == "aapning" else "b"): {"nr": own}}

    assert choices(received(change))["debtor_id"].paths == ("a.nr", "b.nr", *ASSUMED_PATHS["debtor_id"])


Spoil = Callable[[Document, list[dict[str, Any]]], Document]
NOT_LINKED_UNITS: list[tuple[str, Spoil]] = [
    ("its name", lambda document, units: {**document, "bobestyrere": {"bostyrer": units}}),
    ("several organisation", lambda d, u: {**d, "enheter": [{**unit, "annet": trustee_of("x")} for unit in u]}),
    ("form ENK", lambda d, u: {**d, "enheter": [{**unit, "organisasjonsform": "KBO"} for unit in u]}),
    ("form ENK", lambda d, u: {**d, "enheter": [{"organisasjonsnummer": unit["organisasjonsnummer"]} for unit in u]}),
    ("names a trustee", lambda d, u: {**d, "enheter": [{**unit, "rolle": "Rekvirent"} for unit in u]}),
    ("two debtors", lambda d, u: {**d, "enheter": [{**unit, "organisasjonsnummer": trustee_of("x")} for unit in u]}),
    ("company", lambda d, u: {**d, "enheter": u or [{"organisasjonsnummer": trustee_of("x"), "form": "ENK"}]}),
]


@pytest.mark.parametrize(
    ("why", "spoil"), NOT_LINKED_UNITS, ids=[f"{n} {w}" for n, (w, _) in enumerate(NOT_LINKED_UNITS)]
)
def test_a_list_that_may_hold_other_units_is_shown_with_the_reason_and_never_proposed(why: str, spoil: Spoil) -> None:
    def change(document: Document) -> Document:
        units = document.pop(PEOPLE_HAVE)
        # The company's list has the same shape as that of people: only the kind of its document speaks against it.
        form = [{"organisasjonsnummer": u["organisasjonsnummer"], "form": u["organisasjonsform"]} for u in units]
        return spoil(document, form if why == "company" else units)

    choice = choices(received(change))["linked_units"]
    assert choice.paths is None
    assert why in choice.candidates[0].evidence


def renamed(document: Document, names: dict[str, str]) -> Document:
    """Return the document with each key's name replaced, at every depth."""
    made: Document = json.loads(
        json.dumps(document), object_pairs_hook=lambda pairs: {names[key]: value for key, value in pairs}
    )
    return made


def swapped(one: str, other: str) -> list[str]:
    """Return NAMES with two names exchanged."""
    return [{one: other, other: one}.get(name, name) for name in NAMES]


NAMES = sorted({key for each in received() for key in re.findall(r'"([^"]+)": ', json.dumps(each.document))})


@settings(max_examples=60, deadline=None)
@given(shuffled=st.permutations(NAMES))
# A linked unit then has "ENK" for its number. Text that is no number is looked up as text; a match can only be a REVIEW.
@example(shuffled=swapped("organisasjonsform", "organisasjonsnummer"))
def test_with_any_names_only_the_debtor_and_its_own_units_become_parties(
    shuffled: list[str],
) -> None:
    """All key names are exchanged: a trustee may be called debitor, and the estate a linked unit."""
    documents = received(lambda document: renamed(document, dict(zip(NAMES, shuffled, strict=True))))
    fields = map_of(documents)
    for each in documents:
        numbers = {party for party in parties(each, fields) if party.isdecimal()}
        assert numbers <= blockable(each.notice.debtor_id)


def with_a_list_of_remarks(document: Document) -> Document:
    return {**reshaped(document), "merknader": [{"tekst": "a"}, {"tekst": "b"}]}


def test_a_list_without_numbers_is_no_list_of_units() -> None:
    assert choices(received(with_a_list_of_remarks)) == choices(received(reshaped))


def test_a_key_that_cannot_be_shown_is_no_place() -> None:
    assert set(texts_of([{"navn": "x", "key 12345": {"navn": "y"}, "adresse": {"key 12345": "z"}}])) == {"navn"}
