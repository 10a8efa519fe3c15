"""Match: every party against every customer, so that a new notice and a new customer are found alike."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

from konkurs_pipeline.domain.matching import match_customers
from konkurs_pipeline.schemas.tables import CustomerMatches, dtypes
from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.steps.register import take_register
from konkurs_pipeline.storage.lake.made_from import Derivation

_PARTY_COLUMNS = ("notice_uuid", "workday", "national_id", "id_kind", "role", "organisation_form")


@dataclass(frozen=True)
class MatchCounts:
    """How many matches were found by this poll, and in which workdays something changed."""

    new: int = 0
    changed_days: tuple[dt.date, ...] = ()


def match_debtors(poll: Poll) -> MatchCounts:
    """Write the matches of all parties with the register snapshot of the poll.

    A match found once stays in the table, with the time it was first found, also when the customer has left: what was
    known when is evidence. What is decided rests on the matches the present snapshot still has.
    """
    snapshot = take_register(poll)
    if snapshot is None:
        return MatchCounts()
    lake = poll.store.lake
    # The same parties against the same register are the same matches: only parties that are new to it are looked up.
    made = Derivation(lake, "customer_matches", ["debtors"], [snapshot.id])
    stale = made.stale()
    parties = stale.read(lake, "debtors", _PARTY_COLUMNS)
    identifiers = snapshot.customers_with(parties["national_id"].unique().to_list())
    found = match_customers(parties, identifiers).with_columns(
        found_at=pl.lit(poll.now()).cast(pl.Datetime("us", "UTC")), register_id=pl.lit(snapshot.id)
    )
    before = stale.read(lake, "customer_matches")
    whole = _with_first_finding(found, before)
    changed = lake.replace("customer_matches", set(whole["workday"]), whole)
    made.note()
    return MatchCounts(whole.height - before.height, tuple(changed))


def _with_first_finding(found: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Lay what is found now over what was found before; a match known before keeps its first finding."""
    key = ["notice_uuid", "customer_ref"]
    first = before.select(*key, first_at="found_at", first_in="register_id")
    renewed = (
        found.join(first, on=key, how="left")
        .with_columns(found_at=pl.coalesce("first_at", "found_at"), register_id=pl.coalesce("first_in", "register_id"))
        .select(list(dtypes(CustomerMatches)))
    )
    gone = before.join(found, on=key, how="anti")
    return pl.concat([renewed, gone]).sort("workday", *key)
