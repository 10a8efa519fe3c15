"""The simulator's own clocks: one that starts elsewhere and runs faster, and one that a test moves.

A clock is any callable that returns an instant in UTC; the real one is `konkurs_pipeline.clock.utc_now`. What does not
belong here: when a notice becomes visible (notices.py).
"""

from __future__ import annotations

import datetime as dt
import time


class RunningClock:
    """A clock that starts at `starts_at` when made and runs `speed` times as fast as the real one."""

    def __init__(self, starts_at: dt.datetime, *, speed: float = 1.0) -> None:
        self._starts_at = starts_at.astimezone(dt.UTC)
        self._speed = speed
        self._made_at = time.monotonic()

    def __call__(self) -> dt.datetime:
        """Return the simulated instant (UTC)."""
        return self._starts_at + dt.timedelta(seconds=(time.monotonic() - self._made_at) * self._speed)


class SteppedClock:
    """A clock that stands still until it is moved: for the demo, which goes day by day, and for tests."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now.astimezone(dt.UTC)

    def __call__(self) -> dt.datetime:
        """Return the instant it stands at (UTC)."""
        return self._now

    def move_to(self, now: dt.datetime) -> None:
        """Set the clock; back in time is allowed."""
        self._now = now.astimezone(dt.UTC)
