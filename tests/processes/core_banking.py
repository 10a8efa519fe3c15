"""The rows that core banking got, read by the simulation's strict receiver: it fails on a gap, duplicate or wrong byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.simulation.core_banking import StrictReceiver

Row = tuple[str, ...]
_TOLD = ("action_id", "action", "customer_ref", "account_no", "notice_uuid", "reason", "caused_by")


def received(outbox: Path) -> list[Row]:
    """Return the action rows that were handed over, in order."""
    receiver = StrictReceiver(outbox)
    rows = [_row(action) for _, actions in receiver.read_new() for action in actions]
    assert receiver.doubled == [], "an action was handed over twice"
    return rows


def _row(action: dict[str, Any]) -> Row:
    return tuple(str(action[name]) for name in _TOLD)
