"""`konkurs contract`."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from konkurs_pipeline.enquiries.shapes import compare_shapes
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.steps.poll import utc_now


def show_contract(*, as_json: bool) -> None:
    """Print how the service's answers differ from the assumed shapes."""
    reports = list(compare_shapes(load_settings(), utc_now()))
    if as_json:
        typer.echo(json.dumps([asdict(report) for report in reports], indent=2, ensure_ascii=False))
        return
    for report in reports:
        typer.echo(
            f"{report.part:<8} {report.name:<34} {report.found:>5} of {report.of:<5} {report.remark or ''}".rstrip()
        )
    differing = sum(report.remark is not None for report in reports)
    typer.echo(f"{differing} differences from the assumed shapes", err=True)
