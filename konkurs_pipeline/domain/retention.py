"""How long personal data is kept: when a bankruptcy ends, whom it concerns, and when it may be erased. Pure.

| what | kept until |
|---|---|
| a bankruptcy that is open | it ends |
| one that concerned a customer (a match, an action, a request) | its end + KONKURS_RETENTION_CUSTOMERS_YEARS |
| any other | its end + KONKURS_RETENTION_OTHERS_DAYS |
| a notice of no known bankruptcy | it is out of quarantine, then as the two above |
| a bankruptcy whose end is in doubt (that notice is in quarantine) | the doubt is resolved |
| a trustee's request | its bankruptcy is erased; of none: it was received + KONKURS_RETENTION_CUSTOMERS_YEARS |

A notice is erased together with the bankruptcy it changed, else with the opening before it. So an erasure never changes
the state of a bankruptcy that stays.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from konkurs_pipeline.domain.estates import Estate, fold_estates
from konkurs_pipeline.domain.notices import Notice

# An estate that is open for longer than this is shown to a person: perhaps its end was missed.
LONGEST_OPEN: Final = dt.timedelta(days=15 * 365)


class RetentionRule(StrEnum):
    """Why something was erased."""

    OTHERS = "others"
    CUSTOMERS = "customers"
    LATE = "late"
    """A notice that came later for a debtor that was erased: it was never stored."""


@dataclass(frozen=True)
class Terms:
    """How long after its end a case is kept."""

    others: dt.timedelta
    customers_years: int

    def of(self, rule: RetentionRule, end: dt.datetime) -> dt.datetime:
        """Return when a case that ended at `end` may be erased."""
        if rule is RetentionRule.OTHERS:
            return end + self.others
        try:
            return end.replace(year=end.year + self.customers_years)
        except ValueError:
            # 29 February.
            return end.replace(year=end.year + self.customers_years, month=3, day=1)


@dataclass(frozen=True)
class RetentionCase:
    """The notices that are kept and erased together: one bankruptcy, or notices of none. `ended_at` null: not ended."""

    notices: tuple[Notice, ...]
    ended_at: dt.datetime | None
    rule: RetentionRule

    def due_at(self, terms: Terms) -> dt.datetime | None:
        """Return when the case may be erased; null as long as it has not ended."""
        return None if self.ended_at is None else terms.of(self.rule, self.ended_at)


@dataclass(frozen=True)
class Quarantined:
    """What the quarantine says about a notice. `resolved_at`: when its last entry was resolved; null: one is open.

    `is_doubted`: an open entry makes the notice's content doubtful. A number that fails its check does not.
    """

    resolved_at: dt.datetime | None
    is_doubted: bool


def cases_of(
    notices: Iterable[Notice], concerned: Collection[str], in_quarantine: Mapping[str, Quarantined]
) -> list[RetentionCase]:
    """Return the cases of these notices.

    `concerned`: the uuids of notices that a match, an action or a request names. `in_quarantine`: by uuid.
    """
    by_debtor: defaultdict[str, list[Notice]] = defaultdict(list)
    for notice in notices:
        by_debtor[notice.debtor_id].append(notice)
    groups = [group for of_one in by_debtor.values() for group in _groups(of_one)]
    return [
        RetentionCase(
            tuple(group),
            _end(group, estate, in_quarantine),
            RetentionRule.CUSTOMERS if any(notice.uuid in concerned for notice in group) else RetentionRule.OTHERS,
        )
        for group, estate in groups
    ]


def _groups(notices: Sequence[Notice]) -> list[tuple[list[Notice], Estate | None]]:
    """Return one debtor's notices by bankruptcy; those before the first opening are a group of their own."""
    estates = {estate.opening.uuid: estate for estate in fold_estates(notices).estates}
    owner = {one.uuid: uuid for uuid, estate in estates.items() for one in (estate.opening, *estate.applied)}
    groups: dict[str | None, list[Notice]] = {}
    latest: str | None = None
    for notice in sorted(notices, key=lambda one: one.order):
        mine = owner.get(notice.uuid, latest)
        groups.setdefault(mine, []).append(notice)
        latest = notice.uuid if mine == notice.uuid else latest
    return [(group, estates[uuid] if uuid else None) for uuid, group in groups.items()]


def _end(
    group: Sequence[Notice], estate: Estate | None, in_quarantine: Mapping[str, Quarantined]
) -> dt.datetime | None:
    entries = {notice.uuid: in_quarantine[notice.uuid] for notice in group if notice.uuid in in_quarantine}
    if estate is None and any(entry.resolved_at is None for entry in entries.values()):
        return None
    if estate is not None and (estate.changed_by is None or _is_doubted(entries.get(estate.changed_by.uuid))):
        return None
    resolved = [entry.resolved_at for entry in entries.values() if entry.resolved_at is not None]
    return max([*(notice.registered_at for notice in group), *resolved])


def _is_doubted(entry: Quarantined | None) -> bool:
    return entry is not None and entry.is_doubted
