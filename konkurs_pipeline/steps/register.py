"""Take in the bank's register: today's files if they can be accepted, else the last accepted snapshot."""

from __future__ import annotations

from konkurs_pipeline.domain.outcomes import IssueCode
from konkurs_pipeline.register.intake import take_in
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.ledger import registers
from konkurs_pipeline.storage.register.accepted import Snapshot


def take_register(poll: Poll) -> Snapshot | None:
    """Return the snapshot that the poll matches against; null if none was ever accepted.

    If the register is refused, the last accepted one stays in use and an alarm is raised. Without any, the poll is
    partial: notices are kept, and the first poll that has a register matches them.
    """
    intake = take_in(poll.settings, poll.store.snapshots, now=poll.now(), progress=poll.progress)
    if intake.snapshot and not intake.is_new:
        # One wrong bit in an identifier would hide a customer.
        intake.snapshot.verify()
    if intake.snapshot:
        registers.record(poll.store.ledger, intake.snapshot, poll.run_id)
    if intake.refusal and intake.snapshot is None:
        message = f"no register was ever accepted, so nothing was matched: {intake.refusal}"
        poll.report(IssueCode.NO_REGISTER, message)
    elif intake.refusal:
        message = f"the register was refused, the last accepted one is used: {intake.refusal}"
        poll.report(IssueCode.REGISTER_REFUSED, message)
    return intake.snapshot
