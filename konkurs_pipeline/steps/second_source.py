"""Compare the known bankruptcies with Enhetsregisteret: fetch its list of flagged units, and compare at home.

It reads what runs published, without the lock; only recording the result needs it. No customer's number leaves the bank:
single requests are about numbers that Konkursvarsel itself named. What does not belong here: what a difference is
(domain/second_source).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from konkurs_pipeline.brreg.enhetsregisteret.client import Enhetsregisteret, connect_enhetsregisteret
from konkurs_pipeline.domain.estates import EstateState
from konkurs_pipeline.domain.identifiers import IdKind, identify
from konkurs_pipeline.domain.second_source import (
    ComparisonOutcome,
    KnownBankruptcy,
    Unit,
    bankruptcies_to_ask_about,
    is_far_shorter,
    missing_flags,
    unexplained_flags,
)
from konkurs_pipeline.errors import ServiceError
from konkurs_pipeline.redaction import redact
from konkurs_pipeline.settings import Settings
from konkurs_pipeline.storage.ledger.second_source import Comparison
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.register.snapshots import Snapshots
from konkurs_pipeline.storage.store import layout_of

# The most single requests of one comparison: if more were needed, something larger would be wrong.
_MOST_QUESTIONS: Final = 300
# A new list is compared with the longest of so many earlier comparisons.
_EARLIER_LISTS: Final = 5


@dataclass(frozen=True)
class _KnownBankruptcies:
    """The store's bankruptcies: all, and customer reference → those that match the customer."""

    bankruptcies: list[KnownBankruptcy]
    of_customer: Mapping[str, list[KnownBankruptcy]] = field(default_factory=dict)


def compare(settings: Settings, now: dt.datetime) -> Comparison:
    """Return how Enhetsregisteret and the store differ. A source that is down is an outcome, not an error.

    Raises `StoreError` if the store cannot be read, `CertificateError`.
    """
    with connect_enhetsregisteret(settings) as service:
        try:
            flagged = service.fetch_flagged()
        except ServiceError as error:
            return Comparison(now, ComparisonOutcome.UNREACHABLE, detail=redact(str(error)))
        earlier = _earlier_counts(settings)
        if is_far_shorter(len(flagged), earlier):
            detail = (
                f"its list has {len(flagged)} flagged units, and had up to {max(earlier)} before: nothing was compared"
            )
            return Comparison(now, ComparisonOutcome.SHORT_LIST, len(flagged), detail=detail)
        return _compared(settings, now, flagged, service)


def _compared(settings: Settings, now: dt.datetime, flagged: dict[str, Unit], service: Enhetsregisteret) -> Comparison:
    known, calendar, today = _known(settings), settings.calendar, settings.calendar.workday_of(now)
    differences = list(unexplained_flags(flagged, _customers(settings, flagged), known.of_customer, today, calendar))
    waiting = bankruptcies_to_ask_about(_of_companies(known), flagged, today, calendar)
    asked = waiting[:_MOST_QUESTIONS]
    units: dict[str, Unit | None] = {}
    failures: list[str] = []
    for orgnr, answer in service.fetch_units(sorted({each.debtor_id for each in asked})):
        if isinstance(answer, ServiceError):
            failures.append(redact(str(answer)))
        else:
            units[orgnr] = answer
    differences += missing_flags(asked, units)
    unjudged = sum(each.debtor_id not in units for each in waiting)
    detail = (
        f"{unjudged} open bankruptcies were not judged: {(failures or ['too many to ask about'])[0]}"
        if unjudged
        else None
    )
    return Comparison(now, ComparisonOutcome.COMPARED, len(flagged), tuple(differences), unjudged, detail)


def _earlier_counts(settings: Settings) -> list[int]:
    tried = Published(layout_of(settings)).read("second_source_comparisons").sort("compared_at")
    return [count for count in tried["unit_count"].tail(_EARLIER_LISTS) if count is not None]


def _known(settings: Settings) -> _KnownBankruptcies:
    published = Published(layout_of(settings))
    refs: defaultdict[str, list[str]] = defaultdict(list)
    for uuid, ref in published.read("customer_matches", columns=("notice_uuid", "customer_ref")).iter_rows():
        refs[uuid].append(ref)
    columns = ["opening_uuid", "debtor_id", "state", "ruling_date", "workday"]
    bankruptcies = [
        KnownBankruptcy(uuid, debtor, EstateState(state), ruling, workday, tuple(sorted(refs[uuid])))
        for uuid, debtor, state, ruling, workday in published.read("estates").select(columns).iter_rows()
    ]
    of_customer: defaultdict[str, list[KnownBankruptcy]] = defaultdict(list)
    for each in bankruptcies:
        for ref in each.customer_refs:
            of_customer[ref].append(each)
    return _KnownBankruptcies(bankruptcies, of_customer)


def _of_companies(known: _KnownBankruptcies) -> list[KnownBankruptcy]:
    return [each for each in known.bankruptcies if identify(each.debtor_id, synthetic_allowed=True) is IdKind.ORGNR]


def _customers(settings: Settings, flagged: Mapping[str, Unit]) -> dict[str, list[str]]:
    """Return the number of each flagged unit that customers have or had → their references."""
    snapshot = Snapshots(layout_of(settings).snapshots).current()
    if snapshot is None:
        return {}
    rows = snapshot.customers_with(flagged.keys()).filter(~pl.col("is_flagged"))
    found: defaultdict[str, list[str]] = defaultdict(list)
    for orgnr, ref in rows.select("national_id", "customer_ref").iter_rows():
        found[orgnr].append(ref)
    return dict(found)
