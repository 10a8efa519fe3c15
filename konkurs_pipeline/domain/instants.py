"""The text form of an instant: UTC, milliseconds, Z, as the register writes it. Files, JSON and pages all use this one."""

from __future__ import annotations

import datetime as dt


def instant_text(instant: dt.datetime) -> str:
    """Return an instant as `2018-06-08T11:34:23.111Z`; digits after the millisecond are cut."""
    return instant.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
