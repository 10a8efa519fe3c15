"""The report: one self-contained HTML page, for a manager and an auditor. Pure: figures in, text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from konkurs_pipeline.enquiries.pages import render
from konkurs_pipeline.enquiries.report import charts
from konkurs_pipeline.enquiries.report.figures import Figures


@dataclass(frozen=True)
class _Drawn:
    """A chart that is markup already: the template does not escape it."""

    svg: str

    def __html__(self) -> str:
        """Return the markup."""
        return self.svg


_CHARTS: Final[Mapping[str, Callable[[Figures], str]]] = {
    "volumes": charts.volume_chart,
    "expectation": charts.expectation_chart,
    "hits": charts.hit_chart,
    "spans": charts.span_chart,
    "quarters": charts.quarter_chart,
    "minutes": charts.minute_chart,
}


def page_of(figures: Figures) -> str:
    """Return the page as a whole HTML document."""
    title = f"Konkursvarsel at bank {figures.bank_id}, {figures.period.first} to {figures.period.last}"
    drawn = {name: _Drawn(draw(figures)) for name, draw in _CHARTS.items()}
    return render("report.html", title=title, figures=figures, charts=drawn)
