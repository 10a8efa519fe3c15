"""Notes alarms in the store's history when no run does: during an outage no run comes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl

from konkurs_pipeline.domain.monitoring.alarms import Alarm
from konkurs_pipeline.errors import StoreBusyError, StoreError
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.ledger.alarms import note_alarms
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.store import check_marker, layout_of, open_store


def note_outside_a_run(settings: Settings, alarms: Sequence[Alarm], now: dt.datetime) -> bool:
    """If the raised alarms are others than the history's, note them; returns whether the history changed.

    A run that holds the store notes them itself when it ends. A store that cannot be opened has no history.
    """
    try:
        if not check_marker(settings, layout_of(settings)):
            return False
        open_ = Published(layout_of(settings)).read("alarms").filter(pl.col("cleared_at").is_null())["kind"]
        # Kinds are compared, not messages: a message holds an age and changes every minute.
        if set(open_) == {alarm.kind.value for alarm in alarms}:
            return False
        with open_store(settings) as store:
            note_alarms(store.ledger, alarms, now)
            store.publish()
    except (StoreBusyError, StoreError):
        return False
    return True
