"""Match every party with every customer, so that both new notices and new customers are found."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl

from konkurs_pipeline.domain.matching import match_customers
from konkurs_pipeline.schemas.tables import CustomerMatches, dtypes
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.lake.made_from import Derivation
from konkurs_pipeline.storage.register.accepted import Snapshot

_INSTANT: Final = pl.Datetime("us", "UTC")
_PARTY_COLUMNS: Final = ("notice_uuid", "workday", "national_id", "id_kind", "role", "organisation_form")


@dataclass(frozen=True)
class MatchCounts:
    """How many matches this poll found, and the workdays in which one changed."""

    new: int = 0
    changed_days: tuple[dt.date, ...] = ()


def match_debtors(poll: Poll, snapshot: Snapshot | None) -> MatchCounts:
    """Write the matches of the parties with a register snapshot; null: nothing is matched.

    The same parties and the same register give the same matches. So the poll matches again only the months whose parties
    changed, or every month if the register changed. A match stays in the table with the time it was first found, also if
    the customer has left (`gone_at`): it is evidence of what was known when.
    """
    if snapshot is None:
        return MatchCounts()
    lake = poll.store.lake
    made = Derivation(lake, "customer_matches", ["debtors"], [snapshot.id])
    months = made.stale_months()
    parties = lake.read_months("debtors", months, columns=_PARTY_COLUMNS)
    identifiers = snapshot.customers_with(parties["national_id"].unique().to_list())
    found = match_customers(parties, identifiers).with_columns(
        found_at=pl.lit(poll.now(), _INSTANT), register_id=pl.lit(snapshot.id), gone_at=pl.lit(None, _INSTANT)
    )
    before = lake.read_months("customer_matches", months)
    whole = _merged(found, before, poll.now())
    changed = lake.replace("customer_matches", set(whole["workday"]), whole)
    made.note()
    return MatchCounts(whole.height - before.height, tuple(changed))


def _merged(found: pl.DataFrame, before: pl.DataFrame, now: dt.datetime) -> pl.DataFrame:
    """Merge; a known match keeps its first `found_at`, and one that is not found any more gets `gone_at`."""
    key = ["notice_uuid", "customer_ref"]
    first = before.select(*key, first_at="found_at", first_in="register_id")
    renewed = (
        found.join(first, on=key, how="left")
        .with_columns(found_at=pl.coalesce("first_at", "found_at"), register_id=pl.coalesce("first_in", "register_id"))
        .select(list(dtypes(CustomerMatches)))
    )
    gone = before.join(found, on=key, how="anti").with_columns(pl.col("gone_at").fill_null(pl.lit(now, _INSTANT)))
    return pl.concat([renewed, gone]).sort("workday", *key)
