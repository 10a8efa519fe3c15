from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.brreg.simulator.datasets import (
    PERSON_WITH_TVAM,
    enk_of,
    estate_of,
    expanded_dataset,
    trustee_of,
    tvam_of,
)
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice
from konkurs_pipeline.brreg.simulator.population import random_fnr, random_orgnr, seeded
from konkurs_pipeline.domain.documents.datasets import (
    ASSUMED_PATHS,
    DatasetMap,
    Party,
    Reading,
    Role,
    debtor_of,
    read_dataset,
    walk,
)
from konkurs_pipeline.domain.identifiers import IdKind, identify
from konkurs_pipeline.domain.notices import Notice
from tests.domain.invented import COMPANY, OTHER_COMPANY, PERSON, aapning, brreg_notices

OPENING = aapning("a", 0, PERSON)
ENK = enk_of(PERSON)
STRANGER = random_orgnr(seeded("nobody the notice speaks of"))
SOMEBODY = random_fnr(seeded("somebody beside the debtor"))
ASSUMED = DatasetMap()

Document = dict[str, Any]


def document(notice: Notice = OPENING, **changes: object) -> Document:
    """Return a dataset in the assumed shape, with some of its top-level members replaced."""
    simulated = SimulatedNotice(
        uuid=notice.uuid,
        type=notice.type,
        registered_at=notice.registered_at,
        registered_at_text=notice.registered_at_text,
        debtor_id=notice.debtor_id,
        ruling_date=notice.ruling_date,
        visible_from=notice.registered_at,
    )
    return {**expanded_dataset(simulated, "https://127.0.0.1/"), **changes}


def unit(number: object, form: object = "ENK", name: object = "Prøve ENK") -> Document:
    return {"organisasjonsnummer": number, "navn": name, "organisasjonsform": form}


def read(doc: Document, fields: DatasetMap = ASSUMED, notice: Notice = OPENING) -> Reading:
    return read_dataset(notice, doc, fields, synthetic_allowed=True)


def linked_of(reading: Reading) -> list[str]:
    return [party.national_id for party in reading.parties if party.role is Role.LINKED_UNIT]


def test_a_persons_sole_proprietorship_is_a_party_from_the_dataset() -> None:
    debtor, enk = read(document()).parties

    assert (debtor.national_id, debtor.id_kind, debtor.role) == (PERSON, IdKind.FNR, Role.DEBTOR)
    assert (enk.national_id, enk.id_kind, enk.role, enk.organisation_form) == (
        ENK,
        IdKind.ORGNR,
        Role.LINKED_UNIT,
        "ENK",
    )
    assert enk.name == document()["tilknyttedeEnheter"][0]["navn"]


def test_a_forced_vat_registration_is_a_party_too() -> None:
    opening = aapning("a", 0, PERSON_WITH_TVAM)

    assert linked_of(read(document(opening), notice=opening)) == [enk_of(PERSON_WITH_TVAM), tvam_of(PERSON_WITH_TVAM)]


def test_the_debtors_name_and_place_stand_with_the_debtor() -> None:
    debtor = read(document()).parties[0]

    debitor = document()["debitor"]
    assert (debtor.name, debtor.postal_code, debtor.postal_place) == (
        debitor["navn"],
        debitor["adresse"]["postnummer"],
        debitor["adresse"]["poststed"],
    )


@pytest.mark.parametrize("notice", brreg_notices(), ids=lambda notice: f"{notice.type}_{notice.uuid[:8]}")
def test_the_assumed_shape_is_read_without_a_finding(notice: Notice) -> None:
    reading = read(document(notice), notice=notice)

    assert reading.contradiction is None
    assert reading.findings == ()
    never = {trustee_of(notice.debtor_id), estate_of(notice.debtor_id)}
    assert never.isdisjoint(party.national_id for party in reading.parties)


@pytest.mark.parametrize(
    ("units", "linked", "finding"),
    [
        pytest.param([unit(ENK)], [ENK], None, id="an_enk"),
        pytest.param([unit(ENK, "TVAM")], [ENK], None, id="a_tvam"),
        pytest.param([unit(ENK, None)], [ENK], None, id="a_form_that_is_not_given"),
        pytest.param([unit(ENK, "AS")], [ENK], "organisation form that is not known", id="an_unknown_form"),
        pytest.param([unit(STRANGER, "KBO")], [], "the estate: left out", id="a_bankruptcy_estate"),
        pytest.param([unit(estate_of(PERSON))], [], "the estate: left out", id="the_estate_by_its_number"),
        pytest.param([unit(trustee_of(PERSON))], [], "its trustee", id="the_trustee_by_its_number"),
        pytest.param([unit(PERSON)], [], "the debtor itself", id="the_debtor"),
        pytest.param([unit(None)], [], "has no number", id="no_number"),
        pytest.param([unit(int(ENK))], [], "has no number", id="a_number_that_is_not_text"),
        pytest.param([unit("")], [], "has no number", id="an_empty_number"),
        pytest.param([unit(ENK[1:])], [ENK[1:]], "is no organisation number", id="a_damaged_number"),
        pytest.param([unit(SOMEBODY)], [SOMEBODY], "is no organisation number", id="a_person_s_number"),
        pytest.param(
            [unit(STRANGER), unit(STRANGER, "KBO")], [], "the estate: left out", id="an_enk_that_is_also_an_estate"
        ),
        pytest.param([unit(ENK), unit(ENK)], [ENK], None, id="named_twice_counted_once"),
        pytest.param([unit(ENK), "text", None, 7, []], [ENK], None, id="elements_that_are_no_objects"),
        pytest.param(unit(ENK), [ENK], None, id="one_alone"),
        pytest.param({"organisasjonsnummer": ENK}, [], "without a known form", id="one_alone_that_may_be_the_estate"),
        pytest.param({"enheter": [unit(ENK)]}, [], "without a known form", id="an_object_that_is_no_unit"),
        pytest.param(None, [], None, id="nothing"),
        pytest.param([], [], None, id="none"),
    ],
)
def test_a_listed_unit_is_a_party_or_a_finding(units: object, linked: list[str], finding: str | None) -> None:
    reading = read(document(tilknyttedeEnheter=units))

    assert linked_of(reading) == linked
    if finding is None:
        assert reading.findings == ()
    else:
        assert any(finding in text for text in reading.findings), reading.findings


def test_every_trustee_of_several_is_known_and_never_a_party() -> None:
    numbers = [random_orgnr(seeded(f"trustee {n}")) for n in range(3)]
    fields = DatasetMap({**ASSUMED_PATHS, "trustee_id": ("bostyrer.organisasjonsnummer", "bostyrere[].orgnr")})
    doc = document(bostyrere=[{"orgnr": number} for number in numbers], tilknyttedeEnheter=[unit(n) for n in numbers])

    reading = read(doc, fields)

    assert linked_of(reading) == []
    assert set(reading.findings) == {"a linked unit is the debtor itself, its trustee or the estate: left out"}


@pytest.mark.parametrize(
    ("place", "change"),
    [
        pytest.param("tingrett.organisasjonsnummer", lambda n: {"tingrett": {"organisasjonsnummer": n}}, id="court"),
        pytest.param("rekvirent.id", lambda n: {"rekvirent": {"id": n}}, id="petitioner"),
        pytest.param("kreditorer[]", lambda n: {"kreditorer": [n]}, id="list"),
        pytest.param("a[][].b", lambda n: {"a": [[{"b": n}]]}, id="lists_in_lists"),
        pytest.param("merknad", lambda n: {"merknad": n}, id="top_level"),
    ],
)
@pytest.mark.parametrize("number", [STRANGER, random_fnr(seeded("somebody else"))], ids=["orgnr", "fnr"])
def test_an_identifier_in_no_declared_place_is_a_finding_and_never_a_party(
    place: str, change: Callable[[str], Document], number: str
) -> None:
    reading = read(document(**change(number)))

    assert reading.findings == (f"an identifier stands at {place}, which is no declared place for one",)
    assert number not in {party.national_id for party in reading.parties}


def test_the_debtors_own_number_elsewhere_in_the_document_is_no_finding() -> None:
    assert read(document(merknad=PERSON, kreditorer=[ENK, trustee_of(PERSON), estate_of(PERSON)])).findings == ()


@given(seeds=st.lists(st.integers(min_value=0), max_size=5), as_list=st.booleans())
def test_findings_hold_no_value(seeds: list[int], *, as_list: bool) -> None:
    numbers = [random_fnr(seeded(seed)) for seed in seeds]
    reading = read(document(rekvirent=numbers if as_list else dict(enumerate(numbers))))

    findings = json.dumps(reading.findings)
    assert not any(number in findings for number in numbers)
    assert bool(reading.findings) == bool(numbers)


@pytest.mark.parametrize(
    ("changes", "contradiction"),
    [
        pytest.param({"uuid": aapning("b", 0).uuid}, "uuid", id="uuid"),
        pytest.param({"type": "sletting"}, "type", id="type"),
        pytest.param({"type": "gjenaapning"}, "type", id="a_type_that_is_not_known"),
        pytest.param({"debitor": {"identifikator": COMPANY}}, "debtor", id="debtor"),
        pytest.param({"debitor": COMPANY}, "debtor", id="bare_debtor"),
        pytest.param({"debitor": {"identifikator": PERSON[1:]}}, "debtor", id="debtor_without_its_zero"),
        pytest.param({"debitor": {"identifikator": int(PERSON)}}, "debtor", id="debtor_as_a_number"),
        pytest.param({"debitor": None}, "debtor", id="no_debtor"),
    ],
)
def test_nothing_is_taken_from_a_document_that_contradicts_its_notice(changes: Document, contradiction: str) -> None:
    reading = read(document(**changes))

    assert reading.contradiction == f"the document's {contradiction} is another than its notice's"
    assert reading.parties == (debtor_of(OPENING, synthetic_allowed=True),)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"uuid": OPENING.uuid.upper()}, id="uuid_in_capitals"),
        pytest.param({"uuid": None, "type": None}, id="neither_uuid_nor_type"),
        pytest.param({"registreringstidspunkt": "1999-01-01T00:00:00Z"}, id="another_time"),
        pytest.param({"debitor": PERSON}, id="bare_debtor_text"),
        pytest.param({"debitor": {"identifikator": PERSON}}, id="debtor_without_a_name"),
    ],
)
def test_a_document_may_differ_from_its_notice_in_spelling(changes: Document) -> None:
    reading = read(document(**changes))

    assert reading.contradiction is None
    assert reading.parties[0].national_id == PERSON
    assert linked_of(reading) == [ENK]


def test_bare_debtor_text_has_no_name() -> None:
    assert read(document(debitor=PERSON)).parties[0] == Party(OPENING.uuid, PERSON, IdKind.FNR, Role.DEBTOR)


def test_a_map_finds_the_same_fields_elsewhere() -> None:
    fields = DatasetMap(
        {
            **ASSUMED_PATHS,
            "debtor_id": ("skyldner.id",),
            "linked_units": ("enheter",),
            "linked_unit_id": ("nr", "id.nr"),
        }
    )
    doc = {"skyldner": {"id": PERSON}, "enheter": [{"nr": ENK}, {"id": {"nr": OTHER_COMPANY}}]}

    reading = read(doc, fields)

    assert reading.contradiction is None
    assert linked_of(reading) == [ENK, OTHER_COMPANY]
    assert reading.findings == ()


def test_spaces_in_a_number_are_ignored() -> None:
    spaced = f"{ENK[:3]} {ENK[3:6]}\u00a0{ENK[6:]}"
    debtor = {"identifikator": f"{PERSON[:6]} {PERSON[6:]}"}
    reading = read(document(debitor=debtor, tilknyttedeEnheter=[unit(spaced)]))
    assert reading.contradiction is None
    assert linked_of(reading) == [ENK]


def test_linked_units_of_several_paths_all_count() -> None:
    fields = DatasetMap({**ASSUMED_PATHS, "linked_units": ("tilknyttedeEnheter", "flere")})

    assert linked_of(read(document(flere=[unit(OTHER_COMPANY)]), fields)) == [ENK, OTHER_COMPANY]


def test_the_first_path_that_holds_text_counts() -> None:
    fields = DatasetMap({"name": ("a.b", "c[].d", "e")})

    assert fields.text({"a": {"b": ""}, "c": [{"d": None}, {"d": "second"}], "e": "third"}, "name") == "second"
    assert fields.text({"a": {"b": 1}, "c": {"d": "alone"}, "e": "third"}, "name") == "alone"
    assert fields.text({}, "name") is None
    assert fields.text("text", "name") is None


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("a", [{"b": [{"c": 1}, {"c": 2}, 3]}], id="key"),
        pytest.param("a.b[].c", [1, 2], id="each_element"),
        pytest.param("a.b.c", [], id="a_list_is_no_object"),
        pytest.param("a[].b[].c", [1, 2], id="an_object_is_a_list_of_one"),
        pytest.param("x.y", [], id="absent"),
    ],
)
def test_a_path_is_keys_joined_by_dots(path: str, found: list[object]) -> None:
    assert list(walk({"a": {"b": [{"c": 1}, {"c": 2}, 3]}}, path)) == found


@pytest.mark.parametrize(
    ("debtor", "in_production"), [(COMPANY, IdKind.ORGNR), (PERSON, IdKind.FNR), (PERSON[1:], IdKind.UNKNOWN)]
)
def test_a_notice_alone_names_its_debtor(debtor: str, in_production: IdKind) -> None:
    opening = aapning("a", 0, debtor)

    party = debtor_of(opening, synthetic_allowed=False)

    assert party == Party(opening.uuid, debtor, in_production, Role.DEBTOR)


HALF_A_PAIR = json.loads('"\\ud800"')


def test_text_that_cannot_be_stored_counts_as_absent() -> None:
    r"""JSON can carry `"\ud800"`, half a surrogate pair; a table or a log cannot."""
    doc = document(
        debitor={"identifikator": PERSON, "navn": f"A{HALF_A_PAIR}"},
        tilknyttedeEnheter=[unit(f"{ENK}{HALF_A_PAIR}"), unit(ENK, HALF_A_PAIR, HALF_A_PAIR)],
    )

    reading = read(doc)

    assert reading.parties == (
        Party(OPENING.uuid, PERSON, IdKind.FNR, Role.DEBTOR),
        Party(OPENING.uuid, ENK, IdKind.ORGNR, Role.LINKED_UNIT),
    )
    assert reading.findings == ("a linked unit has no number",)


@pytest.mark.parametrize("key", [f"a{HALF_A_PAIR}", "Kari Nordmann", "kari@example.org", PERSON, f"nr{PERSON}", ""])
def test_a_finding_names_no_key_that_may_be_a_name_or_a_number(key: str) -> None:
    (finding,) = read({**document(), key: {"nr": STRANGER}}).findings

    assert finding.startswith("an identifier stands at (unshown).nr, ")


# Keys and values that the reader looks for, so that drawn documents resemble a dataset.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
KEYS = st.sampled_from(sorted({step for paths in ASSUMED_PATHS.values() for path in paths for step in path.split(".")}))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT
KNOWN = st.sampled_from([PERSON, ENK, STRANGER, COMPANY, OPENING.uuid, "aapning", "KBO", "\ud800"])
JSON = st.recursive(
    LEAVES | KNOWN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | ANY_TEXT, inner, max_size=6),
    max_leaves=25,
)
OBJECTS = st.dictionaries(KEYS | ANY_TEXT, JSON, max_size=8)
DECLARED = st.sampled_from(["debitor", "tilknyttedeEnheter", "bostyrer", "konkursbo", "tingrett", "_links", "type"])
NEAR_DATASETS = st.builds(lambda changes: document(**changes), st.dictionaries(DECLARED, JSON, max_size=4))


@given(doc=OBJECTS | NEAR_DATASETS)
def test_any_document_is_read_and_its_debtor_is_the_notices(doc: Document) -> None:
    reading = read(doc)

    debtors = [party for party in reading.parties if party.role is Role.DEBTOR]
    assert [party.national_id for party in debtors] == [PERSON]
    assert len({party.national_id for party in reading.parties}) == len(reading.parties)
    for said in (*reading.findings, *(p.name or "" for p in reading.parties), *linked_of(reading)):
        said.encode()  # what cannot be written as UTF-8 would break the table or the log it goes to


@given(doc=NEAR_DATASETS)
def test_a_linked_unit_comes_from_a_declared_place_and_is_never_trustee_or_estate(doc: Document) -> None:
    declared = list(walk(doc, "tilknyttedeEnheter[].organisasjonsnummer"))
    never = [*walk(doc, "bostyrer.organisasjonsnummer"), *walk(doc, "konkursbo.organisasjonsnummer"), PERSON]

    for party in read(doc).parties:
        assert party.id_kind is identify(party.national_id, synthetic_allowed=True)
        if party.role is Role.LINKED_UNIT:
            assert party.national_id in declared
            assert party.national_id not in never
            assert party.organisation_form != "KBO"
