"""Is this party bankrupt: since when, by which notices, known when, and what was done. Now, or as of an earlier time.

"As of" means: what was known then, from the notices first seen, the datasets fetched and the actions decided until then.
The answer names notices and customers, never the identifier that was asked about.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import polars as pl

from konkurs_pipeline.domain.estates import Estate, EstateState, fold_estates
from konkurs_pipeline.domain.foreign_text import shown
from konkurs_pipeline.domain.instants import instant_text
from konkurs_pipeline.domain.notices import Notice, notices_of
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.snapshots import Snapshots

_MONTHS_OF_HISTORY = 12


@dataclass(frozen=True)
class Finding:
    """The answer. `state`: open where any bankruptcy is, else that of the latest; null: none is known.

    `account_history_from`: the first day a trustee may ask account history from; null: no bankruptcy is open.
    """

    as_of: dt.datetime
    is_bankrupt: bool
    state: str | None
    account_history_from: dt.date | None
    estates: list[dict[str, Any]]
    notices: list[dict[str, Any]]
    actions: list[dict[str, Any]]


def look_up(layout: Layout, identifier: str, as_of: dt.datetime) -> Finding:
    """Answer for one orgnr, fødselsnummer or D-nummer, looked up as text."""
    published = Published(layout)
    known = published.read("raw_notices").filter(pl.col("first_seen_at") <= as_of)
    parties = _parties(published, layout, identifier, as_of)
    debtors = known.filter(pl.col("uuid").is_in(list(parties)))["debtor_id"].unique().to_list()
    concerned = known.filter(pl.col("debtor_id").is_in(debtors)).sort("registered_at", "uuid")
    notices = notices_of(concerned)
    estates = [e for e in fold_estates(notices).estates if _concerns(e, parties)]
    still_open = [estate for estate in estates if estate.state is EstateState.OPEN]
    seen_at = dict(concerned.select("uuid", "first_seen_at").iter_rows())
    return Finding(
        as_of=as_of,
        is_bankrupt=bool(still_open),
        state=_state(estates),
        account_history_from=_history_from(still_open),
        estates=[_estate(estate, parties, seen_at) for estate in estates],
        notices=[_notice(notice, seen_at) for notice in notices],
        actions=_actions(published, [notice.uuid for notice in notices], as_of),
    )


def _parties(published: Published, layout: Layout, identifier: str, as_of: dt.datetime) -> dict[str, str]:
    """Return notice uuid → how the party was found in it: debtor, linked_unit, or former_id through the register."""
    fetched = published.read("expanded_datasets").filter(pl.col("fetched_at") <= as_of)["uuid"]
    debtors = published.read("debtors").filter(
        (pl.col("role") == "debtor") | pl.col("notice_uuid").is_in(fetched.implode())
    )
    found: dict[str, str] = {}
    for other in _identifiers_of_same_customers(layout, identifier):
        found |= dict.fromkeys(debtors.filter(pl.col("national_id") == other)["notice_uuid"], "former_id")
    own = debtors.filter(pl.col("national_id") == identifier).select("notice_uuid", "role")
    return found | dict(own.iter_rows())


def _identifiers_of_same_customers(layout: Layout, identifier: str) -> list[str]:
    snapshot = Snapshots(layout.snapshots).current()
    if snapshot is None:
        return []
    refs = snapshot.customers_with([identifier])["customer_ref"].unique().to_list()
    return [other for other in snapshot.identifiers_of(refs) if other != identifier]


def _state(estates: list[Estate]) -> str | None:
    """Return open where any bankruptcy is, else the state of the latest; null: none is known."""
    states = [estate.state.value for estate in estates]
    return EstateState.OPEN.value if EstateState.OPEN.value in states else (states[-1] if states else None)


def _concerns(estate: Estate, parties: dict[str, str]) -> bool:
    return estate.opening.uuid in parties or (estate.changed_by is not None and estate.changed_by.uuid in parties)


def _history_from(estates: list[Estate]) -> dt.date | None:
    """Twelve months before the earliest kjennelsesdato of the open bankruptcies [kontrollinformasjon]."""
    ruled = [estate.opening.ruling_date for estate in estates if estate.opening.ruling_date is not None]
    if not ruled:
        return None
    day = min(ruled)
    last_of_february = day.month == 2 and day.day == 29  # noqa: PLR2004 -- 29 February has no day a year before
    return day.replace(year=day.year - _MONTHS_OF_HISTORY // 12, day=28 if last_of_february else day.day)


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
    rows = published.read("actions").filter(pl.col("notice_uuid").is_in(uuids) & (pl.col("decided_at") <= as_of))
    return [
        {
            "action_id": row["action_id"],
            "action": row["action"],
            "customer_ref": row["customer_ref"],
            "account_no": row["account_no"],
            "reason": row["reason"],
            "notice_uuid": row["notice_uuid"],
            "decided_at": instant_text(row["decided_at"]),
            "status": _status_then(row, as_of),
        }
        for row in rows.sort("decided_at", "action_id").iter_rows(named=True)
    ]


def _status_then(row: dict[str, Any], as_of: dt.datetime) -> str:
    confirmed, exported = row["confirmed_at"], row["exported_at"]
    if confirmed is not None and confirmed <= as_of:
        return str(row["status"])
    if exported is not None and exported <= as_of:
        return "exported"
    return "void" if row["status"] == "void" else "held"
