"""How an instant and a span are written for people."""

from __future__ import annotations

import datetime as dt

from konkurs_pipeline.domain.workdays import OSLO

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def oslo_text(instant: dt.datetime) -> str:
    """Write an instant as Norwegian local time, with milliseconds and the offset from UTC."""
    return instant.astimezone(OSLO).isoformat(sep=" ", timespec="milliseconds")


def oslo_minute_text(instant: dt.datetime) -> str:
    """Write an instant as Norwegian local time, to the minute: `2018-09-03 14:00 Oslo`."""
    return f"{instant.astimezone(OSLO):%Y-%m-%d %H:%M} Oslo"


def rough_span_text(span: dt.timedelta) -> str:
    """Write a span of zero or more: in seconds below a minute, in minutes below a day, in hours above."""
    if span < dt.timedelta(minutes=1):
        return f"{span.total_seconds():.0f} s"
    hours, minutes = divmod(int(span / dt.timedelta(minutes=1)), 60)
    days, hours = divmod(hours, 24)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", "" if days else f"{minutes} min"]
    return " ".join(part for part in parts if part)


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
