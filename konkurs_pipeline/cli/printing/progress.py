"""Progress of long work, on standard error, for a person: nothing if that is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from konkurs_pipeline.cli.printing.terminal import is_for_a_person, print_lines_by
from konkurs_pipeline.progress import Progress as Notified
from konkurs_pipeline.progress import silent


@contextmanager
def shown_progress() -> Iterator[Notified]:
    """Show progress until the end of the block; yields the function to report it to. Other lines go above the bar."""
    if not is_for_a_person(sys.stderr):
        yield silent
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        under_way = bars.add_task("starting", total=None, count="")
        print_lines_by(lambda line: bars.console.print(Text(line), soft_wrap=True))

        def show(what: str, done: int, total: int | None) -> None:
            count = "" if total is None else f"{done}/{total}"
            bars.update(under_way, description=what, completed=done, count=count)
            # update() reads null as "unchanged", and the step before may have had another total.
            bars.tasks[0].total = total
            bars.refresh()

        try:
            yield show
        finally:
            print_lines_by(None)
