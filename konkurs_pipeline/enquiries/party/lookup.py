"""Is this party bankrupt: since when, by which notices, known when, and what was done. Now, or as of an earlier time.

"As of" a time means: from the notices first seen, the datasets fetched, the register in use and the history of the
actions until then. The answer names notices and customers, never the identifier that was asked about.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from konkurs_pipeline.domain.control_requests import earliest_from_date
from konkurs_pipeline.domain.estates import Estate, EstateState, fold_estates
from konkurs_pipeline.domain.foreign_text import shown
from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.domain.notices import Notice, notices_of
from konkurs_pipeline.domain.outcomes import GOOD
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.register.accepted import Snapshot
from konkurs_pipeline.storage.register.snapshots import Snapshots


@dataclass(frozen=True)
class Finding:
    """The answer. `state`: open if any bankruptcy is, else the state of the latest; null: none is known.

    `known_up_to`: when the last good poll before `as_of` ended; null: there was none, so the bank knew nothing.
    `account_history_from`: the first day a trustee may ask account history from; null: no bankruptcy is known, or all were
    deleted.
    `erased_since`: how many notices (of any party) were known at `as_of` and are erased now, and when the last was
    erased. `erased_notices`: those of the customer that was asked about, by its actions.
    """

    as_of: dt.datetime
    known_up_to: dt.datetime | None
    is_bankrupt: bool
    state: str | None
    account_history_from: dt.date | None
    estates: list[dict[str, Any]]
    notices: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    erased_since: dict[str, Any]
    erased_notices: list[dict[str, Any]]


def look_up(layout: Layout, identifier: str, as_of: dt.datetime) -> Finding:
    """Answer for one orgnr, fødselsnummer or D-nummer, looked up as text."""
    return _finding(layout, party_estates(layout, identifier, as_of), as_of)


def look_up_customer(layout: Layout, customer_ref: str, as_of: dt.datetime) -> Finding | None:
    """Answer for a customer of the bank by every number it has or had; null: no such customer is known."""
    published = Published(layout)
    register = _register_then(published, layout, as_of)
    numbers = register.identifiers_of([customer_ref]) if register else []
    matches = published.read("customer_matches").filter(
        (pl.col("customer_ref") == customer_ref) & (pl.col("found_at") <= as_of)
    )
    of_customer = published.read("actions").filter(pl.col("customer_ref") == customer_ref)["notice_uuid"].to_list()
    if not numbers and not matches.height and not of_customer:
        return None
    parties = dict(matches.select("notice_uuid", "matched_via").iter_rows())
    for number in numbers:
        parties |= _named(_known_debtors(published, as_of), number)
    return _finding(layout, _estates_of(published, parties, as_of), as_of, of_customer)


@dataclass(frozen=True)
class PartyEstates:
    """The bankruptcies of a party and all notices on their debtors. `parties`: notice uuid → how the party is in it."""

    estates: list[Estate]
    notices: list[Notice]
    parties: dict[str, str]
    seen_at: dict[str, dt.datetime]


def party_estates(layout: Layout, identifier: str, as_of: dt.datetime) -> PartyEstates:
    """Return the bankruptcies that concern a number: as debtor, as linked unit, or by another number of a customer."""
    published = Published(layout)
    debtors = _known_debtors(published, as_of)
    parties: dict[str, str] = {}
    for other in _numbers_of_same_customers(published, layout, identifier, as_of):
        parties |= dict.fromkeys(_named(debtors, other), "former_id")
    return _estates_of(published, parties | _named(debtors, identifier), as_of)


def known_up_to(published: Published, as_of: dt.datetime) -> dt.datetime | None:
    """Return when the last poll that had the list ended, before `as_of`; null: there was none."""
    polls = published.read("polls").filter(
        pl.col("outcome").is_in(sorted(GOOD)) & pl.col("notices_seen").is_not_null() & (pl.col("ended_at") <= as_of)
    )
    last = polls["ended_at"].max()
    return last if isinstance(last, dt.datetime) else None


def _finding(layout: Layout, party: PartyEstates, as_of: dt.datetime, of_customer: Sequence[str] = ()) -> Finding:
    published = Published(layout)
    erased = published.read("erased_notices").filter(pl.col("first_seen_at") <= as_of).sort("registered_at")
    last, mine = erased["erased_at"].max(), erased.filter(pl.col("uuid").is_in(list(of_customer)))
    return Finding(
        as_of=as_of,
        known_up_to=known_up_to(published, as_of),
        is_bankrupt=any(estate.state is EstateState.OPEN for estate in party.estates),
        state=_state(party.estates),
        account_history_from=earliest_from_date(party.estates),
        estates=[_estate(estate, party.parties, party.seen_at) for estate in party.estates],
        notices=[_notice(notice, party.seen_at) for notice in party.notices],
        actions=_actions(published, [*(notice.uuid for notice in party.notices), *mine["uuid"]], as_of),
        erased_since={
            "notice_count": erased.height,
            "last_at": instant_text(last) if isinstance(last, dt.datetime) else None,
        },
        erased_notices=[
            {"uuid": uid, "type": kind, "registered_at": instant_text(at), "erased_at": instant_text(erased_at)}
            for uid, kind, at, erased_at in mine.select("uuid", "type", "registered_at", "erased_at").iter_rows()
        ],
    )


def _estates_of(published: Published, parties: dict[str, str], as_of: dt.datetime) -> PartyEstates:
    known = published.read("raw_notices").filter(pl.col("first_seen_at") <= as_of)
    debtors = known.filter(pl.col("uuid").is_in(list(parties)))["debtor_id"].unique().to_list()
    concerned = known.filter(pl.col("debtor_id").is_in(debtors)).sort("registered_at", "uuid")
    notices = notices_of(concerned)
    estates = [estate for estate in fold_estates(notices).estates if _concerns(estate, parties)]
    return PartyEstates(estates, notices, parties, dict(concerned.select("uuid", "first_seen_at").iter_rows()))


def _known_debtors(published: Published, as_of: dt.datetime) -> pl.DataFrame:
    fetched = published.read("expanded_datasets").filter(pl.col("fetched_at") <= as_of)["uuid"]
    return published.read("debtors").filter(
        (pl.col("role") == "debtor") | pl.col("notice_uuid").is_in(fetched.implode())
    )


def _named(debtors: pl.DataFrame, number: str) -> dict[str, str]:
    """Return notice uuid → role for the notices that name a number."""
    return dict(debtors.filter(pl.col("national_id") == number).select("notice_uuid", "role").iter_rows())


def _numbers_of_same_customers(published: Published, layout: Layout, identifier: str, as_of: dt.datetime) -> list[str]:
    register = _register_then(published, layout, as_of)
    if register is None:
        return []
    refs = register.customers_with([identifier])["customer_ref"].unique().to_list()
    return [other for other in register.identifiers_of(refs) if other != identifier]


def _register_then(published: Published, layout: Layout, as_of: dt.datetime) -> Snapshot | None:
    """Return the register in use then; the present one if that is no longer kept."""
    snapshots = Snapshots(layout.snapshots)
    accepted = published.read("registers").filter(pl.col("accepted_at") <= as_of).sort("accepted_at")
    then = snapshots.find(accepted["register_id"][-1]) if accepted.height else None
    return then or snapshots.current()


def _state(estates: list[Estate]) -> str | None:
    """Return open if any bankruptcy is, else the state of the latest; null: none is known."""
    states = [estate.state.value for estate in estates]
    return EstateState.OPEN.value if EstateState.OPEN.value in states else (states[-1] if states else None)


def _concerns(estate: Estate, parties: dict[str, str]) -> bool:
    return estate.opening.uuid in parties or (estate.changed_by is not None and estate.changed_by.uuid in parties)


def _estate(estate: Estate, parties: dict[str, str], seen_at: dict[str, dt.datetime]) -> dict[str, Any]:
    opening, changed = estate.opening, estate.changed_by
    return {
        "state": estate.state.value,
        "ruling_date": opening.ruling_date.isoformat() if opening.ruling_date else None,
        "state_since": instant_text(estate.state_since),
        "opening_uuid": opening.uuid,
        "changed_by_uuid": changed.uuid if changed else None,
        "party_is": parties.get(opening.uuid) or (parties.get(changed.uuid) if changed else None),
        "known_at": instant_text(seen_at[opening.uuid]),
    }


def _notice(notice: Notice, seen_at: dict[str, dt.datetime]) -> dict[str, Any]:
    return {
        "uuid": notice.uuid,
        "type": shown(notice.type),
        "registered_at": notice.registered_at_text,
        "ruling_date": notice.ruling_date.isoformat() if notice.ruling_date else None,
        "known_at": instant_text(seen_at[notice.uuid]),
    }


def _actions(published: Published, uuids: list[str], as_of: dt.datetime) -> list[dict[str, Any]]:
    decided = published.read("actions").filter(pl.col("notice_uuid").is_in(uuids))
    history = published.read("action_history").filter(pl.col("known_at") <= as_of).sort("version")
    then = history.group_by("action_id").agg(pl.col("status").last().alias("status_then"))
    rows = decided.join(then, on="action_id").sort("decided_at", "action_id")
    return [
        {
            "action_id": row["action_id"],
            "action": row["action"],
            "customer_ref": row["customer_ref"],
            "account_no": row["account_no"],
            "reason": row["reason"],
            "notice_uuid": row["notice_uuid"],
            "decided_at": instant_text(row["decided_at"]),
            "status": row["status_then"],
        }
        for row in rows.iter_rows(named=True)
    ]
