"""The figures as text for Prometheus' textfile collector: names by its conventions, no identifiers.

Every metric has the label `bank`. A value that is not known is left out. What does not belong here: the figures (figures).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from konkurs_pipeline.domain.monitoring.alarms import AlarmKind
from konkurs_pipeline.enquiries.report.figures import Figures
from konkurs_pipeline.enquiries.report.standing import Standing

_PREFIX: Final = "konkurs_"
Labels = tuple[str, ...]


# A registry keeps its collectors in a set, so they must be hashable: by identity.
@dataclass(frozen=True, eq=False)
class _Collected:
    """The collector that prometheus_client asks for the metrics."""

    figures: Figures
    standing: Standing

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        bank = self.figures.bank_id
        yield from _standing(self.standing, bank)
        yield from _figures(self.figures, bank)


def metrics_text(figures: Figures, standing: Standing) -> str:
    """Return the metrics. The figures must be those of the last 30 days, as the names say."""
    registry = CollectorRegistry()
    registry.register(_Collected(figures, standing))
    return generate_latest(registry).decode()


def _standing(standing: Standing, bank: str) -> Iterator[Metric]:
    instants = {
        "last_good_poll_timestamp_seconds": ("When the last good poll ended", standing.last_good_poll_at),
        "newest_notice_timestamp_seconds": ("When the newest notice was registered", standing.newest_notice_at),
        "certificate_expiry_timestamp_seconds": ("When the client certificate ends", standing.certificate_expires_at),
    }
    for name, (help_, instant) in instants.items():
        if instant is not None:
            yield _gauge(name, help_, bank, {(): instant.timestamp()})
    yield _gauge("held_blocks", "BLOCK rows that wait for a person's release", bank, {(): standing.held_blocks})
    yield _gauge("quarantined_entries", "Open entries of the quarantine", bank, {(): standing.quarantined})
    raised: dict[Labels, float] = {(kind.value,): float(kind in standing.alarms) for kind in AlarmKind}
    yield _gauge("alarm_raised", "1 while the alarm is raised", bank, raised, "alarm")


def _figures(figures: Figures, bank: str) -> Iterator[Metric]:
    volumes = _keyed(figures.volumes.by_type)
    yield _gauge("last_30_days_notices", "Notices registered in the last 30 days", bank, volumes, "type")
    yield _gauge(
        "last_30_days_expected_notices",
        "Notices expected by the yearly volumes",
        bank,
        {(): sum(figures.volumes.expected)},
    )
    yield _gauge(
        "last_30_days_openings_of_customers", "Openings about customers", bank, {(): sum(figures.volumes.hits)}
    )
    outcomes = ("written", "confirmed", "rejected", "waiting", "held", "void")
    actions: dict[Labels, float] = {
        (one.kind, name): getattr(one, name) for one in figures.actions for name in outcomes
    }
    yield _gauge(
        "last_30_days_actions",
        "Actions decided in the last 30 days, by what became of them",
        bank,
        actions,
        "action",
        "state",
    )
    yield _gauge("last_30_days_quarters", "Quarters of opening hours", bank, _keyed(figures.quarters), "state")
    yield _gauge("last_30_days_polls", "Polls of the last 30 days", bank, _keyed(figures.polls), "outcome")
    yield _gauge("open_reviews", "Reviews without an outcome, by age", bank, _keyed(figures.open_reviews), "age")
    if figures.differences is not None:
        differences = _keyed(figures.differences)
        yield _gauge("second_source_differences", "Differences from Enhetsregisteret", bank, differences, "kind")
    steps = {"registered to visible": 0, "visible to written": 1, "written to applied": 2, "registered to applied": 3}
    values: dict[Labels, float] = {
        (step, share): value for step, at in steps.items() for share, value in figures.spans[at].seconds.items()
    }
    yield _gauge("last_30_days_block_seconds", "Seconds of a step of a block, by share", bank, values, "step", "share")


def _keyed(counts: Mapping[str, int]) -> dict[Labels, float]:
    return {(name,): float(count) for name, count in counts.items()}


def _gauge(name: str, help_: str, bank: str, values: Mapping[Labels, float], *labels: str) -> GaugeMetricFamily:
    metric = GaugeMetricFamily(_PREFIX + name, help_, labels=("bank", *labels))
    for names, value in values.items():
        metric.add_metric([bank, *names], value)
    return metric
