"""Takes in the bank's register at the start of a run: if the files changed, read and judge them, then accept or refuse.

If the register is refused, the run goes on with the last accepted snapshot: yesterday's customers are better than none.
What belongs here: the order of the steps. What does not: reading (files), judging (rules), keeping
(storage/register/snapshots).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from konkurs_pipeline.errors import RegisterError
from konkurs_pipeline.progress import Progress, silent
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.register.files import RegisterFile, RegisterKind, identity_of, read_register_file
from konkurs_pipeline.register.judgement import judge_register
from konkurs_pipeline.register.refusal import refuse
from konkurs_pipeline.register.rules import Limits, refuse_if_shrunk
from konkurs_pipeline.schemas.register import RegisterTables
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.register.accepted import FileIdentity, Snapshot, SnapshotFacts, snapshot_id
from konkurs_pipeline.storage.register.snapshots import FORM, Snapshots

# Steps of the progress bar, of about equal length: read customers, read accounts, judge, write.
_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Intake:
    """The register of a run: `snapshot` is the one to use (None: none was ever accepted).

    `refusal`: why the present files were refused, None if they were not; `is_new`: accepted just now.
    """

    snapshot: Snapshot | None
    refusal: str | None
    is_new: bool


def take_in(settings: Settings, snapshots: Snapshots, *, now: dt.datetime, progress: Progress = silent) -> Intake:
    """Take in the bank's files if they changed; return the register to use.

    `now` (UTC) is recorded as the time of acceptance. Files with an unchanged identity are not read. The same bytes give
    the same snapshot; if the bank wrote them again, it is accepted again. The next run reads a refused file again. Raises
    `StoreError` only.
    """
    last = snapshots.current()
    try:
        return _look(settings, snapshots, last, now, progress)
    except RegisterError as error:
        return Intake(last, str(error), is_new=False)


def _look(
    settings: Settings, snapshots: Snapshots, last: Snapshot | None, now: dt.datetime, progress: Progress
) -> Intake:
    seen = identity_of(settings.customers), identity_of(settings.accounts)
    if seen[0] is None:
        refuse(redact(settings.customers.name), "it is not there", "Put it there, or set KONKURS_CUSTOMERS")
    is_current = last is not None and last.form == FORM
    if last and is_current and seen == (last.facts.customers_file, last.facts.accounts_file):
        return Intake(last, None, is_new=False)
    if seen[1] is None:
        _refuse_vanished_accounts(settings, last)
    progress("reading the register: customers", 0, _PARTS)
    customers = read_register_file(settings.customers, RegisterKind.CUSTOMERS)
    progress("reading the register: accounts", 1, _PARTS)
    accounts = read_register_file(settings.accounts, RegisterKind.ACCOUNTS) if seen[1] else None
    _refuse_parted(settings, customers, accounts)
    is_same = last is not None and last.id == snapshot_id(customers.sha256, accounts.sha256 if accounts else None)
    accepted_at = last.accepted_at if last and is_same and not _is_delivered_anew(last, customers, accounts) else now
    if last and is_same and is_current:
        renewed = snapshots.renew(last, customers.identity, _identity(accounts), accepted_at)
        return Intake(renewed, None, is_new=False)
    progress("judging the register", 2, _PARTS)
    limits = Limits(settings.synthetic_allowed, settings.max_register_invalid)
    judged = judge_register(customers, accounts, limits, snapshots.reference_key())
    _refuse_shrunk(settings, judged.tables, last, customers.name, accounts.name if accounts else "")
    facts = SnapshotFacts(
        accepted_at=accepted_at,
        customers_sha256=customers.sha256,
        accounts_sha256=accounts.sha256 if accounts else None,
        customers_file=customers.identity,
        accounts_file=_identity(accounts),
        n_orphans=judged.orphans,
        n_respelled=judged.respelled,
        n_unread_former_ids=judged.unread_former_ids,
        n_withheld=judged.withheld,
    )
    progress("writing the register", 3, _PARTS)
    return Intake(snapshots.accept(judged.tables, facts), None, is_new=True)


def _refuse_parted(settings: Settings, customers: RegisterFile, accounts: RegisterFile | None) -> None:
    """Refuse the two files if one was replaced while the other was read."""
    now = identity_of(settings.customers), identity_of(settings.accounts)
    if now != (customers.identity, _identity(accounts)):
        cure = "Write each under another name and rename them one after the other; the next run reads both"
        refuse(f"{customers.name} or {redact(settings.accounts.name)}", "it changed while the other was read", cure)


def _is_delivered_anew(last: Snapshot, customers: RegisterFile, accounts: RegisterFile | None) -> bool:
    """Whether the bank wrote a file since: then its unchanged content is a new statement."""
    before = last.facts.customers_file, last.facts.accounts_file
    now = customers.identity, _identity(accounts)
    return [(file.inode, file.mtime_ns) for file in before if file] != [
        (file.inode, file.mtime_ns) for file in now if file
    ]


def _identity(file: RegisterFile | None) -> FileIdentity | None:
    return file.identity if file else None


def _refuse_vanished_accounts(settings: Settings, last: Snapshot | None) -> None:
    last_count = last.counts.accounts if last else None
    if last_count and settings.max_register_shrink < 1:
        refuse(
            redact(settings.accounts.name),
            f"it is not there, and was with {last_count} accounts when the register was last accepted",
            "Put it back; if there shall be none any more, set KONKURS_MAX_REGISTER_SHRINK=1 for one run",
        )


def _refuse_shrunk(
    settings: Settings, tables: RegisterTables, last: Snapshot | None, customers_name: str, accounts_name: str
) -> None:
    if last is None:
        return
    limit = settings.max_register_shrink
    refuse_if_shrunk(tables.customers.height, last.counts.customers, limit, customers_name)
    if tables.accounts is not None:
        refuse_if_shrunk(tables.accounts.height, last.counts.accounts, limit, accounts_name)
