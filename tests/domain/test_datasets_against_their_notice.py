"""A document fits its notice if uuid, type and debtor are equal, and contradicts it otherwise."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

import pytest

from konkurs_pipeline.domain.documents.datasets import DatasetMap, Reading, Role, read_dataset
from konkurs_pipeline.domain.notices import Notice
from tests.domain.invented import COMPANY, OTHER_COMPANY, PERSON, notice

OPPHEVING: Final = notice("oppheving", "middle", 0, PERSON)
ENK: Final = {"organisasjonsnummer": COMPANY, "organisasjonsform": "ENK"}
DOCUMENT: Final[dict[str, Any]] = {
    "uuid": OPPHEVING.uuid,
    "type": "oppheving",
    "debitor": {"identifikator": PERSON},
    "tilknyttedeEnheter": [ENK],
}


def read(of: Notice = OPPHEVING, **changes: object) -> Reading:
    """Read a document as JSON gives it: its texts are equal to the notice's and not the same objects."""
    document = json.loads(json.dumps({**DOCUMENT, **changes}))
    return read_dataset(of, document, DatasetMap(), synthetic_allowed=True)


def linked(reading: Reading) -> list[str]:
    return [party.national_id for party in reading.parties if party.role is Role.LINKED_UNIT]


def test_equal_texts_in_other_objects_are_no_contradiction() -> None:
    reading = read()

    assert reading.contradiction is None
    assert linked(reading) == [COMPANY]


@pytest.mark.parametrize(
    "uuid", ["00000000" + OPPHEVING.uuid[8:], "ffffffff" + OPPHEVING.uuid[8:]], ids=["lower", "higher"]
)
def test_any_other_uuid_is_a_contradiction(uuid: str) -> None:
    assert read(uuid=uuid).contradiction == "the document's uuid is another than its notice's"


@pytest.mark.parametrize("kind", ["aapning", "sletting", "avslutning", "Oppheving", "oppheving "])
def test_any_other_type_is_a_contradiction(kind: str) -> None:
    assert read(type=kind).contradiction == "the document's type is another than its notice's"


@pytest.mark.parametrize("debtor", ["00000000000", "99999999999", PERSON[1:]])
def test_any_other_debtor_is_a_contradiction(debtor: str) -> None:
    assert read(debitor={"identifikator": debtor}).contradiction == "the document's debtor is another than its notice's"


def test_an_estate_among_the_linked_units_is_never_a_party() -> None:
    """Its number is no party either if the list names it again with another form."""
    estate = {"organisasjonsnummer": OTHER_COMPANY, "organisasjonsform": "KBO"}
    again = {"organisasjonsnummer": OTHER_COMPANY, "organisasjonsform": "ENK"}

    assert linked(read(tilknyttedeEnheter=[ENK, again, estate])) == [COMPANY]


def test_a_uuid_in_capitals_is_the_same_uuid() -> None:
    """Reading lower-cases the notice's uuid and leaves the document's unchanged."""
    assert read(uuid=OPPHEVING.uuid.upper()).contradiction is None
    assert read(dataclasses.replace(OPPHEVING, type="annet"), type="annet").contradiction is None


@pytest.mark.parametrize(
    "debtor", [f"{PERSON} ", f"{PERSON[:6]} {PERSON[6:]}", f"{PERSON[:6]}\N{NO-BREAK SPACE}{PERSON[6:]}"]
)
def test_a_debtor_spelled_with_blanks_is_the_same_debtor(debtor: str) -> None:
    assert read(debitor={"identifikator": debtor}).contradiction is None
