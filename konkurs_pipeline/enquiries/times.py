"""How an instant and a span are written for people."""

from __future__ import annotations

import datetime as dt

from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.domain.workdays import OSLO

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def oslo_text(instant: dt.datetime) -> str:
    """Write an instant as Norwegian local time, with milliseconds and the offset from UTC."""
    return instant.astimezone(OSLO).isoformat(sep=" ", timespec="milliseconds")


def utc_text(instant: dt.datetime) -> str:
    """Write an instant as UTC, with milliseconds and Z."""
    return instant_text(instant)


def span_text(span: dt.timedelta) -> str:
    """Write a span in the two largest units that say something, such as `4 min 12 s`; a negative one with its sign."""
    sign, seconds = ("−" if span < dt.timedelta() else ""), abs(span).total_seconds()
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{sign}{seconds:.3f} s"
    if whole < _HOUR:
        return f"{sign}{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{sign}{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{sign}{whole // _DAY} d {whole % _DAY // _HOUR} h"
