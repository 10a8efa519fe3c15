"""Tables for people. No value is folded: if a table is too wide, the rows are printed one below the other."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from shutil import get_terminal_size

from konkurs_pipeline.cli.printing.terminal import answer, is_for_a_person
from konkurs_pipeline.domain.foreign_text import without_controls

_GAP = "  "


def print_table(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows as a table, null as a dash; if the terminal is too narrow, print one block a row."""
    names = list(rows[0]) if rows else []
    cells = [[without_controls("–" if value is None else str(value)) for value in row.values()] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(names, *cells, strict=True)]
    answer(title)
    if is_for_a_person(sys.stdout) and sum(widths) + len(_GAP) * len(widths) > get_terminal_size().columns:
        _print_blocks(names, cells)
    else:
        _print_lines(names, cells, widths)
    answer("")


def _print_lines(names: list[str], cells: list[list[str]], widths: list[int]) -> None:
    for line in (names, ["-" * width for width in widths], *cells):
        answer((_GAP + _GAP.join(text.ljust(width) for text, width in zip(line, widths, strict=True))).rstrip())


def _print_blocks(names: list[str], cells: list[list[str]]) -> None:
    widest = max(map(len, names), default=0)
    for row in cells:
        answer("")
        for name, text in zip(names, row, strict=True):
            answer(f"{_GAP}{name.ljust(widest)}{_GAP}{text}")
