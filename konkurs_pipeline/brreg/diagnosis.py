"""What went wrong with a request, as an error that a person can act on, and whether another attempt may help.

It says what each status, TLS alert and socket error means. Of what the service sent, error texts quote only host names
and status codes. What does not belong here: making requests (`client`).
"""

from __future__ import annotations

import datetime as dt
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httpx

from konkurs_pipeline.brreg.hosts import shown_host
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.errors import (
    AccessRefusedError,
    AnswerError,
    GoneError,
    NoAnswerError,
    NotFoundError,
    ServiceError,
    ServiceUnreachableError,
)
from konkurs_pipeline.redaction import redact

MAX_RETRY_AFTER_S: Final = 30.0

# Under TLS 1.3 they arrive with the first read: the client ends its handshake before the server checks the certificate.
_REFUSED_CERTIFICATE: Final = re.compile(
    r"ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE|DECRYPT_ERROR)"
)
_CHECK_OURS: Final = (
    "run `konkurs doctor`: it checks dates, key usage and chain. If it finds nothing, check that the certificate is for "
    "this environment (test or production), then ask Brreg whether access is open; a good one need not be ordered again"
)


@dataclass(frozen=True, slots=True)
class Host:
    """A service: its base URL, the setting that holds it, and whether it asks for our client certificate."""

    base_url: str
    setting: str = "KONKURS_API_URL"
    asks_for_certificate: bool = True

    def __str__(self) -> str:
        """Return host and port."""
        url = urlsplit(self.base_url)
        return f"{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}"


@dataclass(frozen=True, slots=True)
class Target:
    """The request that an error is about; its text holds no query and no identifier."""

    host: Host
    path: str

    @property
    def setting(self) -> str:
        """The setting to check."""
        return self.host.setting

    def __str__(self) -> str:
        return f"GET {self.path} at {self.host}"


class AttemptFailedError(ServiceUnreachableError):
    """One attempt failed. `retry`: whether to retry, or after how many seconds. `retry_after_s`: what it asked for."""

    def __init__(self, message: str, *, retry: bool | float = True, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry = retry
        self.retry_after_s = retry_after_s


class AttemptUnansweredError(AttemptFailedError, NoAnswerError):
    """One attempt got no answer: refused, reset, timed out."""


def retry_of(error: Exception) -> bool | float:
    """Whether (or after how many seconds) the attempt that ended in `error` is made again."""
    return error.retry if isinstance(error, AttemptFailedError) else False


def status_error(response: httpx.Response, target: Target) -> ServiceError | None:
    """Return the error that the answer's status means, None for 200."""
    status = response.status_code
    if status == HTTPStatus.OK:
        return None
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        cure = f"the client certificate is not let in; {_CHECK_OURS}"
        cure = cure if target.host.asks_for_certificate else f"it is open to all; check {target.setting}"
        return AccessRefusedError(f"{target}: the service refused us ({status}): {cure}")
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        kind = GoneError if status == HTTPStatus.GONE else NotFoundError
        return kind(f"{target}: the service has no such resource ({status}); check {target.setting}")
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return _retry_after_of(response, target)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AttemptFailedError(f"{target}: the service failed ({status}); try again later, or ask Brreg")
    return AnswerError(
        f"{target}: the service answered {status}{_status_hint(response, target)}; expected: 200 with JSON"
    )


def _status_hint(response: httpx.Response, target: Target) -> str:
    if response.status_code == HTTPStatus.BAD_REQUEST:
        # nginx tells a missing or refused client certificate this way, after the handshake.
        return " (some servers answer so when they refuse the client certificate; see `konkurs doctor`)"
    if not HTTPStatus.MULTIPLE_CHOICES <= response.status_code < HTTPStatus.BAD_REQUEST:
        return ""
    try:
        host = shown_host(urlsplit(response.headers.get("location", "")).hostname)
    except ValueError:
        host = "an unreadable address"
    return f", a redirect to {host}, which is never followed: correct {target.setting} if the service moved"


def _retry_after_of(response: httpx.Response, target: Target) -> AttemptFailedError:
    refusal = f"{target}: the service asks us to come back later ({response.status_code}"
    wait = _retry_after(response.headers.get("retry-after", ""))
    if wait is None:
        return AttemptFailedError(f"{refusal}); try again later")
    if wait > MAX_RETRY_AFTER_S:
        message = f"{refusal}, in {wait:.0f} s; we wait {MAX_RETRY_AFTER_S:.0f} s at most); try again after that"
        return AttemptFailedError(message, retry=False, retry_after_s=wait)
    message = f"{refusal}, in {wait:.0f} s) and did so at every attempt; try again later"
    return AttemptFailedError(message, retry=wait, retry_after_s=wait)


def _retry_after(text: str) -> float | None:
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - utc_now()).total_seconds())


def transport_error(error: httpx.TransportError, target: Target, seconds: float, setting: str) -> ServiceError:
    """Return the error for a request without a usable answer. `seconds`: its time limit, which `setting` sets."""
    if isinstance(error, httpx.TimeoutException):
        return AttemptUnansweredError(
            f"{target}: no complete answer within {round(seconds, 2):g} s ({setting}); "
            "try again later, and check network and firewall"
        )
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return _tls_error(cause, target)
        if isinstance(cause, ConnectionRefusedError):
            return AttemptUnansweredError(
                f"{target}: {target.host} refused the connection; check {target.setting} and the firewall, "
                "and that the service (or the simulator) is running"
            )
        if isinstance(cause, socket.gaierror):
            return AttemptUnansweredError(
                f"{target}: the host's name cannot be looked up; check {target.setting} and the name server"
            )
    return _broken_off(error, target)


def _broken_off(error: httpx.TransportError, target: Target) -> AttemptUnansweredError:
    if isinstance(error, httpx.RemoteProtocolError):
        how = "the answer is cut short, or is not HTTP"
    else:
        how = f"the connection broke ({type(error).__name__})"
    return AttemptUnansweredError(
        f"{target}: {how}; try again later. If it is always so: check {target.setting}, what stands between, "
        "and the "
        "client certificate (some servers hang up on one they do not accept)"
    )


def cut_short(target: Target) -> AttemptFailedError:
    """Return the error for a compressed body that ends too early."""
    return AttemptFailedError(f"{target}: the compressed answer is cut short; try again later")


def _tls_error(error: ssl.SSLError, target: Target) -> ServiceError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return AccessRefusedError(
            f"{target}: the service's certificate fails our check ({redact(error.verify_message)}); "
            "expected: a valid one for "
            f"that host, from a root we trust. Check {target.setting} and KONKURS_CA_BUNDLE; do not go around "
            "it"
        )
    reason = (error.reason or type(error).__name__).upper()
    alert = reason.rpartition("ALERT_")[2].replace("_", " ").lower()
    if _REFUSED_CERTIFICATE.search(reason):
        return AccessRefusedError(f"{target}: the service refused our client certificate ({alert}); {_CHECK_OURS}")
    return AttemptUnansweredError(
        f"{target}: the TLS connection failed ({alert}); check {target.setting} (https, port) and what stands between"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
