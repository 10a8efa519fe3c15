"""Tables for people: plain text, full width of the terminal, colours only on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

_WIDTH_WHERE_NO_TERMINAL = 160


def print_table(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows as a table, null as a dash."""
    # Values come from outside: a customer's reference in brackets is no instruction to the printer.
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=_WIDTH_WHERE_NO_TERMINAL)
    table = Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False)
    for name in rows[0] if rows else ():
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*("–" if value is None else str(value) for value in row.values()))
    console.print(table)
