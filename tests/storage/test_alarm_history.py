"""The history of alarms: a row from the raising of an alarm, with its newest message and its end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from konkurs_pipeline.domain.monitoring.alarms import Alarm, AlarmKind
from konkurs_pipeline.storage.ledger.alarms import note_alarms
from konkurs_pipeline.storage.ledger.database import Ledger

NOON = dt.datetime(2018, 9, 3, 12, tzinfo=dt.UTC)
HELD, SILENT = Alarm(AlarmKind.BLOCKS_HELD, "3 BLOCK rows are held back"), Alarm(AlarmKind.SILENCE, "no notice for 2 h")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.duckdb")
    yield opened
    opened.close()


def after(hours: int) -> dt.datetime:
    return NOON + dt.timedelta(hours=hours)


def history(ledger: Ledger) -> list[tuple[object, ...]]:
    return ledger.rows("SELECT kind, severity, raised_at, cleared_at, message FROM alarms ORDER BY raised_at, kind")


def test_an_alarm_has_a_row_from_when_it_was_raised_to_when_it_cleared(ledger: Ledger) -> None:
    note_alarms(ledger, [HELD], NOON)
    note_alarms(ledger, [HELD, SILENT], after(1))
    note_alarms(ledger, [SILENT], after(2))
    note_alarms(ledger, [HELD, SILENT], after(3))
    assert history(ledger) == [
        ("blocks_held", "error", NOON, after(2), HELD.message),
        ("silence", "warning", after(1), None, SILENT.message),
        ("blocks_held", "error", after(3), None, HELD.message),
    ]


def test_an_alarm_that_goes_on_has_its_newest_message_and_no_second_row(ledger: Ledger) -> None:
    note_alarms(ledger, [HELD], NOON)
    note_alarms(ledger, [Alarm(HELD.kind, "4 BLOCK rows are held back")], after(1))
    assert [(row[2], row[4]) for row in history(ledger)] == [(NOON, "4 BLOCK rows are held back")]


def test_a_message_holds_no_identifier(ledger: Ledger) -> None:
    note_alarms(ledger, [Alarm(HELD.kind, "08086001471 is held")], NOON)
    assert "08086001471" not in str(history(ledger))
