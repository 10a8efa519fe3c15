"""Records in the ledger what a receipt says about the actions of one outbox file. What does not belong here: reading it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from konkurs_pipeline.contracts.receipt import Receipt, ReceiptAction
from konkurs_pipeline.domain.actions.receipts import NEW_STATUS, ActionAnswer, answers_that_count
from konkurs_pipeline.storage.ledger import action_history
from konkurs_pipeline.storage.ledger.connection import EACH, each_record
from konkurs_pipeline.storage.ledger.database import Ledger

_ANSWERS: Final = each_record(action_id="VARCHAR", status="VARCHAR", status_code="VARCHAR", at="TIMESTAMPTZ")
_CONFIRM: Final = f"""
UPDATE actions SET status = r.status, status_code = r.status_code, confirmed_at = r.at
FROM (SELECT {_ANSWERS}) r WHERE actions.action_id = r.action_id
"""  # noqa: S608 -- own constants
_NOTE_PENDING: Final = f"""
UPDATE actions SET status_code = r.status_code, pending_at = r.at
FROM (SELECT {_ANSWERS}) r WHERE actions.action_id = r.action_id
"""  # noqa: S608 -- own constants


@dataclass(frozen=True)
class TakenAnswers:
    """The result of a receipt: how many actions it names, how many changed, and what was not understood.

    `unknown`: of those named, how many do not stand in the file. `in_future`: times later than the reading.
    """

    named: int
    changed: int
    unknown: int
    in_future: int

    def __str__(self) -> str:
        """Return it in one line."""
        parts = [f"{self.changed} of {self.named} actions"]
        parts += [f"{self.unknown} do not stand in the file"] if self.unknown else []
        parts += [f"{self.in_future} times were later than the reading"] if self.in_future else []
        return ", ".join(parts)


def take_answers(ledger: Ledger, seq: int, receipt: Receipt, *, source: str, now: dt.datetime) -> TakenAnswers:
    """Record the receipt's answers about the file's actions; part of the caller's transaction.

    A time later than `now` is kept in the history, and the action is confirmed as of `now`.
    """
    statuses = dict(ledger.rows("SELECT action_id, status FROM actions WHERE seq = ?", [seq]))
    if receipt.status == "REJECTED":
        _reject_all(ledger, statuses, receipt.code, source, now)
    counted = answers_that_count(receipt.actions, statuses)
    changed = {one.action_id: one for one in counted.values() if one.status in NEW_STATUS}
    pending = [
        one for one in counted.values() if one.status is ActionAnswer.PENDING and statuses[one.action_id] == "exported"
    ]
    ledger.execute(_CONFIRM, [_records(changed.values(), now)])
    ledger.execute(_NOTE_PENDING, [_records(pending, now)])
    reported_at = {action_id: one.at for action_id, one in changed.items()}
    reported_at |= {one.action_id: min(one.at or now, now) for one in pending}
    action_history.note(ledger, reported_at, known_at=now, reported_at=reported_at, source=source)
    named = {one.action_id for one in receipt.actions}
    return TakenAnswers(
        named=len(named),
        changed=len(changed),
        unknown=len(named - statuses.keys()),
        in_future=sum(one.at is not None and one.at > now for one in counted.values()),
    )


def _records(answers: Collection[ReceiptAction], now: dt.datetime) -> list[Mapping[str, object]]:
    """Return the answers as rows for one statement: a receipt may name tens of thousands of actions."""
    return [
        {
            "action_id": one.action_id,
            "status": NEW_STATUS[one.status].value if one.status in NEW_STATUS else None,
            "status_code": one.code,
            "at": min(one.at or now, now),
        }
        for one in answers
    ]


def _reject_all(ledger: Ledger, statuses: dict[str, str], code: str | None, source: str, now: dt.datetime) -> None:
    """Record that a file was refused as a whole: its actions are rejected, except those another receipt answered."""
    waiting = [action_id for action_id, status in statuses.items() if status == "exported"]
    ledger.execute(
        f"UPDATE actions SET status = 'rejected', status_code = ?, confirmed_at = ? WHERE action_id IN (SELECT {EACH})",  # noqa: S608 -- own
        [code, now, waiting],
    )
    action_history.note(ledger, waiting, known_at=now, source=source)
    statuses.update(dict.fromkeys(waiting, "rejected"))
