"""Any bytes of an expanded dataset, read through any map, give only parties from declared places."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from konkurs_pipeline.brreg.wire import parse_json
from konkurs_pipeline.domain.documents.datasets import ASSUMED_PATHS, DatasetMap, Role, read_dataset
from konkurs_pipeline.domain.notices import Notice
from konkurs_pipeline.errors import AnswerError, SettingsError
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.storage.dataset_map import load_dataset_map
from tests.fuzz.budget import fuzzed
from tests.fuzz.leaks import COMPANY, OTHER_COMPANY, OTHER_PERSON, PERSON, holds_an_identifier, shows_an_identifier
from tests.fuzz.mutations import damaged_bytes, damaged_json

WHAT: Final = "GET /konkursvarsler/x"
UUID: Final = "385fad87-b3e1-4542-a5ac-86c1b4e130af"
AT: Final = dt.datetime(2018, 6, 8, 11, 34, tzinfo=dt.UTC)
NOTICE: Final = Notice(UUID, "aapning", AT, "2018-06-08T11:34:00.000Z", AT.date(), PERSON)
TRUSTEE: Final = "974760673"
DOCUMENT: Final[dict[str, Any]] = {
    "uuid": UUID,
    "type": "aapning",
    "registreringstidspunkt": "2018-06-08T11:34:00.000Z",
    "kjennelsesdato": "2018-06-08",
    "debitor": {
        "identifikator": PERSON,
        "navn": "OLA",
        "adresse": {"adresselinjer": ["Gata 1"], "postnummer": "0150", "poststed": "OSLO"},
    },
    "konkursgrunnlag": "B",
    "avviklingskode": None,
    "tingrett": {"navn": "Oslo tingrett"},
    "bostyrer": {"navn": "Advokat", "organisasjonsnummer": TRUSTEE, "epost": "a@b.no"},
    "konkursbo": {"organisasjonsnummer": OTHER_COMPANY, "navn": "Ola konkursbo"},
    "tilknyttedeEnheter": [{"organisasjonsnummer": COMPANY, "navn": "OLAS ENK", "organisasjonsform": "ENK"}],
}
BARE: Final[dict[str, Any]] = {**DOCUMENT, "debitor": PERSON}
BODIES: Final = damaged_json(DOCUMENT, BARE) | damaged_bytes(json.dumps(DOCUMENT).encode()) | st.binary()
MAP: Final = (
    b'[paths]\ndebtor_id = ["skyldner.id", "debitor.identifikator", "debitor"]\nlinked_units = ["tilknyttedeEnheter"]\n'
)
ODD_MAPS: Final = (
    b"paths = 1",
    b"[[paths]]",
    b'[paths]\ndebtor_id = "debitor"',
    b"[paths]\ndebtor_id = [1]",
    b"[paths]\ndebtor_id = []",
    b'[paths]\ndebtor_id = [""]',
    b'[paths]\nlinked_units = ["[]", "..", "a[].[]"]',
    b'[paths]\n"08086001471" = ["debitor"]',
    b'08086001471 = "debitor"',
)


def document_of(body: bytes) -> dict[str, Any] | None:
    """Return the bytes as a document, or None if they are refused or not an object."""
    try:
        value = parse_json(body, what=WHAT)
    except AnswerError as error:
        assert not shows_an_identifier(error)  # noqa: PT017 -- a refusal is one of two good outcomes
        return None
    return value if isinstance(value, dict) else None


def linked_numbers(document: dict[str, Any]) -> set[str]:
    """Return the numbers at the declared place of linked units."""
    units = document.get("tilknyttedeEnheter")
    objects = [unit for unit in units if isinstance(unit, dict)] if isinstance(units, list) else []
    return {number for unit in objects if isinstance(number := unit.get("organisasjonsnummer"), str)}


def held_out(document: dict[str, Any]) -> set[str]:
    """Return the numbers of the trustee and the estate, which are never parties."""
    holders = [document.get(name) for name in ("bostyrer", "konkursbo")]
    numbers = [holder.get("organisasjonsnummer") for holder in holders if isinstance(holder, dict)]
    return {number for number in numbers if isinstance(number, str)}


@fuzzed(usual=100)
@given(BODIES)
@example(json.dumps({**DOCUMENT, "navn": "\ud800", PERSON: {"\udfff": COMPANY}}).encode())
@example(json.dumps({**DOCUMENT, "uuid": PERSON}).encode())
@example(
    json.dumps({**DOCUMENT, "tilknyttedeEnheter": [{"organisasjonsnummer": n} for n in (TRUSTEE, PERSON)]}).encode()
)
def test_only_the_debtor_and_declared_linked_units_are_parties(body: bytes) -> None:
    document = document_of(body)
    if document is None:
        return
    reading = read_dataset(NOTICE, document, DatasetMap(), synthetic_allowed=True)

    debtors = [party for party in reading.parties if party.role is Role.DEBTOR]
    linked = {party.national_id for party in reading.parties if party.role is Role.LINKED_UNIT}
    assert [party.national_id for party in debtors] == [PERSON]
    assert linked <= linked_numbers(document) - held_out(document) - {PERSON}
    assert reading.contradiction is None or not linked


@fuzzed(usual=100)
@given(BODIES)
@example(json.dumps({**DOCUMENT, PERSON: {COMPANY: OTHER_PERSON}}).encode())
@example(json.dumps({**DOCUMENT, "\udfff": OTHER_PERSON}).encode())
def test_the_findings_of_a_document_hold_no_identifier(body: bytes) -> None:
    """A finding names keys, and a key may be an identifier, so findings are printed redacted."""
    document = document_of(body)
    if document is None:
        return
    reading = read_dataset(NOTICE, document, DatasetMap(), synthetic_allowed=True)

    assert not holds_an_identifier(reading.contradiction or "")
    assert not any(PERSON in redact(finding) or COMPANY in redact(finding) for finding in reading.findings)
    assert all(finding.encode() for finding in reading.findings)


@fuzzed(usual=80)
@given(BODIES)
@example(json.dumps({**BARE, "debitor": OTHER_PERSON}).encode())
def test_a_document_of_another_debtor_uuid_or_type_contradicts(body: bytes) -> None:
    document = document_of(body)
    if document is None:
        return
    debtor = document.get("debitor")
    named = debtor.get("identifikator") if isinstance(debtor, dict) else debtor
    is_another = isinstance(named, str) and named not in {PERSON, ""}

    if is_another or document.get("type") in ("sletting", "oppheving", "avslutning"):
        assert read_dataset(NOTICE, document, DatasetMap(), synthetic_allowed=True).contradiction is not None


STEPS: Final = st.sampled_from(["a", ".", "[]", "debitor", "tilknyttedeEnheter", "\x00", "å"])
PATHS: Final = st.lists(STEPS, max_size=6).map("".join)


@fuzzed(usual=50)
@given(
    damaged_json(DOCUMENT, BARE), st.dictionaries(st.sampled_from(sorted(ASSUMED_PATHS)), st.lists(PATHS, max_size=3))
)
@example(json.dumps({**BARE, "bostyrer": "navn", "konkursbo": ["organisasjonsnummer"]}).encode(), {})
def test_any_map_reads_any_document(body: bytes, paths: dict[str, list[str]]) -> None:
    document = document_of(body)
    if document is not None:
        reading = read_dataset(NOTICE, document, DatasetMap({**ASSUMED_PATHS, **paths}), synthetic_allowed=False)
        assert reading.parties[0].national_id == PERSON


def _load(content: bytes) -> DatasetMap | SettingsError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.toml"
        path.write_bytes(content)
        try:
            return load_dataset_map(path)
        except SettingsError as error:
            return error


@fuzzed(usual=80, cost=2)
@given(damaged_bytes(MAP, *ODD_MAPS) | st.sampled_from(ODD_MAPS) | st.binary(max_size=60))
@example(b"a = " + b"[" * 5000)
@example(b"a = " + b"{a=" * 5000)
@example(b"a = " + b"9" * 6000)
@example(b"a = 0x" + b"f" * 6000)
@example(b"a = 9999-99-99")
@example(b'[paths]\n"08086001471" = ["debitor"]')
def test_a_dataset_map_is_read_or_refused_with_a_named_error(content: bytes) -> None:
    taken = _load(content)

    if isinstance(taken, SettingsError):
        assert "KONKURS_DATASET_MAP" in str(taken)
        assert not shows_an_identifier(taken)
    else:
        assert set(taken.paths) == set(ASSUMED_PATHS)
        assert all(isinstance(path, str) for paths in taken.paths.values() for path in paths)


@pytest.mark.parametrize("content", ODD_MAPS[:4], ids=["number", "list", "text", "number in list"])
def test_a_map_of_another_shape_is_refused(content: bytes) -> None:
    assert isinstance(_load(content), SettingsError)
