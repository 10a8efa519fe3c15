"""The simulated Enhetsregisteret agrees with the simulator's notices, and shows no more than the real one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from konkurs_pipeline.brreg.simulator.app import Simulation, build_app
from konkurs_pipeline.brreg.simulator.clock import SteppedClock
from konkurs_pipeline.brreg.simulator.datasets import enk_of
from konkurs_pipeline.brreg.simulator.notices import load_test_notices
from tests.brreg.simulator.conftest import Serve

API = "/enhetsregisteret/api/enheter"
DELETED_LATER, REVOKED_LATER = "910425463", "08086002265"


def at(day: str) -> tuple[Any, Simulation]:
    clock = SteppedClock(dt.datetime.fromisoformat(f"{day}T20:00:00+00:00"))
    app = build_app(load_test_notices(), now=clock)
    return app, app.state.simulation


def test_open_bankruptcies_are_flagged_and_persons_on_their_sole_proprietorship(serve: Serve) -> None:
    app, simulation = at("2030-01-01")
    with serve(app) as client:
        found = client.get(API, params={"konkurs": "true", "size": "1000"}).json()
    flagged = {unit["organisasjonsnummer"]: unit for unit in found["_embedded"]["enheter"]}
    assert found["page"]["totalElements"] == len(flagged) > 0
    assert all(unit["konkurs"] and unit["konkursdato"] for unit in flagged.values())
    open_debtors = {n.debtor_id for n in load_test_notices() if n.type == "aapning"}
    assert {orgnr for orgnr, unit in flagged.items() if unit["organisasjonsform"]["kode"] == "AS"} <= open_debtors
    assert any(unit["organisasjonsform"]["kode"] == "ENK" for unit in flagged.values())
    assert DELETED_LATER not in flagged
    assert enk_of(REVOKED_LATER) not in flagged
    assert simulation.requests[-1].path.startswith(API)


@pytest.mark.parametrize(("orgnr", "status"), [("000000000", 404), ("810034882", 404)])
def test_an_unknown_unit_is_not_found(serve: Serve, orgnr: str, status: int) -> None:
    app, _ = at("2030-01-01")
    with serve(app) as client:
        assert client.get(f"{API}/{orgnr}").status_code == status


def test_a_unit_is_flagged_from_the_day_its_notice_is_visible_and_not_after_its_deletion(serve: Serve) -> None:
    app, simulation = at("2018-06-01")
    with serve(app) as client:
        assert client.get(f"{API}/{DELETED_LATER}").status_code == 404
        simulation.now.move_to(dt.datetime(2018, 6, 8, 11, 40, tzinfo=dt.UTC))  # type: ignore[attr-defined]
        between = client.get(f"{API}/{DELETED_LATER}").json()
        simulation.now.move_to(dt.datetime(2030, 1, 1, tzinfo=dt.UTC))  # type: ignore[attr-defined]
        after = client.get(f"{API}/{DELETED_LATER}").json()
    assert between["konkurs"] or between["underTvangsavviklingEllerTvangsopplosning"]
    assert not after["konkurs"]
    assert not after["underTvangsavviklingEllerTvangsopplosning"]


def test_a_search_shows_only_its_first_units_and_can_be_split_by_date(serve: Serve) -> None:
    app, simulation = at("2030-01-01")
    simulation.search_shows = 4
    with serve(app) as client:
        beyond = client.get(API, params={"konkurs": "true", "page": "1", "size": "4"})
        before = client.get(
            API, params={"konkurs": "true", "size": "4", "tilRegistreringsdatoEnhetsregisteret": "2005-01-01"}
        )
        after = client.get(
            API, params={"konkurs": "true", "size": "4", "fraRegistreringsdatoEnhetsregisteret": "2005-01-02"}
        )
        whole = client.get(API, params={"konkurs": "true", "size": "4"})
    assert beyond.status_code == 400
    totals = [answer.json()["page"]["totalElements"] for answer in (before, after, whole)]
    assert totals[0] + totals[1] == totals[2] > 4
    assert min(totals) > 0


def test_a_unit_may_contradict_the_notices(serve: Serve) -> None:
    app, simulation = at("2030-01-01")
    simulation.unit_changes = {DELETED_LATER: {"slettedato": "2019-01-01"}, "310034887": {"konkurs": True}}
    with serve(app) as client:
        assert client.get(f"{API}/{DELETED_LATER}").status_code == 410
        assert client.get(f"{API}/310034887").json()["konkurs"]
