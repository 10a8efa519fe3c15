"""A function that is called as work goes on. The steps call it; a terminal shows it (cli/printing/progress)."""

from __future__ import annotations

from collections.abc import Callable

# What is under way, how many are done, of how many (null: not known).
Progress = Callable[[str, int, int | None], None]


def silent(what: str, done: int, total: int | None) -> None:
    """Show nothing."""
    del what, done, total
