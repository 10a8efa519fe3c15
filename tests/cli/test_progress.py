"""A person at a terminal sees progress: the step, and how much of how much. A program reads none of it."""

from __future__ import annotations

import os
import pty
import select
import sys

import pytest

from konkurs_pipeline.cli.printing.progress import shown_progress
from konkurs_pipeline.progress import silent


def test_a_terminal_shows_the_step_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal, monkeypatch.context() as patched:
        patched.setenv("TERM", "xterm")
        patched.setattr(sys, "stderr", terminal)
        with shown_progress() as report:
            report("expanded datasets", 50, 120)
            report("actions", 0, None)
            shown = read_all(ours)
    os.close(ours)
    for what in ("expanded datasets", "50/120", "actions"):
        assert what in shown
    assert "/?" not in shown


def read_all(terminal: int) -> str:
    """Return everything written to the terminal so far."""
    parts: list[bytes] = []
    while select.select([terminal], [], [], 0.2)[0]:
        parts.append(os.read(terminal, 100_000))
        if len(parts) > 15:
            break
    return b"".join(parts).decode()


def test_a_program_reads_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress() as report:
        assert report is silent
        report("raw notices", 0, None)
    assert capsys.readouterr() == ("", "")
