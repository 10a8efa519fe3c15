"""Sends each faulty answer: wrong bytes, or a connection that breaks (faults.py says what each kind means).

ASGI cannot break a connection, so two kinds use the connection's transport, which server.py puts into the request's
scope. They work only under that server. What does not belong here: when a fault strikes.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from konkurs_pipeline.brreg.simulator.faults import Fault, FaultKind

CONTENT_TYPE: Final = "application/json;charset=UTF-8"
TRANSPORT: Final = "konkurs.transport"
_BLOCK: Final = b" " * 65_536
_DRIP: Final = 16
_LOGIN_PAGE: Final = "<!DOCTYPE html><html><head><title>Logg inn</title></head><body>Logg inn</body></html>"


@dataclass(frozen=True)
class SimulatedAnswer:
    """The regular answer. A fault changes it; without a fault it is sent as it is."""

    body: bytes
    base_url: str
    status: int = 200


def respond(answer: SimulatedAnswer, fault: Fault | None) -> ASGIApp:
    """Return the response: `answer`, or what `fault` makes of it."""
    if fault is None:
        return _json(answer.body, answer.status)
    return _ANSWERS[fault.kind](fault, answer)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, {"Content-Type": CONTENT_TYPE})


def _regular(_: Fault, answer: SimulatedAnswer) -> ASGIApp:
    return _json(answer.body, answer.status)


def _status(fault: Fault, _: SimulatedAnswer) -> ASGIApp:
    return Response(fault.body, fault.status, {"Content-Type": "text/plain;charset=UTF-8", **fault.headers})


def _html(_: Fault, __: SimulatedAnswer) -> ASGIApp:
    return Response(_LOGIN_PAGE, 200, {"Content-Type": "text/html;charset=UTF-8"})


def _empty(_: Fault, __: SimulatedAnswer) -> ASGIApp:
    return _json(b"")


def _json_value(fault: Fault, _: SimulatedAnswer) -> ASGIApp:
    return _json(fault.body.encode())


def _bomb(fault: Fault, _: SimulatedAnswer) -> ASGIApp:
    return Response(_gzip_bomb(fault.size), 200, {"Content-Type": CONTENT_TYPE, "Content-Encoding": "gzip"})


def _oversize(fault: Fault, _: SimulatedAnswer) -> ASGIApp:
    async def stream() -> AsyncIterator[bytes]:
        for block in _blank_document(fault.size):
            yield block
            # If the client is gone, sending returns at once: this gives other tasks a turn.
            await asyncio.sleep(0)

    return StreamingResponse(stream(), 200, {"Content-Type": CONTENT_TYPE})


def _blank_document(size: int) -> Iterator[bytes]:
    """Yield `{"x":"   …   "}`, `size` bytes of it."""
    head, tail = b'{"x":"', b'"}'
    yield head
    left = max(0, size - len(head) - len(tail))
    while left:
        block = _BLOCK[:left]
        left -= len(block)
        yield block
    yield tail


@lru_cache(maxsize=4)
def _gzip_bomb(size: int) -> bytes:
    packer = zlib.compressobj(level=1, wbits=zlib.MAX_WBITS | 16)
    return b"".join([*(packer.compress(block) for block in _blank_document(size)), packer.flush()])


def _deep_nesting(fault: Fault, _: SimulatedAnswer) -> ASGIApp:
    return _json(b"[" * fault.size + b"]" * fault.size)


def _big_integer(fault: Fault, answer: SimulatedAnswer) -> ASGIApp:
    return _json(_with_first_member(answer.body, b'"antall":' + b"9" * fault.size))


def _nan(_: Fault, answer: SimulatedAnswer) -> ASGIApp:
    return _json(_with_first_member(answer.body, b'"antall":NaN'))


def _invalid_utf8(_: Fault, answer: SimulatedAnswer) -> ASGIApp:
    return _json(_with_first_member(answer.body, b'"merknad":"\xff"'))


def _duplicate_keys(_: Fault, answer: SimulatedAnswer) -> ASGIApp:
    # A parser that keeps the last of two would read: no notices, a deletion, no links.
    keys = json.loads(answer.body)
    if "_embedded" in keys:
        member = b'"_embedded":{"konkursvarsler":[]}'
    else:
        member = b'"type":"sletting"' if "type" in keys else b'"_links":{}'
    return _json(answer.body[:-1] + b"," + member + b"}")


def _with_first_member(document: bytes, member: bytes) -> bytes:
    return b"{" + member + b"," + document[1:]


def _redirect(fault: Fault, _: SimulatedAnswer) -> ASGIApp:
    return Response(b"", 302, {"Location": fault.url})


def _foreign_href(fault: Fault, answer: SimulatedAnswer) -> ASGIApp:
    return _json(answer.body.replace(answer.base_url.encode(), fault.url.encode()), answer.status)


def _omit_embedded(_: Fault, answer: SimulatedAnswer) -> ASGIApp:
    document = json.loads(answer.body)
    document.pop("_embedded", None)
    return _json(json.dumps(document, ensure_ascii=False).encode(), answer.status)


def _truncated(_: Fault, answer: SimulatedAnswer) -> ASGIApp:
    async def send_half(scope: Scope, receive: Receive, send: Send) -> None:
        await _start(send, len(answer.body))
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        _transport(scope).close()
        await _disconnected(receive)

    return send_half


def _reset(_: Fault, __: SimulatedAnswer) -> ASGIApp:
    async def reset(scope: Scope, receive: Receive, _: Send) -> None:
        transport = _transport(scope)
        # Lingering for zero seconds turns closing into a reset (RST).
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
        await _disconnected(receive)

    return reset


def _slow(fault: Fault, answer: SimulatedAnswer) -> ASGIApp:
    async def drip(_: Scope, receive: Receive, send: Send) -> None:
        await _start(send, len(answer.body))
        for at in range(0, len(answer.body), _DRIP):
            await send({"type": "http.response.body", "body": answer.body[at : at + _DRIP], "more_body": True})
            if await _disconnected_within(receive, fault.delay_s):
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return drip


async def _start(send: Send, length: int) -> None:
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


def _transport(scope: Scope) -> asyncio.Transport:
    transport = scope["state"][TRANSPORT]
    if not isinstance(transport, asyncio.Transport):
        message = "a connection can only be broken off under the simulator's own server (server.py)"
        raise TypeError(message)
    return transport


async def _disconnected(receive: Receive) -> None:
    # If it returned earlier, the server would log an incomplete answer.
    while (await receive())["type"] != "http.disconnect":
        pass


async def _disconnected_within(receive: Receive, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await _disconnected(receive)
    except TimeoutError:
        return False
    return True


_ANSWERS: Final[dict[FaultKind, Callable[[Fault, SimulatedAnswer], ASGIApp]]] = {
    FaultKind.STATUS: _status,
    FaultKind.HTML: _html,
    FaultKind.EMPTY: _empty,
    FaultKind.JSON_VALUE: _json_value,
    FaultKind.TRUNCATED: _truncated,
    FaultKind.RESET: _reset,
    FaultKind.SLOW: _slow,
    FaultKind.BOMB: _bomb,
    FaultKind.OVERSIZE: _oversize,
    FaultKind.DEEP_NESTING: _deep_nesting,
    FaultKind.BIG_INTEGER: _big_integer,
    FaultKind.NAN: _nan,
    FaultKind.INVALID_UTF8: _invalid_utf8,
    FaultKind.DUPLICATE_KEYS: _duplicate_keys,
    FaultKind.REDIRECT: _redirect,
    FaultKind.FOREIGN_HREF: _foreign_href,
    # The list is already paged: app.py asks the fault for the page size.
    FaultKind.PAGING: _regular,
    FaultKind.OMIT_EMBEDDED: _omit_embedded,
}
