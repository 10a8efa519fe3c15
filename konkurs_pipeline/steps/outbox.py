"""Hand over: show core banking the file that was committed."""

from __future__ import annotations

from konkurs_pipeline.steps.poll import Poll


def hand_over(poll: Poll) -> list[str]:
    """Write the committed files that the outbox does not show yet; returns their base names, in sequence."""
    return poll.store.outbox.show_pending(poll.store.ledger)
