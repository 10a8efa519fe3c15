"""The web server answers only its own pages, and only under its own names."""

from __future__ import annotations

import asyncio
import sys

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from konkurs_pipeline.orchestration import webserver
from konkurs_pipeline.orchestration.webserver import OwnPagesOnly

URL = "http://127.0.0.1:3000"


async def _done(request: Request) -> PlainTextResponse:
    del request
    return PlainTextResponse("done")


def asked(method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    """Return the answer of a guarded application."""
    routes = [Route("/graphql", _done, methods=["GET", "POST"]), Route("/runs", _done)]
    app = OwnPagesOnly(Starlette(routes=routes), frozenset({"127.0.0.1", "ui.bank.example"}))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(ask())


OBEYED = [
    pytest.param("POST", "/graphql", {"origin": URL, "sec-fetch-site": "same-origin"}, id="its own page"),
    pytest.param("POST", "/graphql", {}, id="a program"),
    pytest.param("GET", "/graphql", {}, id="the query page"),
    pytest.param("GET", "/runs", {"sec-fetch-site": "cross-site"}, id="a link in an alert"),
    pytest.param(
        "POST",
        "/graphql",
        {"host": "ui.bank.example", "origin": "https://ui.bank.example"},
        id="behind the bank's sign-on",
    ),
]
REFUSED = [
    pytest.param("POST", "/graphql", {"origin": "https://evil.example"}, id="another page"),
    pytest.param("POST", "/graphql", {"origin": "null"}, id="a page without an origin"),
    pytest.param("POST", "/graphql", {"origin": "http://127.0.0.1:8080"}, id="another program's page on this machine"),
    pytest.param("GET", "/graphql?query=mutation{stopRunningSchedule}", {}, id="a mutation in a link"),
    pytest.param("POST", "/graphql", {"sec-fetch-site": "cross-site"}, id="a form of another page"),
    pytest.param("POST", "/graphql", {"host": "evil.example:3000"}, id="another name of this machine"),
    pytest.param("GET", "/runs", {"host": "evil.example:3000"}, id="a page under another name"),
    pytest.param("GET", "/runs", {"host": "[::1"}, id="an unreadable host name"),
]


@pytest.mark.parametrize(("method", "path", "headers"), OBEYED)
def test_a_request_of_its_own_page_or_of_a_program_is_answered(method: str, path: str, headers: dict[str, str]) -> None:
    assert asked(method, path, headers).text == "done"


@pytest.mark.parametrize(("method", "path", "headers"), REFUSED)
def test_a_request_of_another_page_or_under_another_name_is_refused(
    method: str, path: str, headers: dict[str, str]
) -> None:
    assert asked(method, path, headers).status_code == 403


def test_dagsters_own_server_starts_with_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **_: started.append(app))
    monkeypatch.setattr(sys, "argv", ["konkurs-webserver", "--empty-workspace", "--port", "1"])
    monkeypatch.setenv("UI_ALLOWED_HOSTS", "ui.bank.example")
    with pytest.raises(SystemExit) as ended:
        webserver.main()
    assert not ended.value.code
    assert isinstance(started[0], OwnPagesOnly)
