"""What happened in a period: read from what runs left, without the lock. Instants are UTC; spans are seconds."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from konkurs_pipeline.domain.actions.rows import ActionKind, ActionStatus
from konkurs_pipeline.domain.monitoring.volume import expected_count
from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.domain.second_source import ComparisonOutcome
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.enquiries.report.minutes import NoticeMinutes, first_seen
from konkurs_pipeline.enquiries.report.period import Period
from konkurs_pipeline.enquiries.watch import Watched, recent_quarters
from konkurs_pipeline.enquiries.worklists.reviews import reviews_of
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import layout_of

# If an opening was older when the bank first saw it (a late start, a backfill), its block says nothing about speed.
IN_TIME: Final = dt.timedelta(days=2)
SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "longest": 1.0}
REVIEW_AGES: Final[Mapping[str, dt.timedelta]] = {
    "up to a day": dt.timedelta(days=1),
    "up to a week": dt.timedelta(days=7),
    "up to 30 days": dt.timedelta(days=30),
    "older": dt.timedelta.max,
}
_CONFIRMED: Final = (ActionStatus.APPLIED.value, ActionStatus.ALREADY_APPLIED.value)


@dataclass(frozen=True)
class Volumes:
    """Notices by bucket: `counts` of each type, and how many were `expected` of all types."""

    buckets: Sequence[str]
    counts: Mapping[str, Sequence[int]]
    expected: Sequence[float]
    hits: Sequence[int]

    @property
    def by_type(self) -> dict[str, int]:
        """How many notices of each type there were."""
        return {kind: sum(counts) for kind, counts in self.counts.items()}


@dataclass(frozen=True)
class Spans:
    """How many seconds one step took: the median, 90th and 99th percentile and the longest; empty if it never happened."""

    step: str
    count: int
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class KindOfAction:
    """What became of one kind of action of the period."""

    kind: str
    written: int
    confirmed: int
    rejected: int
    waiting: int
    held: int
    void: int
    to_confirm: Spans


@dataclass(frozen=True)
class Figures:
    """All figures of a period. `old_blocks`: how many blocks `spans` leaves out. Reviews and differences are as of now."""

    bank_id: str
    environment: str
    period: Period
    made_at: dt.datetime
    volumes: Volumes
    actions: Sequence[KindOfAction]
    spans: Sequence[Spans]
    old_blocks: int
    first_seen: NoticeMinutes
    quarters: Mapping[str, int]
    missed_quarters: Sequence[int]
    polls: Mapping[str, int]
    open_reviews: Mapping[str, int]
    reviews_done: int
    differences: Mapping[str, int] | None


def figures_of(settings: Settings, period: Period, now: dt.datetime) -> Figures:
    """Gather the figures. Raises `StoreError` if a table is damaged."""
    published = Published(layout_of(settings))
    buckets = list(dict.fromkeys(period.bucket(day) for day in period.days))
    actions = _in_period(published.read("actions"), "decided_at", period)
    blocks = _timed_blocks(published, actions)
    in_time = blocks.filter(pl.col("visible") <= IN_TIME.total_seconds())
    watched = Watched(settings, published, now)
    quarters = recent_quarters(watched, [day for day in period.days if settings.calendar.is_workday(day)])
    missed = Counter(period.bucket(quarter.workday) for quarter in quarters if not quarter.is_covered)
    polls = _in_period(published.read("polls"), "started_at", period)
    reviews = _in_period(published.read("reviews"), "reviewed_at", period)
    return Figures(
        bank_id=settings.bank_id,
        environment=settings.environment.value,
        period=period,
        made_at=now,
        volumes=_volumes(settings, published, period, buckets),
        actions=[_kind(kind.value, actions) for kind in ActionKind],
        spans=[spans_of(step, in_time[step]) for step in ("visible", "written", "applied", "in all")],
        old_blocks=blocks.height - in_time.height,
        first_seen=first_seen(published, _workdays_of(settings, period), period),
        quarters={
            "covered": sum(quarter.is_covered for quarter in quarters),
            "read by a later poll": sum(quarter.is_healed for quarter in quarters),
            "read by none": sum(quarter.read_by is None for quarter in quarters),
        },
        missed_quarters=[missed[bucket] for bucket in buckets],
        polls=_counted(polls["outcome"].fill_null("under way")),
        open_reviews=_reviews_by_age(published, now),
        reviews_done=reviews["action_id"].n_unique(),
        differences=_differences(published),
    )


def _in_period(rows: pl.DataFrame, column: str, period: Period) -> pl.DataFrame:
    return rows.filter((pl.col(column) >= period.start) & (pl.col(column) < period.end))


def _counted(column: pl.Series) -> dict[str, int]:
    return dict(column.value_counts().sort(column.name).iter_rows())


def _volumes(settings: Settings, published: Published, period: Period, buckets: Sequence[str]) -> Volumes:
    calendar = settings.calendar
    workdays = [day for day in period.days if calendar.is_workday(day)]
    read = _workdays_of(settings, period)
    notices = published.read("raw_notices", read, columns=("uuid", "type", "registered_at"))
    notices = _in_period(notices, "registered_at", period)
    names = {day: period.bucket(day) for day in period.days}
    local = pl.col("registered_at").dt.convert_time_zone(OSLO.key).dt.date()
    notices = notices.with_columns(bucket=local.replace_strict(names, return_dtype=pl.String))
    matched = published.read("customer_matches", columns=("notice_uuid",))["notice_uuid"].unique()
    openings = notices.filter((pl.col("type") == NoticeType.AAPNING.value) & pl.col("uuid").is_in(matched.implode()))
    counts = {kind.value: _by_bucket(notices.filter(pl.col("type") == kind.value), buckets) for kind in NoticeType}
    days_of = Counter(map(period.bucket, workdays))
    return Volumes(
        buckets, counts, [expected_count(days_of[bucket]) for bucket in buckets], _by_bucket(openings, buckets)
    )


def _workdays_of(settings: Settings, period: Period) -> list[dt.date]:
    """Return the workdays of the period's notices. A Saturday's belong to Friday, which may lie before the period."""
    return settings.calendar.between(settings.calendar.on_or_before(period.first), period.last)


def _by_bucket(rows: pl.DataFrame, buckets: Sequence[str]) -> list[int]:
    counts = _counted(rows["bucket"])
    return [counts.get(bucket, 0) for bucket in buckets]


def _timed_blocks(published: Published, actions: pl.DataFrame) -> pl.DataFrame:
    """Return the written BLOCKs, each with the seconds of every step; null: the step has not happened yet."""
    seen = published.read("raw_notices", columns=("uuid", "registered_at", "first_seen_at"))
    blocks = actions.filter((pl.col("action") == ActionKind.BLOCK.value) & pl.col("exported_at").is_not_null())
    applied = pl.when(pl.col("status").is_in(_CONFIRMED)).then(pl.col("confirmed_at"))
    found = blocks.select("notice_uuid", "exported_at", applied=applied).join(
        seen.rename({"registered_at": "registered"}), left_on="notice_uuid", right_on="uuid"
    )
    return found.select(
        _seconds("registered", "first_seen_at").alias("visible"),
        _seconds("first_seen_at", "exported_at").alias("written"),
        _seconds("exported_at", "applied").alias("applied"),
        _seconds("registered", "applied").alias("in all"),
    )


def _seconds(start: str, end: str) -> pl.Expr:
    return (pl.col(end) - pl.col(start)).dt.total_milliseconds() / 1000


def spans_of(step: str, seconds: pl.Series) -> Spans:
    """Return the percentiles of the steps that have happened."""
    known = seconds.drop_nulls()
    shares = {name: known.quantile(share, interpolation="higher") for name, share in SHARES.items()}
    return Spans(step, len(known), {name: value for name, value in shares.items() if value is not None})


def _kind(kind: str, actions: pl.DataFrame) -> KindOfAction:
    rows = actions.filter(pl.col("action") == kind)
    written = rows.filter(pl.col("exported_at").is_not_null())
    confirmed = written.filter(pl.col("status").is_in(_CONFIRMED))
    statuses = _counted(rows["status"])
    return KindOfAction(
        kind=kind,
        written=written.height,
        confirmed=confirmed.height,
        rejected=statuses.get(ActionStatus.REJECTED.value, 0),
        waiting=statuses.get(ActionStatus.EXPORTED.value, 0),
        held=statuses.get(ActionStatus.HELD.value, 0),
        void=statuses.get(ActionStatus.VOID.value, 0),
        to_confirm=spans_of("to confirm", confirmed.select(s=_seconds("exported_at", "confirmed_at"))["s"]),
    )


def _reviews_by_age(published: Published, now: dt.datetime) -> dict[str, int]:
    counts = dict.fromkeys(REVIEW_AGES, 0)
    for review in reviews_of(published):
        if review.is_open:
            age = now - review.decided_at
            counts[next(name for name, most in REVIEW_AGES.items() if age <= most)] += 1
    return counts


def _differences(published: Published) -> dict[str, int] | None:
    """Return how many differences of each kind the second source has now; null: it was never compared."""
    comparisons = published.read("second_source_comparisons")
    compared = comparisons.filter(pl.col("outcome") == ComparisonOutcome.COMPARED.value)
    return None if compared.is_empty() else _counted(published.read("second_source")["difference"])
