"""Fold: the state of every bankruptcy, from all notices there are; what changed is kept with its time before it is shown."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from konkurs_pipeline.domain.estates import Estate, Fold, fold_estates
from konkurs_pipeline.schemas.tables import Estates, frame
from konkurs_pipeline.steps.estate_versions import keep_versions
from konkurs_pipeline.steps.notices import NOTICE_COLUMNS, notices_of
from konkurs_pipeline.steps.poll import Poll


@dataclass(frozen=True)
class EstateCounts:
    """How many estates are in each state, and in which workdays something changed."""

    by_state: Mapping[str, int]
    orphan_slettinger: int
    changed_days: tuple[dt.date, ...]


def fold_notices(poll: Poll) -> EstateCounts:
    """Write the state of every estate."""
    fold = fold_all(poll)
    rows = [_row(poll, estate) for estate in fold.estates]
    changes = poll.store.lake.changes("estates", frame(Estates, rows).sort("workday", "registered_at", "opening_uuid"))
    keep_versions(poll, changes)
    for day, rows_of_day in changes.items():
        poll.store.lake.replace("estates", day, rows_of_day)
    if fold.orphan_slettinger:
        poll.attention.append(f"{len(fold.orphan_slettinger)} slettinger have no known opening")
    by_state = Counter(estate.state.value for estate in fold.estates)
    return EstateCounts(by_state, len(fold.orphan_slettinger), tuple(changes))


def fold_all(poll: Poll) -> Fold:
    """Fold every notice in the lake."""
    return fold_estates(notices_of(poll.store.lake.read("raw_notices", columns=NOTICE_COLUMNS)))


def _row(poll: Poll, estate: Estate) -> dict[str, Any]:
    opening = estate.opening
    return {
        "debtor_id": opening.debtor_id,
        "opening_uuid": opening.uuid,
        "workday": poll.settings.calendar.workday_of(opening.registered_at),
        "state": estate.state.value,
        "ruling_date": opening.ruling_date,
        "registered_at": opening.registered_at,
        "state_since": estate.state_since,
        "changed_by_uuid": estate.changed_by.uuid if estate.changed_by else None,
    }
