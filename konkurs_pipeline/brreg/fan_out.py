"""Makes several requests at once, gives their results in the order asked for, and stops when the service is gone.

What does not belong here: how one request is made (`client`).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from konkurs_pipeline.errors import AccessRefusedError, NoAnswerError, NotTriedError, ServiceError

MAX_FAILURES_IN_A_ROW: Final = 5
_AHEAD: Final = 2

T = TypeVar("T")


class CircuitBreaker:
    """Opens after five requests in a row that got no answer, or once the service refuses us: then nothing more is tried.

    An answer with an error status is about one document: it does not count.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures_in_a_row = 0
        self._why: str | None = None

    def open(self, why: str) -> None:
        """Allow no more requests."""
        with self._lock:
            self._why = self._why or why

    def record(self, error: ServiceError | None) -> None:
        """Count one request that was made: None for a good one."""
        with self._lock:
            is_failure = isinstance(error, NoAnswerError)
            self._failures_in_a_row = self._failures_in_a_row + 1 if is_failure else 0
            if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
                self._why = self._why or f"{MAX_FAILURES_IN_A_ROW} requests in a row got no answer"
            if isinstance(error, AccessRefusedError):
                self._why = self._why or "the service refused us"

    def refusal(self) -> NotTriedError | None:
        """Return the error for a request that is not made; None while requests are allowed."""
        with self._lock:
            if self._why is None:
                return None
            return NotTriedError(f"not tried, as {self._why}; the next run tries again")


def fetch_each(
    names: Sequence[str], fetch: Callable[[str], T], *, concurrency: int, until: float | None = None
) -> Iterator[tuple[str, T | ServiceError]]:
    """Yield each name with what `fetch` returned for it, or with the `ServiceError` it raised, in order.

    At most twice `concurrency` requests run ahead of the next result in order. After any other error, or after `until`
    (monotonic seconds), no request is started.
    """
    breaker = CircuitBreaker()

    def guarded(name: str) -> T | ServiceError:
        if until is not None and time.monotonic() >= until:
            breaker.open("the time for documents is used up")
        if refusal := breaker.refusal():
            return refusal
        try:
            result = fetch(name)
        except ServiceError as error:
            breaker.record(error)
            return error
        breaker.record(None)
        return result

    waiting: deque[tuple[str, Future[T | ServiceError]]] = deque()
    with ThreadPoolExecutor(concurrency, thread_name_prefix="konkursvarsel") as pool:
        try:
            for name in names:
                waiting.append((name, pool.submit(guarded, name)))
                if len(waiting) >= concurrency * _AHEAD:
                    due, future = waiting.popleft()
                    yield due, future.result()
            while waiting:
                due, future = waiting.popleft()
                yield due, future.result()
        finally:
            breaker.open("the run broke off")
