from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from konkurs_pipeline.brreg.simulator.app import Simulation, build_app
from konkurs_pipeline.brreg.simulator.clock import SteppedClock
from konkurs_pipeline.brreg.simulator.faults import FaultBook
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, load_test_notices, simulated_notice

Serve = Callable[[Starlette], AbstractContextManager[httpx.Client]]
NOTICES = load_test_notices()
FIRST, SECOND, LAST = NOTICES[0], NOTICES[1], NOTICES[-1]


def uuids(answer: httpx.Response) -> list[str]:
    return [entry["uuid"] for entry in answer.json().get("_embedded", {"konkursvarsler": []})["konkursvarsler"]]


def updated(client: httpx.Client, after: str) -> httpx.Response:
    return client.get(f"/konkursvarsler/oppdatert/{after}")


def test_the_list_is_hal_as_documented(serve: Serve) -> None:
    with serve(build_app(NOTICES)) as client:
        answer = client.get("/konkursvarsler")
        base = str(client.base_url).rstrip("/")

    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert uuids(answer) == [notice.uuid for notice in NOTICES]
    assert answer.json()["_embedded"]["konkursvarsler"][2] == {
        "uuid": "370926f8-c4b4-461a-9d89-210fde5b1817",
        "type": "aapning",
        "registreringstidspunkt": "2018-06-08T11:34:23.310Z",
        "kjennelsesdato": "2018-06-08",
        "debitor": "08086001471",
        "_links": {"self": {"href": f"{base}/konkursvarsler/370926f8-c4b4-461a-9d89-210fde5b1817"}},
    }


def test_the_root_links_to_the_services(serve: Serve) -> None:
    with serve(build_app(NOTICES)) as client:
        links = client.get("/").json()["_links"]
        assert len(uuids(client.get(links["konkursvarsler"]["href"]))) == 15

    assert set(links) == {"self", "konkursvarsler", "oppdatert"}


def test_after_is_strict(serve: Serve) -> None:
    with serve(build_app(NOTICES)) as client:
        just_before = updated(client, "2018-06-08T11:32:40.199Z")
        at_the_time = updated(client, FIRST.registered_at_text)

    assert uuids(just_before)[0] == FIRST.uuid
    assert uuids(at_the_time)[0] == SECOND.uuid


def test_two_notices_of_one_time_are_both_served_or_both_left_out(serve: Serve) -> None:
    twin = replace(FIRST, uuid="twin")
    with serve(build_app([FIRST, twin])) as client:
        assert set(uuids(updated(client, "2018-06-08T11:32:40.199Z"))) == {FIRST.uuid, "twin"}
        assert uuids(updated(client, FIRST.registered_at_text)) == []


def test_an_empty_list_leaves_embedded_out_and_keeps_links(serve: Serve) -> None:
    with serve(build_app(NOTICES)) as client:
        answer = updated(client, LAST.registered_at_text)

    assert answer.status_code == 200
    assert set(answer.json()) == {"_links"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("yesterday", id="no_time"),
        pytest.param("2018-06-08T11:34:23.111", id="no_zone"),
        pytest.param("2018-13-08T11:34:23.111Z", id="no_such_month"),
    ],
)
def test_an_unreadable_time_is_a_bad_request(serve: Serve, text: str) -> None:
    with serve(build_app(NOTICES)) as client:
        assert updated(client, text).status_code == 400


def test_a_time_with_another_offset_is_the_same_instant(serve: Serve) -> None:
    with serve(build_app(NOTICES)) as client:
        assert uuids(updated(client, "2018-06-08T13:32:40.200%2B02:00"))[0] == SECOND.uuid


@pytest.mark.parametrize("path", ["/konkursvarsler/no-such-notice", "/elsewhere", "/konkursvarsler/"])
def test_an_unknown_path_is_not_found_in_json(serve: Serve, path: str) -> None:
    with serve(build_app(NOTICES)) as client:
        answer = client.get(path)

    assert (answer.status_code, answer.json()["status"]) == (404, 404)


def test_a_dataset_carries_the_values_of_its_notice(serve: Serve) -> None:
    with serve(build_app(NOTICES)) as client:
        dataset = client.get(f"/konkursvarsler/{FIRST.uuid}").json()
        entry = client.get("/konkursvarsler").json()["_embedded"]["konkursvarsler"][0]

    assert dataset["debitor"]["identifikator"] == entry["debitor"]
    assert dataset["_links"] == entry["_links"]


def test_a_scripted_dataset_is_served_unchanged(serve: Serve) -> None:
    raw = '{"uuid": 1.10, "debitor": "æøå"}'
    with serve(build_app([replace(FIRST, dataset=raw)])) as client:
        assert client.get(f"/konkursvarsler/{FIRST.uuid}").content == raw.encode()


def test_notices_become_visible_over_time(serve: Serve) -> None:
    clock = SteppedClock(FIRST.registered_at - dt.timedelta(milliseconds=1))
    with serve(build_app(NOTICES, now=clock)) as client:
        assert uuids(client.get("/konkursvarsler")) == []
        assert client.get(f"/konkursvarsler/{FIRST.uuid}").status_code == 404

        clock.move_to(FIRST.registered_at)
        assert uuids(client.get("/konkursvarsler")) == [FIRST.uuid]
        assert client.get(f"/konkursvarsler/{FIRST.uuid}").status_code == 200

        clock.move_to(LAST.registered_at)
        assert len(uuids(client.get("/konkursvarsler"))) == 15


def test_a_cursor_alone_misses_a_late_notice(serve: Serve) -> None:
    late = replace(FIRST, visible_from=SECOND.registered_at + dt.timedelta(minutes=3))
    clock = SteppedClock(SECOND.registered_at)
    with serve(build_app([late, SECOND], now=clock)) as client:
        assert uuids(client.get("/konkursvarsler")) == [SECOND.uuid]

        clock.move_to(late.visible_from)
        assert uuids(updated(client, SECOND.registered_at_text)) == []
        assert uuids(client.get("/konkursvarsler")) == [late.uuid, SECOND.uuid]


def test_a_notice_can_change(serve: Serve) -> None:
    changes_at = FIRST.registered_at + dt.timedelta(hours=1)
    before = replace(FIRST, visible_until=changes_at)
    after = replace(FIRST, type="sletting", visible_from=changes_at)
    clock = SteppedClock(FIRST.registered_at)

    def type_now(client: httpx.Client) -> object:
        return client.get(f"/konkursvarsler/{FIRST.uuid}").json()["type"]

    with serve(build_app([before, after], now=clock)) as client:
        assert type_now(client) == "aapning"
        clock.move_to(changes_at)
        assert type_now(client) == "sletting"


@pytest.mark.parametrize("page_size", [1, 4, 5, 15, 16])
def test_pages_together_hold_every_notice_once(serve: Serve, page_size: int) -> None:
    found: list[str] = []
    with serve(build_app(NOTICES, page_size=page_size)) as client:
        url: str | None = "/konkursvarsler"
        while url:
            answer = client.get(url)
            assert 1 <= len(uuids(answer)) <= page_size
            found += uuids(answer)
            url = answer.json()["_links"].get("next", {}).get("href")

    assert found == [notice.uuid for notice in NOTICES]


@pytest.mark.parametrize("page", ["0", "-1", "two"])
def test_an_invalid_page_is_a_bad_request(serve: Serve, page: str) -> None:
    with serve(build_app(NOTICES, page_size=4)) as client:
        assert client.get("/konkursvarsler", params={"page": page}).status_code == 400


def test_the_simulator_keeps_every_request(serve: Serve) -> None:
    app = build_app(NOTICES, page_size=4)
    with serve(app) as client:
        client.get("/konkursvarsler?page=2")
        client.get("/nowhere")

    assert list(app.state.simulation.requests) == [("GET", "/konkursvarsler?page=2"), ("GET", "/nowhere")]


@given(
    seconds=st.lists(st.integers(0, 5), max_size=8),
    delays=st.lists(st.integers(0, 5), min_size=8, max_size=8),
    after=st.integers(-1, 6),
    now=st.integers(-1, 12),
)
def test_a_list_is_the_visible_notices_after_a_time_in_order(
    seconds: list[int], delays: list[int], after: int, now: int
) -> None:
    start = dt.datetime(2024, 1, 2, 9, tzinfo=dt.UTC)

    def at(second: int) -> dt.datetime:
        return start + dt.timedelta(seconds=second)

    def notice(number: int, second: int) -> SimulatedNotice:
        return simulated_notice(
            uuid=f"{number}",
            type="aapning",
            registered_at=at(second),
            debtor_id="910375237",
            visible_from=at(second + delays[number]),
        )

    notices = [notice(number, second) for number, second in enumerate(seconds)]
    simulation = Simulation(notices, SteppedClock(at(now)), FaultBook(), None)

    expected = [each for each in notices if each.registered_at > at(after) and each.visible_from <= at(now)]
    assert simulation.visible_after(at(after)) == sorted(expected, key=lambda each: each.order)
