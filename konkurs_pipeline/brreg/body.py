"""Reads the bytes of an answer whole, decompresses them, and stops at a limit.

httpx decompresses without a limit, so a few kilobytes could fill the memory. Here the raw bytes are read and inflated
piece by piece. What does not belong here: what the bytes mean (`wire`).
"""

from __future__ import annotations

import zlib
from typing import Final, NoReturn, Protocol

import httpx

from konkurs_pipeline.errors import AnswerError

_GZIP_ONLY: Final = 16 + zlib.MAX_WBITS
_RAW_DEFLATE: Final = -zlib.MAX_WBITS
_FEED: Final = 65536
_GZIP_MAGIC: Final = 0x1F


class TruncatedBodyError(Exception):
    """The compressed body is cut short; another attempt may get it whole."""


class _Decoder(Protocol):
    def decode(self, data: bytes, room: int) -> bytes: ...
    def finish(self) -> None: ...


def read_body(response: httpx.Response, limit: int, what: str) -> bytes:
    """Return the body of a streamed `response`, decompressed, of at most `limit` bytes.

    `what` names the request in error texts. Raises `AnswerError` for more bytes than that, an unknown
    encoding or damaged compression, `TruncatedBodyError` for a compressed body cut short, and httpx's own
    errors.
    """
    decoder = _decoder_of(response, what)
    parts: list[bytes] = []
    size = 0
    for raw in response.iter_raw():
        for start in range(0, len(raw), _FEED):
            part = decoder.decode(raw[start : start + _FEED], limit - size + 1)
            size += len(part)
            if size > limit:
                _refuse(what, f"is larger than {limit} bytes", "an answer of the usual size")
            parts.append(part)
    decoder.finish()
    return b"".join(parts)


def _decoder_of(response: httpx.Response, what: str) -> _Decoder:
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return _AsSent()
    if encoding not in ("gzip", "x-gzip", "deflate"):
        _refuse(what, "has a Content-Encoding we do not know", "gzip, deflate or none")
    return _Inflater(what, is_gzip=encoding != "deflate")


def _refuse(what: str, how: str, expected: str) -> NoReturn:
    message = f"{what}: the answer {how}; expected: {expected}. If it is no passing fault, tell Brreg"
    raise AnswerError(message)


class _AsSent:
    def decode(self, data: bytes, room: int) -> bytes:
        return data[:room]

    def finish(self) -> None:
        return


class _Inflater:
    def __init__(self, what: str, *, is_gzip: bool) -> None:
        self._what = what
        self._is_gzip = is_gzip
        self._zlib = zlib.decompressobj(_GZIP_ONLY if is_gzip else zlib.MAX_WBITS)
        self._is_started = False

    def decode(self, data: bytes, room: int) -> bytes:
        part = b""
        while data and len(part) < room:
            if self._zlib.eof and not (data := self._next_member(data)):
                break
            try:
                part += self._inflate(data, room - len(part))
            except zlib.error:
                _refuse(self._what, "is damaged: it cannot be decompressed", "gzip or deflate as its header says")
            data = self._zlib.unused_data
        return part

    def _next_member(self, data: bytes) -> bytes:
        """Begin the next member: gzip allows several, one after the other, and zeros as padding after the last."""
        rest = data.lstrip(b"\0") if self._is_gzip else data
        if rest:
            if not self._is_gzip or rest[0] != _GZIP_MAGIC:
                _refuse(self._what, "cannot be decompressed: bytes stand after its end", "gzip or deflate alone")
            self._zlib = zlib.decompressobj(_GZIP_ONLY)
        return rest

    def _inflate(self, data: bytes, room: int) -> bytes:
        is_first, self._is_started = not self._is_started, True
        try:
            return self._zlib.decompress(data, room)
        except zlib.error:
            # Some servers send "deflate" without the zlib frame that the standard asks for.
            if self._is_gzip or not is_first:
                raise
            self._zlib = zlib.decompressobj(_RAW_DEFLATE)
            return self._zlib.decompress(data, room)

    def finish(self) -> None:
        if not self._zlib.eof:
            raise TruncatedBodyError
