"""`konkurs contract`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from konkurs_pipeline.cli.options import AsJson
from konkurs_pipeline.cli.printing.terminal import answer, answer_json, say, say_problem
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.errors import ExitCode
from konkurs_pipeline.onboarding.contract import FieldReport, compare_shapes, take_sample
from konkurs_pipeline.onboarding.dataset_map_file import Fit, MapComparison, write_map
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.dataset_map import load_dataset_map, refuse_existing

MapFile = Annotated[
    Path | None, typer.Option("--write-map", metavar="FILE", help="Write the KONKURS_DATASET_MAP that fits.")
]


def command(map_file: MapFile = None, *, as_json: AsJson = False) -> ExitCode:
    """Read the service and report, field by field, how its answers differ from the assumed shapes.

    Exits with 1 if a difference stops matching, also with the map that was written.
    """
    settings = load_settings()
    fields = load_dataset_map(settings.dataset_map)
    if map_file is not None:
        refuse_existing(map_file)
    sample = take_sample(settings, utc_now())
    reports = list(compare_shapes(sample, fields))
    _print_reports(reports, as_json=as_json)
    if map_file is not None:
        comparison = write_map(map_file, sample.received, fields, settings)
        _print_comparison(map_file, comparison, to_stderr=as_json)
        if comparison is not None:
            reports = list(compare_shapes(sample, load_dataset_map(map_file)))
    return _judge(reports)


def _judge(reports: Sequence[FieldReport]) -> ExitCode:
    """Print what stops matching; returns the exit code."""
    stopping = [
        f"{report.part} {report.name} ({report.found} of {report.of})" for report in reports if report.stops_matching
    ]
    if stopping:
        cure = "mend it with a dataset map (`konkurs contract --write-map FILE`), or ask Brreg"
        say_problem(f"this stops matching: {', '.join(stopping)}; {cure}")
    return ExitCode.FAILED if stopping else ExitCode.DONE


def _print_reports(reports: Sequence[FieldReport], *, as_json: bool) -> None:
    if as_json:
        answer_json([asdict(report) for report in reports])
        return
    for report in reports:
        mark = "STOPS MATCHING " if report.stops_matching else ""
        count = f"{report.found:>5} of {report.of:<5}"
        answer(f"{report.part:<8} {report.name:<34} {count} {mark}{report.remark or ''}".rstrip())
    differing = sum(report.remark is not None for report in reports)
    say(f"{differing} differences from the assumed shapes")


def _print_comparison(map_file: Path, comparison: MapComparison | None, *, to_stderr: bool) -> None:
    tell = say if to_stderr else answer
    if comparison is None:
        tell("no map would find more than is found now: none was written")
        return
    tell(f"wrote {map_file}; the same {comparison.documents} datasets read without it and with it:")
    for text, part in (
        ("fields found", "fields"),
        ("datasets that agree with their notice", "agreeing"),
        ("linked units found", "linked_units"),
    ):
        tell(f"  {text:<38} {_figure(comparison.before, part):>5} → {_figure(comparison.after, part)}")
    tell(f"  {'new places for':<38} {', '.join(comparison.written) or 'no field'}")
    if comparison.left:
        tell(f"  {'left to a person, see the file':<38} {', '.join(comparison.left)}")
    tell(f"read it, then: export KONKURS_DATASET_MAP={map_file.absolute()}")


def _figure(fit: Fit, part: str) -> int:
    return int(getattr(fit, part))
