"""Hand over: show core banking the file that was committed."""

from __future__ import annotations

from konkurs_pipeline.storage.store import Store


def hand_over(store: Store) -> list[str]:
    """Write the committed files that the outbox does not show yet; returns their base names, in sequence."""
    return store.outbox.show_pending(store.ledger)
