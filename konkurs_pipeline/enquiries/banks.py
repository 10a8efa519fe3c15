"""How the banks of one installation stand, for the person on duty in a data centre: one row a bank, worst first."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from konkurs_pipeline.enquiries.status import current_status
from konkurs_pipeline.errors import KonkursError
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import layout_of_store

_PATTERNS: Final = ("*/konkurs.env", "*/.env", "*.env")


class BankState(StrEnum):
    """How a bank stands, worst first."""

    UNREADABLE = "unreadable"
    ERROR = "error"
    WARNING = "warning"
    OK = "ok"


@dataclass(frozen=True)
class BankRow:
    """One bank. `bank`: the name of its folder or file. `problem`: why its state cannot be read, else null."""

    bank: str
    state: BankState
    errors: int
    warnings: int
    last_good_poll_at: str | None
    alarms: str
    problem: str | None


def banks_in(folder: Path, now: dt.datetime) -> list[BankRow]:
    """Return a row for each settings file in `folder`, worst first, then by name. One that cannot be read too."""
    files = sorted({path for pattern in _PATTERNS for path in folder.glob(pattern) if path.is_file()})
    order = list(BankState)
    return sorted((_row(path, now) for path in files), key=lambda row: (order.index(row.state), -row.errors, row.bank))


def _row(path: Path, now: dt.datetime) -> BankRow:
    name = path.parent.name if path.name in ("konkurs.env", ".env") else path.stem
    try:
        settings = load_settings({}, dotenv=path)
        layout_of_store(settings)
        status = current_status(settings, now)
    except KonkursError as error:
        return BankRow(name, BankState.UNREADABLE, 0, 0, None, "", str(error))
    severities = [alarm["severity"] for alarm in status.alarms]
    errors, warnings = severities.count("error"), severities.count("warning")
    state = BankState.ERROR if errors else BankState.WARNING if warnings else BankState.OK
    alarms = ", ".join(alarm["alarm"] for alarm in status.alarms)
    return BankRow(name, state, errors, warnings, status.last_good_poll_at, alarms, None)
