"""Take in the bank's register: today's files if they can be accepted, else the last accepted snapshot."""

from __future__ import annotations

from konkurs_pipeline.domain.alarms import NO_REGISTER_SAID, REGISTER_REFUSED_SAID
from konkurs_pipeline.register.intake import take_in
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.ledger import registers
from konkurs_pipeline.storage.snapshots import Snapshot


def take_register(poll: Poll) -> Snapshot | None:
    """Return the snapshot that the poll matches against, taken in once a poll; null when none was ever accepted.

    A refused register is left for a person while the last accepted one goes on being used. Without any the poll is
    partial: notices are kept, and matched by the first poll that has a register.
    """
    if poll.is_register_taken:
        return poll.snapshot
    intake = take_in(poll.settings, poll.store.snapshots, now=poll.now(), progress=poll.progress)
    if intake.snapshot and not intake.is_new:
        # A wrong bit in an identifier would be a customer that is never found.
        intake.snapshot.verify()
    poll.snapshot, poll.is_register_taken = intake.snapshot, True
    if intake.snapshot:
        registers.record(poll.store.ledger, intake.snapshot, poll.run_id)
    if intake.refusal and intake.snapshot is None:
        poll.missing.append(f"{NO_REGISTER_SAID}, so nothing was matched: {intake.refusal}")
    elif intake.refusal:
        poll.attention.append(f"{REGISTER_REFUSED_SAID}, the last accepted one is used: {intake.refusal}")
    return intake.snapshot
