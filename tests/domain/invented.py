"""Notices with short names and round times, and the numbers that Brreg publishes for its test environment."""

from __future__ import annotations

import csv
import datetime as dt
import uuid
from pathlib import Path
from typing import Final

from konkurs_pipeline.domain.actions.rows import Action, ActionStatus, Issued
from konkurs_pipeline.domain.notices import Notice, NoticeType

BRREG_LIST: Final = Path(__file__).parents[2] / "data" / "brreg_test_notices.csv"
EPOCH: Final = dt.datetime(2018, 6, 8, 10, tzinfo=dt.UTC)
COMPANY: Final = "910425463"
OTHER_COMPANY: Final = "910491482"
PERSON: Final = "08086002265"


def uuid_of(name: str) -> str:
    """Return a uuid that sorts by the first letter of `name`."""
    return f"{ord(name[0]):08x}{str(uuid.uuid5(uuid.NAMESPACE_OID, name))[8:]}"


def notice(kind: str, name: str, minute: int, debtor: str = COMPANY) -> Notice:
    """Return a notice registered `minute` minutes after the first."""
    at = EPOCH + dt.timedelta(minutes=minute)
    text = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return Notice(uuid_of(name), kind, at, text, at.date(), debtor)


def aapning(name: str, minute: int, debtor: str = COMPANY) -> Notice:
    return notice(NoticeType.AAPNING, name, minute, debtor)


def sletting(name: str, minute: int, debtor: str = COMPANY) -> Notice:
    return notice(NoticeType.SLETTING, name, minute, debtor)


def oppheving(name: str, minute: int, debtor: str = COMPANY) -> Notice:
    return notice(NoticeType.OPPHEVING, name, minute, debtor)


def avslutning(name: str, minute: int, debtor: str = COMPANY) -> Notice:
    return notice(NoticeType.AVSLUTNING, name, minute, debtor)


def issued_as(action: Action, status: ActionStatus = ActionStatus.EXPORTED, *, seq: int = 1) -> Issued:
    """Return the ledger's row of an action in the outbox file `seq`."""
    return Issued(
        action.action_id,
        action.kind,
        action.notice.uuid,
        action.customer_ref,
        action.account_no,
        action.matched_via,
        status,
        action.was_blocked,
        action.caused_by,
        seq,
    )


def brreg_notices() -> list[Notice]:
    """Return the fifteen notices of Brreg's published list, in its order."""
    with BRREG_LIST.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Notice(
            row["uuid"],
            row["type"],
            dt.datetime.fromisoformat(row["registreringstidspunkt"]),
            row["registreringstidspunkt"],
            None,
            row["debitor"],
        )
        for row in rows
    ]
