"""The charts of the report: static SVG without script, font or picture from elsewhere, made by pygal."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import pygal
from pygal.style import Style

from konkurs_pipeline.enquiries.report.figures import Figures
from konkurs_pipeline.enquiries.report.minutes import QUARTER

_FONT: Final = "Liberation Sans, Arial, Helvetica, sans-serif"
# People who see no red or green can tell these colours apart, also in grey (Okabe and Ito).
_COLOURS: Final = ("#0072b2", "#e69f00", "#56b4e9", "#d55e00", "#009e73")
_STYLE: Final = Style(
    background="transparent",
    plot_background="transparent",
    foreground="#16202b",
    foreground_strong="#16202b",
    foreground_subtle="#9aa7b4",
    colors=_COLOURS,
    font_family=_FONT,
    label_font_size=13,
    major_label_font_size=13,
    legend_font_size=14,
    value_font_size=12,
    title_font_size=15,
    transition="0s",
    opacity=".95",
    guide_stroke_color="#dfe4e9",
    guide_stroke_dasharray="0",
    major_guide_stroke_color="#dfe4e9",
    major_guide_stroke_dasharray="0",
    stroke_width=3,
)
# pygal writes a script for its tooltips, and comments with its address. The page needs neither.
_NOT_FOR_PAPER: Final = re.compile(r"<script.*?</script>|<!--.*?-->", re.DOTALL)
_MINUTE: Final = 60
_LABELS: Final = 31
# pygal has no types.
Chart = Any


def volume_chart(figures: Figures) -> str:
    """Return the notices of each bucket, stacked by type."""
    chart = _chart(pygal.StackedBar, f"notices a {figures.period.unit}")
    _label(chart, figures.volumes.buckets)
    for name, counts in figures.volumes.counts.items():
        if any(counts):
            chart.add(name, list(counts))
    return _svg(chart)


def expectation_chart(figures: Figures) -> str:
    """Return all notices of each bucket beside the expected number."""
    chart = _chart(pygal.Line, f"notices a {figures.period.unit}")
    _label(chart, figures.volumes.buckets)
    chart.add("received", [sum(counts) for counts in zip(*figures.volumes.counts.values(), strict=True)])
    chart.add("expected", [round(count, 1) for count in figures.volumes.expected])
    return _svg(chart)


def hit_chart(figures: Figures) -> str:
    """Return the openings of each bucket that are about a customer."""
    chart = _chart(pygal.Bar, f"openings a {figures.period.unit}")
    _label(chart, figures.volumes.buckets)
    chart.show_legend = False
    chart.add("openings", list(figures.volumes.hits))
    return _svg(chart)


def span_chart(figures: Figures) -> str:
    """Return how many minutes each step from registration to the applied block took, by percentile."""
    chart = _chart(pygal.Bar, "minutes")
    chart.x_label_rotation = 0
    spans = [span for span in figures.spans if span.count]
    chart.x_labels = [span.step for span in spans]
    for share in ("p50", "p90", "p99"):
        chart.add(share, [round(span.seconds[share] / _MINUTE, 2) for span in spans])
    return _svg(chart)


def quarter_chart(figures: Figures) -> str:
    """Return how many quarters of opening hours no poll covered, by bucket."""
    chart = _chart(pygal.Bar, f"quarters a {figures.period.unit}")
    _label(chart, figures.volumes.buckets)
    chart.show_legend = False
    chart.add("missed quarters", list(figures.missed_quarters))
    return _svg(chart)


def minute_chart(figures: Figures) -> str:
    """Return at which minute of the quarter notices were first seen. Those that became visible in that minute stand apart."""
    chart = _chart(pygal.StackedBar, "notices")
    chart.x_label_rotation = 0
    chart.legend_at_bottom_columns = 2
    chart.x_labels = [f":{minute:02}" for minute in range(QUARTER)]
    chart.add("not there two minutes before", list(figures.first_seen.at_once))
    chart.add("visible for longer, perhaps", list(figures.first_seen.later))
    return _svg(chart)


def _label(chart: Chart, buckets: Sequence[str]) -> None:
    """Label the x axis; if there are many buckets, label only as many as fit."""
    chart.x_labels = list(buckets)
    if len(buckets) > _LABELS:
        chart.x_labels_major_every = -(-len(buckets) // _LABELS)
        chart.show_minor_x_labels = False


def _chart(kind: Callable[..., Chart], y_title: str) -> Chart:
    return kind(
        style=_STYLE,
        js=[],
        disable_xml_declaration=True,
        width=860,
        height=280,
        explicit_size=False,
        margin_bottom=34,
        legend_at_bottom=True,
        legend_at_bottom_columns=5,
        x_label_rotation=45,
        truncate_label=-1,
        truncate_legend=-1,
        y_title=y_title,
        min_scale=2,
        include_x_axis=True,
        no_data_text="no data in this period",
        show_dots=False,
    )


def _svg(chart: Chart) -> str:
    svg: str = chart.render(is_unicode=True)
    return _NOT_FOR_PAPER.sub("", svg)
