"""The fold: a set of notices → the bankruptcies they open, and the state of each.

A pure function of the set. It orders notices by registration time, then uuid, so the order of arrival does not matter.
Rules (docs/outbox.md):

- an aapning opens an estate;
- a sletting applies to the debtor's latest opening before it that is not already deleted, also one that is revoked or
  closed;
- an oppheving or an avslutning applies to the debtor's latest opening before it that is open;
- a sletting that finds no opening is an orphan: a person must look.

Unknown types change nothing here; they go to a person through their quarantine entry.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from konkurs_pipeline.domain.notices import Notice, NoticeType


class EstateState(StrEnum):
    """The state of a bankruptcy."""

    OPEN = "open"
    DELETED = "deleted"
    REVOKED = "revoked"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Estate:
    """One bankruptcy: its opening, its state, and the notice that made the state (null while it is open).

    `applied`: every notice that changed it, in order.
    """

    opening: Notice
    state: EstateState = EstateState.OPEN
    changed_by: Notice | None = None
    applied: tuple[Notice, ...] = field(default=(), compare=False)

    @property
    def state_since(self) -> dt.datetime:
        """When the notice that made the state was registered: an instant in UTC."""
        return (self.changed_by or self.opening).registered_at


@dataclass(frozen=True, slots=True)
class Fold:
    """The estates in the order of their openings, and the slettinger that have no opening."""

    estates: tuple[Estate, ...]
    orphan_slettinger: tuple[Notice, ...]


_STATE_AFTER = {
    NoticeType.SLETTING: EstateState.DELETED,
    NoticeType.OPPHEVING: EstateState.REVOKED,
    NoticeType.AVSLUTNING: EstateState.CLOSED,
}


def fold_estates(notices: Iterable[Notice]) -> Fold:
    """Fold notices, given in any order, each uuid once, into the estates they describe."""
    by_debtor: defaultdict[str, list[Notice]] = defaultdict(list)
    for notice in notices:
        by_debtor[notice.debtor_id].append(notice)
    folds = [_fold_debtor(sorted(of_one, key=lambda notice: notice.order)) for of_one in by_debtor.values()]
    estates = sorted((e for fold in folds for e in fold.estates), key=lambda estate: estate.opening.order)
    orphans = sorted((n for fold in folds for n in fold.orphan_slettinger), key=lambda notice: notice.order)
    return Fold(tuple(estates), tuple(orphans))


def _fold_debtor(notices: Sequence[Notice]) -> Fold:
    estates: list[Estate] = []
    orphans: list[Notice] = []
    for notice in notices:
        if notice.type == NoticeType.AAPNING:
            estates.append(Estate(notice))
        elif notice.type in _STATE_AFTER:
            target = _latest_that_it_applies_to(estates, NoticeType(notice.type))
            if target is not None:
                state = _STATE_AFTER[NoticeType(notice.type)]
                applied = (*estates[target].applied, notice)
                estates[target] = replace(estates[target], state=state, changed_by=notice, applied=applied)
            elif notice.type == NoticeType.SLETTING:
                orphans.append(notice)
    return Fold(tuple(estates), tuple(orphans))


def _latest_that_it_applies_to(estates: Sequence[Estate], kind: NoticeType) -> int | None:
    for place in range(len(estates) - 1, -1, -1):
        state = estates[place].state
        if state is EstateState.OPEN or (kind is NoticeType.SLETTING and state is not EstateState.DELETED):
            return place
    return None
