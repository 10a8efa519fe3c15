"""Chooses the receipts that a run checks, because nobody may empty the folder: ten years of polls leave 83 000.

The first run of a day checks every receipt. Later runs check the newest thousand, every receipt whose file holds an
action, and every new name. They skip old receipts of files without an action. What does not belong here: what a receipt
says, and whether it changed (receipts).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.storage.files import hash_of
from konkurs_pipeline.storage.handoff.outbox import RECEIPT_SUFFIX
from konkurs_pipeline.storage.ledger.connection import EACH
from konkurs_pipeline.storage.ledger.database import Ledger

# About a month of polls, as for the outbox.
_ALWAYS_LOOKED_AT: Final = 1000
_WITH_ACTIONS: Final = "SELECT base_name FROM outbox_files WHERE action_count > 0"


@dataclass(frozen=True)
class ReceiptChoice:
    """The names that a run checks, and those that it skips because they are the same as at the day's first run.

    `seen`: name → version, of the checked ones; if the version is the same, the receipt need not be read again.
    """

    names: list[str]
    settled: list[str]
    seen: dict[str, str]


def choose(ledger: Ledger, standing: Sequence[str], now: dt.datetime) -> ReceiptChoice:
    """Choose among the receipts in the folder."""
    noted = ledger.rows("SELECT last_name, digest FROM receipts_settled WHERE day = ?", [_day(now)])
    last_name, digest = noted[0] if noted else ("", "")
    settled = [name for name in standing if name <= last_name]
    if not noted or _digest(settled) != digest:
        return ReceiptChoice([*standing], [], dict(ledger.rows("SELECT name, version FROM receipts_seen")))
    with_actions = {name + RECEIPT_SUFFIX for (name,) in ledger.rows(_WITH_ACTIONS)}
    looked_at = sorted(with_actions.intersection(settled))
    names = [*looked_at, *(name for name in standing if name > last_name)]
    sql = f"SELECT name, version FROM receipts_seen WHERE name > ? OR name IN (SELECT {EACH})"  # noqa: S608 -- own
    return ReceiptChoice(names, settled, dict(ledger.rows(sql, [last_name, looked_at])))


def note_settled(ledger: Ledger, standing: Sequence[str], seen: Collection[str], now: dt.datetime) -> None:
    """After a run that checked every receipt, note the old ones that were read: later runs of the day skip them.

    Nothing is noted if one of them was not read, or if the ledger spells a name in another way than the folder.
    """
    last_name = max(sorted(standing)[:-_ALWAYS_LOOKED_AT], default="")
    old = [name for name in standing if name <= last_name]
    ledger.execute("DELETE FROM receipts_settled")
    if old and all(name in seen and name.isascii() and name.isprintable() for name in old):
        ledger.execute("INSERT INTO receipts_settled VALUES (?, ?, ?)", [_day(now), last_name, _digest(old)])


def _day(now: dt.datetime) -> dt.date:
    return now.astimezone(OSLO).date()


def _digest(names: Sequence[str]) -> str:
    """Return a digest of these names in the folder's own order.

    Sorting 83 000 would take longer than the rest. If a file system lists them in another order next time, every receipt
    is checked.
    """
    return hash_of("\0".join(names).encode(errors="surrogateescape"))
