"""The client fetches the list of flagged units whole or not at all. No request and no error holds a customer's number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from konkurs_pipeline.brreg.diagnosis import Host
from konkurs_pipeline.brreg.enhetsregisteret import client as module
from konkurs_pipeline.brreg.enhetsregisteret.client import SETTING, Enhetsregisteret
from konkurs_pipeline.brreg.simulator.app import Simulation, build_app
from konkurs_pipeline.brreg.simulator.faults import Fault, FaultKind, Resource
from konkurs_pipeline.brreg.simulator.notices import load_test_notices
from konkurs_pipeline.brreg.simulator.population import random_orgnr, seeded
from konkurs_pipeline.brreg.simulator.server import running_simulator
from konkurs_pipeline.errors import AccessRefusedError, AnswerError, ServiceError, ServiceUnreachableError
from tests.brreg.hostile_server import HostileServer, sends, sends_json


def client(url: str) -> Enhetsregisteret:
    return Enhetsregisteret(Host(url, SETTING, asks_for_certificate=False), ssl_context=None, deadline_s=5)


@contextmanager
def simulated() -> Iterator[tuple[Enhetsregisteret, Simulation]]:
    app = build_app(load_test_notices())
    with running_simulator(app, tls=None) as url:
        asked = client(f"{url}/enhetsregisteret/api")
        try:
            yield asked, app.state.simulation
        finally:
            asked.close()


def test_all_flagged_units_are_fetched_by_both_flags() -> None:
    wound_up = random_orgnr(seeded("wound up"))
    with simulated() as (asked, simulation):
        dated = {"tvangsopplostPgaMangelfulltStyreDato": "2024-01-01"}
        simulation.unit_changes = {wound_up: {"underTvangsavviklingEllerTvangsopplosning": True, **dated}}
        flagged = asked.fetch_flagged()
        expected = {n: u for n, u in simulation.units().items() if u.get("konkurs") or _is_wound_up(u)}
    assert set(flagged) == set(expected)
    assert wound_up in flagged
    assert all(unit.flag_date for unit in flagged.values())
    assert {unit.form for unit in flagged.values()} == {"AS", "ENK"}


def _is_wound_up(unit: dict[str, Any]) -> bool:
    return bool(unit.get("underTvangsavviklingEllerTvangsopplosning"))


def test_pages_are_read_in_turn_and_a_search_above_its_limit_is_split(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PAGE_SIZE", 2)
    monkeypatch.setattr(module, "_MOST_SHOWN", 4)
    rng = seeded("many units")
    with simulated() as (asked, simulation):
        simulation.search_shows = 4
        simulation.unit_changes = {random_orgnr(rng): {"konkurs": True} for _ in range(40)}
        whole = {n for n, u in simulation.units().items() if u.get("konkurs") or _is_wound_up(u)}
        assert set(asked.fetch_flagged()) == whole
    assert len(whole) > 40


def test_a_single_unit_may_be_flagged_unflagged_deleted_or_unknown() -> None:
    flagged, plain, gone, unknown = (random_orgnr(seeded(name)) for name in ("flagged", "plain", "gone", "unknown"))
    with simulated() as (asked, simulation):
        simulation.unit_changes = {flagged: {"konkurs": True}, plain: {}, gone: {"slettedato": "2020-01-01"}}
        found = dict(asked.fetch_units([flagged, plain, gone, unknown]))
    assert found[unknown] is None
    states = {n: (u.is_flagged, u.is_deleted) for n, u in found.items() if not isinstance(u, ServiceError | None)}
    assert states == {flagged: (True, False), plain: (False, False), gone: (False, True)}


def test_an_error_about_a_single_unit_names_no_number() -> None:
    with simulated() as (asked, simulation):
        simulation.faults.replace([Fault(kind=FaultKind.STATUS, resource=Resource.UNITS, status=403)])
        [(_, error)] = asked.fetch_units(["910425463"])
    assert isinstance(error, AccessRefusedError)
    assert "910425463" not in str(error)
    assert SETTING in str(error)
    assert "certificate" not in str(error), "this register is open to all"


FLAGGED = {"organisasjonsnummer": "910425463", "konkurs": True}


def page(units: object, total: object, **more: object) -> dict[str, object]:
    return {"_embedded": {"enheter": units}, "page": {"totalElements": total, "totalPages": 1, **more}}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({}, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param({"_embedded": {"enheter": [FLAGGED]}}, id="no count: it may be cut"),
        pytest.param(page([FLAGGED], "1"), id="a count that is text"),
        pytest.param(page([FLAGGED], 2), id="fewer than it says"),
        pytest.param(page([FLAGGED, FLAGGED], 2), id="one of them twice"),
        pytest.param(page([FLAGGED], 0), id="more than it says"),
        pytest.param(page([7], 1), id="a unit that is a number"),
        pytest.param(page([{**FLAGGED, "organisasjonsnummer": 910425463}], 1), id="a number that is not text"),
        pytest.param(page([{**FLAGGED, "organisasjonsnummer": "910425464"}], 1), id="a number that fails its check"),
        pytest.param(page([{**FLAGGED, "konkurs": "ja"}], 1), id="a flag that is text"),
        pytest.param(page([{**FLAGGED, "konkursdato": "i går"}], 1), id="an invalid date"),
    ],
)
def test_an_answer_of_another_shape_is_a_failure_and_quotes_nothing(answer: object) -> None:
    with HostileServer(sends_json(answer)) as server, pytest.raises(AnswerError) as caught:
        client(server.url).fetch_flagged()
    assert "91042546" not in str(caught.value)
    assert "Nothing was compared" in str(caught.value)


def test_a_single_unit_in_place_of_a_list_and_a_number_with_spaces_are_read() -> None:
    unit = {**FLAGGED, "organisasjonsnummer": "910 425 463", "organisasjonsform": {"kode": "ENK"}}
    with HostileServer(sends_json(page(unit, 1))) as server:
        assert client(server.url).fetch_flagged()["910425463"].form == "ENK"


def test_a_unit_that_is_not_flagged_after_all_is_left_out() -> None:
    with HostileServer(sends_json(page([{**FLAGGED, "konkurs": False}], 1))) as server:
        assert client(server.url).fetch_flagged() == {}


def test_doubled_keys_are_refused() -> None:
    doubled = json.dumps(page([FLAGGED], 1)).replace('"konkurs": true', '"konkurs": true, "konkurs": false').encode()
    with HostileServer(sends(doubled)) as server, pytest.raises(AnswerError):
        client(server.url).fetch_flagged()


def test_a_list_that_takes_too_long_in_all_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LIST_DEADLINE_S", -1.0)
    with HostileServer(sends_json(page([], 0))) as server, pytest.raises(ServiceUnreachableError, match="in all"):
        client(server.url).fetch_flagged()
