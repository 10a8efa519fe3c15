"""The expanded dataset: what it adds, what it must never add, and a poll without it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from konkurs_pipeline.brreg.simulator.datasets import enk_of, estate_of, expanded_dataset, trustee_of
from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, simulated_notice
from konkurs_pipeline.storage.lake.tables import Lake
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, CrashError, company, oslo, person

PERSON = person("debtor")
PETITIONER = company("petitioner")
UUID = "11111111-1111-4111-8111-111111111111"


def document(debtor: str = PERSON, **changes: Any) -> str:
    """Return the simulator's dataset for the one notice here, with some fields changed."""
    return json.dumps({**expanded_dataset(_notice(debtor), "https://127.0.0.1/"), **changes})


def _notice(debtor: str) -> SimulatedNotice:
    return simulated_notice(uuid=UUID, type="aapning", registered_at=oslo(MONDAY, "10:00"), debtor_id=debtor)


def test_a_sole_proprietorship_that_only_the_dataset_names_is_blocked(bank: Bank) -> None:
    account = bank.customer("K-ENK", enk_of(PERSON))
    bank.notice("aapning", PERSON)
    (block,) = bank.poll(MONDAY).actions
    assert (block["action"], block["account_no"], block["matched_via"]) == ("BLOCK", account, "linked_unit")


def test_the_estate_the_trustee_and_any_other_number_in_the_document_are_never_blocked(bank: Bank) -> None:
    bank.customer("K-ENK", enk_of(PERSON))
    bank.customer("K-ESTATE", estate_of(PERSON))
    bank.customer("K-TRUSTEE", trustee_of(PERSON))
    bank.customer("K-PETITIONER", PETITIONER)
    bank.notice("aapning", PERSON, uid=UUID, dataset=document(rekvirent={"organisasjonsnummer": PETITIONER}))
    polled = bank.poll(MONDAY)
    assert {a["customer_ref"] for a in polled.actions} == {"K-ENK"}
    assert polled.detail is not None
    assert "rekvirent.organisasjonsnummer" in polled.detail, "an undeclared number is a finding"
    assert PETITIONER not in polled.detail


def test_an_estate_listed_among_the_linked_units_is_not_blocked(bank: Bank) -> None:
    bank.customer("K-ESTATE", estate_of(PERSON))
    bank.customer("K-KBO", company("kbo"))
    units = [
        {"organisasjonsnummer": estate_of(PERSON), "organisasjonsform": "ENK"},
        {"organisasjonsnummer": company("kbo"), "organisasjonsform": "KBO"},
    ]
    bank.notice("aapning", PERSON, uid=UUID, dataset=document(tilknyttedeEnheter=units))
    assert bank.poll(MONDAY).actions == []


def test_a_linked_unit_of_an_unknown_form_goes_to_a_person(bank: Bank) -> None:
    bank.customer("K-AS", company("as"))
    units = [{"organisasjonsnummer": company("as"), "organisasjonsform": "AS"}]
    bank.notice("aapning", PERSON, uid=UUID, dataset=document(tilknyttedeEnheter=units))
    assert bank.poll(MONDAY).decided() == [("REVIEW", "K-AS", "linked_unit_form_unknown")]


def test_an_enk_blocked_through_the_dataset_is_reopened_by_the_sletting(bank: Bank) -> None:
    bank.customer("K-ENK", enk_of(PERSON))
    bank.notice("aapning", PERSON)
    (block,) = bank.poll(MONDAY).actions
    bank.notice("sletting", PERSON, TUESDAY)
    assert [a["caused_by"] for a in bank.poll(TUESDAY).of("REOPEN")] == [block["action_id"]]


CONTRADICTIONS = [
    pytest.param({"uuid": "22222222-2222-4222-8222-222222222222"}, id="uuid"),
    pytest.param({"type": "sletting"}, id="type"),
    pytest.param({"debitor": {"identifikator": person("another")}}, id="debtor"),
    pytest.param({"debitor": person("another")}, id="debtor as bare text"),
]


@pytest.mark.parametrize("contradiction", CONTRADICTIONS)
def test_a_document_that_contradicts_its_notice_leads_to_a_review_until_it_is_corrected(
    bank: Bank, contradiction: dict[str, Any]
) -> None:
    bank.customer("K-1", PERSON)
    bank.customer("K-ANOTHER", person("another"))
    bank.customer("K-ENK", enk_of(PERSON))
    bank.notice("aapning", PERSON, uid=UUID, dataset=document(**contradiction))
    assert bank.poll(MONDAY).decided() == [("REVIEW", "K-1", "dataset_contradicts")]
    assert bank.open_quarantine() == ["dataset_contradicts"]
    assert bank.published("expanded_datasets").is_empty()
    bank.serve([])
    bank.notice("aapning", PERSON, uid=UUID, dataset=document())
    assert sorted(bank.poll(TUESDAY).decided()) == [
        ("BLOCK", "K-1", "estate_open"),
        ("BLOCK", "K-ENK", "estate_open"),
    ]
    assert bank.open_quarantine() == []


MISSING = [
    pytest.param({"kind": "status", "status": 404}, id="404"),
    pytest.param({"kind": "status", "status": 500}, id="500"),
    pytest.param({"kind": "json_value", "body": "{}"}, id="no debtor"),
]


@pytest.mark.parametrize("fault", MISSING)
def test_a_missing_dataset_delays_nothing_and_the_next_poll_fetches_it(bank: Bank, fault: dict[str, Any]) -> None:
    bank.customer("K-1", PERSON)
    bank.customer("K-ENK", enk_of(PERSON))
    bank.notice("aapning", PERSON)
    bank.fail(Fault.model_validate({"resource": "dataset", **fault}))
    first = bank.poll(MONDAY)
    assert first.outcome == "partial"
    assert first.decided() == [("BLOCK", "K-1", "estate_open")], "the direct match is blocked on the notice alone"
    assert first.detail is not None
    assert "1 of 1 expanded datasets could not be had" in first.detail
    bank.fail()
    second = bank.poll(TUESDAY)
    assert second.decided() == [("BLOCK", "K-ENK", "estate_open")]
    assert second.outcome != "partial"


def test_a_poll_of_a_later_window_also_fetches_a_missing_dataset(bank: Bank) -> None:
    bank.extra["KONKURS_LOOKBACK_WORKDAYS"] = "0"
    bank.customer("K-ENK", enk_of(PERSON))
    bank.notice("aapning", PERSON)
    bank.fail(Fault.model_validate({"kind": "status", "resource": "dataset"}))
    assert bank.poll(MONDAY).actions == []
    bank.fail()
    assert bank.poll(WEDNESDAY).decided() == [("BLOCK", "K-ENK", "estate_open")]


@pytest.mark.parametrize(
    ("expand", "fetched"),
    [
        ("matched", {"customer firm"}),
        ("matched_or_person", {"customer firm", "stranger person"}),
        ("all", {"customer firm", "stranger firm", "stranger person"}),
    ],
)
def test_konkurs_expand_decides_whose_datasets_are_fetched(bank: Bank, expand: str, fetched: set[str]) -> None:
    bank.extra["KONKURS_EXPAND"] = expand
    bank.customer("K-1", company("customer firm"))
    notices = {
        "customer firm": bank.notice("aapning", company("customer firm")),
        "stranger firm": bank.notice("aapning", company("stranger firm")),
        "stranger person": bank.notice("aapning", person("stranger person")),
    }
    bank.poll(MONDAY)
    assert set(bank.published("expanded_datasets")["uuid"]) == {notices[name].uuid for name in fetched}


def test_a_dataset_is_fetched_once(bank: Bank) -> None:
    notice = bank.notice("aapning", PERSON)
    bank.customer("K-1", PERSON)
    bank.poll(MONDAY)
    bank.poll(TUESDAY)
    asked = [line.path for line in bank.service.requests if line.path.endswith(notice.uuid)]
    assert len(asked) == 1


def test_a_dataset_map_changes_where_a_field_is_found(bank: Bank) -> None:
    moved = bank.folder.parent / "map.toml"
    moved.write_text('[paths]\nlinked_units = ["enheter"]\n', encoding="utf-8")
    bank.extra["KONKURS_DATASET_MAP"] = str(moved)
    units = [{"organisasjonsnummer": enk_of(PERSON), "organisasjonsform": "ENK"}]
    bank.customer("K-ENK", enk_of(PERSON))
    bank.notice("aapning", PERSON, uid=UUID, dataset=document(tilknyttedeEnheter=[], enheter=units))
    assert bank.poll(MONDAY).decided() == [("BLOCK", "K-ENK", "estate_open")]


def test_a_corrected_document_releases_its_notice_even_if_the_poll_that_stored_it_was_killed(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulation found this (seed 201): the document was stored, nobody fetched it again, and the entry stayed open."""
    bank.customer("K-1", PERSON)
    bank.notice("aapning", PERSON, uid=UUID, dataset=document(type="avslutning"))
    assert bank.poll(MONDAY).decided() == [("REVIEW", "K-1", "dataset_contradicts")]
    bank.notices.clear()
    bank.notice("aapning", PERSON, uid=UUID, dataset=document())

    whole = Lake.replace

    def stores_and_dies(lake: Lake, table: str, *rest: Any) -> None:
        whole(lake, table, *rest)
        if table == "expanded_datasets":
            raise CrashError

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "replace", stores_and_dies)
        assert isinstance(bank.try_poll(TUESDAY), CrashError)
    assert [action["action"] for action in bank.poll(WEDNESDAY).actions] == ["BLOCK"]
    assert bank.open_quarantine() == []
