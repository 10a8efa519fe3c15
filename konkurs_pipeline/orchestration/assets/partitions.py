"""The partitions: one a Norwegian workday, keyed YYYY-MM-DD.

Dagster's time windows give the keys only. The windows leave gaps: Friday's reaches to Monday, but an excluded day lies in
no window. `domain.workdays` says which workday an instant belongs to.
"""

from __future__ import annotations

import datetime as dt

import dagster as dg

from konkurs_pipeline.domain.workdays import OSLO, Calendar

_YEARS_AHEAD = 2


def workday_partitions(calendar: Calendar, today: dt.date) -> dg.TimeWindowPartitionsDefinition:
    """Return the partitions from the first workday to today's.

    `end_offset=1`: without it today's partition does not exist while today runs.
    """
    last = today.replace(month=12, day=31, year=today.year + _YEARS_AHEAD)
    weekdays = (calendar.first_workday + dt.timedelta(n) for n in range((last - calendar.first_workday).days + 1))
    closed = [day for day in weekdays if day.weekday() < 5 and not calendar.is_workday(day)]  # noqa: PLR2004 -- Saturday
    return dg.TimeWindowPartitionsDefinition(
        start=calendar.first_workday.isoformat(),
        fmt="%Y-%m-%d",
        cron_schedule="0 0 * * 1-5",
        timezone=OSLO.key,
        end_offset=1,
        exclusions=[dt.datetime.combine(day, dt.time(), tzinfo=OSLO) for day in closed],
    )
