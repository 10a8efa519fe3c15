"""Dagster's web server, which obeys its own pages only: `konkurs-webserver`, with the options of `dagster-webserver`.

Dagster's own server obeys every page that the browser has open, also by a link, under every name of this machine. This
one refuses a request if its Host is not one of ours, if its Origin is another page, or if it is a GraphQL query in a
link. What does not belong here: who may log in. The bank's sign-on in front of it says that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Final
from urllib.parse import urlsplit

import uvicorn
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

_OURS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
# Names, separated by commas, under which the bank's sign-on shows the UI.
HOSTS_VARIABLE: Final = "UI_ALLOWED_HOSTS"
_FORBIDDEN: Final = 403
_POLICY_VIOLATION: Final = 1008


class OwnPagesOnly:
    """Passes a request on to the application, or refuses it (`refusal`)."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand the request on."""
        why = refusal(scope, self._hosts) if scope["type"] in {"http", "websocket"} else None
        if why is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(_POLICY_VIOLATION, why)(scope, receive, send)
        else:
            await PlainTextResponse(f"{why}\n", _FORBIDDEN)(scope, receive, send)


def refusal(scope: Scope, hosts: frozenset[str]) -> str | None:
    """Return why a request is refused; None: it may pass."""
    headers = Headers(scope=scope)
    host, origin = headers.get("host", ""), headers.get("origin")
    if _name_of(host) not in hosts:
        return f"this name is not one of ours: add it to {HOSTS_VARIABLE}"
    if origin is not None and urlsplit(origin).netloc != host:
        return "another page asked for this"
    if not scope["path"].endswith("/graphql"):
        return None
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return "another page asked for this"
    if scope["type"] == "http" and scope["method"] != "POST" and scope["query_string"]:
        return "a GraphQL query in a link is not obeyed: send it with POST"
    return None


def _name_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def guarded(run: Callable[..., None], hosts: frozenset[str]) -> Callable[..., None]:
    """Return uvicorn's `run`, for the guarded application."""

    def run_guarded(app: ASGIApp, **options: Any) -> None:
        run(OwnPagesOnly(app, hosts), **options)

    return run_guarded


def main() -> None:
    """Start Dagster's web server with the options of the command line."""
    more = (name.strip().lower() for name in os.environ.get(HOSTS_VARIABLE, "").split(","))
    # Dagster has no place to put a middleware from outside; it starts its application with this public function.
    uvicorn.run = guarded(uvicorn.run, _OURS | {name for name in more if name})
    (script,) = entry_points(group="console_scripts", name="dagster-webserver")
    script.load()()
