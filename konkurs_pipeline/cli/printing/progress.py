"""Progress of long work, on standard error, for a person: nothing where that is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from konkurs_pipeline.progress import Progress as Told
from konkurs_pipeline.progress import silent


@contextmanager
def shown_progress() -> Iterator[Told]:
    """Show what is under way until the end of the block; yields whom to tell."""
    if not sys.stderr.isatty():
        yield silent
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        under_way = bars.add_task("starting", total=None)

        def told(what: str, done: int, total: int | None) -> None:
            bars.update(under_way, description=what, completed=done)
            # update() takes null for "as before", and the step before may have had another total.
            bars.tasks[0].total = total
            bars.refresh()

        yield told
