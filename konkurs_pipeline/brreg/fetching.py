"""GET requests to one host, each with a total deadline, a largest body, and retries of passing faults.

URLs are made from the base URL and a path, never taken from an answer, and no redirect is followed. What does not
belong here: what a failure means (`diagnosis`), what an answer holds (`wire`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ssl
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx
import stamina
import stamina.instrumentation

from konkurs_pipeline.brreg.body import TruncatedBodyError, read_body
from konkurs_pipeline.brreg.diagnosis import Host, Target, cut_short, retry_of, status_error, transport_error
from konkurs_pipeline.brreg.transport import open_http_client, total_deadline
from konkurs_pipeline.clock import Clock, utc_now

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """One 200 answer: path asked for, body decompressed, the body's SHA-256 (hex), when it came (UTC)."""

    resource: str
    status: int
    body: bytes
    sha256: str
    fetched_at: dt.datetime


class Fetcher:
    """Asks one host over one HTTP client. `ssl_context` null: plain http on loopback. `deadline_s`: of one attempt."""

    def __init__(  # noqa: PLR0913  # limits that a caller may set, all by name
        self,
        host: Host,
        *,
        ssl_context: ssl.SSLContext | None,
        deadline_s: float,
        attempts: int = 3,
        http: httpx.Client | None = None,
        now: Clock = utc_now,
    ) -> None:
        if ssl_context is None and urlsplit(host.base_url).scheme != "http":
            message = "https needs an ssl_context: see certificate.load_client_context"
            raise ValueError(message)
        self._host = host
        self._deadline_s = deadline_s
        # stamina would log each retry with the function's arguments.
        stamina.instrumentation.set_on_retry_hooks([])
        self._retrying = stamina.RetryingCaller(
            attempts=attempts, timeout=None, wait_initial=0.2, wait_max=2.0, wait_jitter=0.3
        )
        self._http = http or open_http_client(ssl_context, deadline_s)
        self._now = now

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(
        self, path: str, query: str | None, limit: int, *, shown_as: str | None = None, until: float | None = None
    ) -> Answer:
        """Return the answer of at most `limit` bytes; raises `ServiceError`.

        `shown_as`: the path in error texts. `until`: by the monotonic clock, when the last attempt must have ended.
        """

        def retry_in_time(error: Exception) -> bool | float:
            wait = retry_of(error)
            return wait if until is None or time.monotonic() + float(wait) < until else False

        return self._retrying(retry_in_time, self._attempt, path, query, limit, shown_as or path, until)

    def _attempt(self, path: str, query: str | None, limit: int, shown_as: str, until: float | None) -> Answer:
        seconds, setting = self._deadline_s, "KONKURS_HTTP_DEADLINE_S"
        if until is not None and until - time.monotonic() < seconds:
            seconds, setting = until - time.monotonic(), "KONKURS_DATASETS_BUDGET_S"
        target = Target(self._host, shown_as)
        url = f"{self._host.base_url}{path}" + (f"?{query}" if query else "")
        try:
            with total_deadline(seconds), self._http.stream("GET", url) as response:
                if error := status_error(response, target):
                    raise error
                body = read_body(response, limit, str(target))
        except TruncatedBodyError:
            raise cut_short(target) from None
        except httpx.TransportError as error:
            raise transport_error(error, target, seconds, setting) from None
        return Answer(path, response.status_code, body, hashlib.sha256(body).hexdigest(), self._now())
