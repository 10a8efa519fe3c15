"""A seeded generator of realistic years of notices: the register's volumes and hours, invented debtors.

Arrivals are Poisson in each quarter of an hour of the service's opening hours, 08:00 to 16:00 Oslo time on
workdays (docs/domain.md § 3), at distinct milliseconds; a notice becomes visible when its quarter
ends, as the service is updated every 15 minutes. A closing, a revocation or a deletion always refers to an
earlier opening; each opening has at most one of them. What is not realistic: how long an estate stays open, as the first
year has no earlier openings to close.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from konkurs_pipeline.brreg.simulator import population
from konkurs_pipeline.brreg.simulator.notices import SimulatedNotice, simulated_notice
from konkurs_pipeline.domain.notices import NoticeType
from konkurs_pipeline.domain.workdays import OSLO, Calendar
from konkurs_pipeline.errors import UsageError

YEARLY: Final = {
    NoticeType.AAPNING: 6300,
    NoticeType.SLETTING: 5,
    NoticeType.OPPHEVING: 10,
    NoticeType.AVSLUTNING: 6000,
}
# Among how many of the newest open estates the next event is drawn: a deletion follows soon, a closing at any time.
_REACH: Final = {NoticeType.SLETTING: 50, NoticeType.OPPHEVING: 500, NoticeType.AVSLUTNING: None}
_OPENS: Final = dt.time(8)
_QUARTER: Final = dt.timedelta(minutes=15)
_QUARTERS_A_DAY: Final = 32
_EVERY_FIVE_MINUTES: Final = 24 * 12
_MILLISECONDS_A_QUARTER: Final = 15 * 60 * 1000
_DEBTORS: Final[tuple[tuple[int, Callable[[random.Random], str]], ...]] = (
    (70, population.random_orgnr),
    (20, population.random_synthetic_fnr),
    (4, population.random_synthetic_dnr),
    (5, population.random_fnr),
    (1, population.random_dnr),
)


def generate_notices(seed: int, first: dt.date, last: dt.date) -> list[SimulatedNotice]:
    """Return the notices of the workdays `first` to `last`, in order of registration, the same for a seed.

    Raises `UsageError` if `first` lies after `last`.
    """
    if first > last:
        message = f"the generator was asked for {first} to {last}: give the earlier day first"
        raise UsageError(message)
    register = _Register(population.seeded(seed))
    return [
        notice
        for day in Calendar(first).between(first, last)
        for quarter in _quarters(day)
        for notice in register.quarter(quarter)
    ]


def notices_about(debtors: Sequence[str], first: dt.date, last: dt.date) -> list[SimulatedNotice]:
    """Return a notice every five minutes of `first` to `last` (UTC), for a live demo, the same at every start.

    Each debtor in turn is opened, then each opening is deleted, and so on; a day ends with all of them deleted.
    """
    rounds = [(type_, each) for type_ in (NoticeType.AAPNING, NoticeType.SLETTING) for each in debtors]
    if not rounds:
        return []
    notices = _EVERY_FIVE_MINUTES - _EVERY_FIVE_MINUTES % len(rounds)
    return [
        _demo_notice(*rounds[number % len(rounds)], day, number)
        for day in (first + dt.timedelta(days=ahead) for ahead in range((last - first).days + 1))
        for number in range(notices)
    ]


def _demo_notice(type_: NoticeType, debtor_id: str, day: dt.date, number: int) -> SimulatedNotice:
    registered_at = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC) + number * dt.timedelta(minutes=5)
    return simulated_notice(
        uuid=str(uuid5(NAMESPACE_OID, f"konkurs demo {registered_at.isoformat()}")),
        type=type_.value,
        registered_at=registered_at,
        debtor_id=debtor_id,
        ruling_date=registered_at.astimezone(OSLO).date(),
    )


@lru_cache(maxsize=64)
def _workday_count(year: int) -> int:
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    return len(Calendar(first).between(first, last))


def _quarters(day: dt.date) -> Iterator[dt.datetime]:
    opens = dt.datetime.combine(day, _OPENS, tzinfo=OSLO).astimezone(dt.UTC)
    for number in range(_QUARTERS_A_DAY):
        yield opens + number * _QUARTER


def _poisson(rng: random.Random, mean: float) -> int:
    count, product, limit = 0, rng.random(), math.exp(-mean)
    while product > limit:
        count, product = count + 1, product * rng.random()
    return count


class _Register:
    """What has been generated so far: the debtors used, and whose estates are open (oldest first)."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._used: set[str] = set()
        self._open: list[str] = []

    def quarter(self, starts_at: dt.datetime) -> Iterator[SimulatedNotice]:
        """Generate the notices of the quarter of an hour from `starts_at`, in order."""
        quarters_a_year = _workday_count(starts_at.year) * _QUARTERS_A_DAY
        types = [
            type_ for type_, yearly in YEARLY.items() for _ in range(_poisson(self._rng, yearly / quarters_a_year))
        ]
        self._rng.shuffle(types)
        offsets = sorted(self._rng.sample(range(_MILLISECONDS_A_QUARTER), len(types)))
        for type_, offset in zip(types, offsets, strict=True):
            debtor_id = self._debtor_for(type_)
            if debtor_id is not None:
                yield self._notice(type_, debtor_id, starts_at, starts_at + dt.timedelta(milliseconds=offset))

    def _debtor_for(self, type_: NoticeType) -> str | None:
        if type_ is NoticeType.AAPNING:
            debtor_id = self._new_debtor()
            self._open.append(debtor_id)
            return debtor_id
        if not self._open:
            return None
        reach = _REACH[type_] or len(self._open)
        return self._open.pop(self._rng.randrange(max(0, len(self._open) - reach), len(self._open)))

    def _new_debtor(self) -> str:
        weights = [weight for weight, _ in _DEBTORS]
        while True:
            draw = self._rng.choices([draw for _, draw in _DEBTORS], weights)[0]
            debtor_id = draw(self._rng)
            if debtor_id not in self._used:
                self._used.add(debtor_id)
                return debtor_id

    def _notice(
        self, type_: NoticeType, debtor_id: str, quarter: dt.datetime, registered_at: dt.datetime
    ) -> SimulatedNotice:
        return simulated_notice(
            uuid=str(UUID(int=self._rng.getrandbits(128), version=4)),
            type=type_.value,
            registered_at=registered_at,
            debtor_id=debtor_id,
            # Within opening hours the UTC date and the Oslo date are the same.
            ruling_date=registered_at.date(),
            visible_from=quarter + _QUARTER,
        )
