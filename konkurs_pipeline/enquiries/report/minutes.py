"""At which minute of the quarter new notices were first seen: it helps an operator to set the interval of looks."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from konkurs_pipeline.domain.outcomes import GOOD
from konkurs_pipeline.enquiries.report.period import Period
from konkurs_pipeline.storage.readers.published import Published

QUARTER: Final = 15
# A notice that was not there so shortly before it was seen became visible at the minute at which it was seen.
_SOON: Final = dt.timedelta(minutes=2)
_IN_TIME: Final = dt.timedelta(days=2)
_ASKED_AFTER: Final = r"/oppdatert/(.+)Z$"


@dataclass(frozen=True)
class NoticeMinutes:
    """Notices by minute of the quarter, 0 to 14. `at_once`: the service did not show them two minutes before."""

    at_once: Sequence[int]
    later: Sequence[int]


def first_seen(published: Published, workdays: Sequence[dt.date], period: Period) -> NoticeMinutes:
    """Return the notices of these workdays that were first seen in the period, within two days of their registration."""
    notices = published.read("raw_notices", workdays, columns=("registered_at", "first_seen_at"))
    seen_at = pl.col("first_seen_at")
    is_meant = seen_at.is_between(period.start, period.end, closed="left") & (
        seen_at - pl.col("registered_at") <= _IN_TIME
    )
    before = _whole_lists(published)
    rows = notices.filter(is_meant).sort("first_seen_at")
    rows = rows.join_asof(before, left_on="first_seen_at", right_on="fetched_at", allow_exact_matches=False)
    rows = rows.select(
        minute=seen_at.dt.minute() % QUARTER,
        is_at_once=(
            (pl.col("asked_after") < pl.col("registered_at")) & (seen_at - pl.col("not_seen_at") <= _SOON)
        ).fill_null(value=False),
    )
    counts = Counter(rows.iter_rows())
    at_once, later = ([counts[minute, was] for minute in range(QUARTER)] for was in (True, False))
    return NoticeMinutes(at_once, later)


def _whole_lists(published: Published) -> pl.DataFrame:
    good = published.read("polls", columns=("run_id", "outcome")).filter(pl.col("outcome").is_in(sorted(GOOD)))[
        "run_id"
    ]
    answers = published.read("answers", columns=("run_id", "resource", "fetched_at", "is_look"))
    is_whole = pl.col("is_look").fill_null(value=False) | pl.col("run_id").is_in(good.implode())
    asked_after = pl.col("resource").str.extract(_ASKED_AFTER).str.to_datetime(time_unit="us", time_zone="UTC")
    lists = answers.filter(is_whole).select("fetched_at", not_seen_at=pl.col("fetched_at"), asked_after=asked_after)
    return lists.drop_nulls("asked_after").sort("fetched_at")
