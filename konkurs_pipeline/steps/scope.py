"""Whose decisions can have become others since the last run decided: told by content, as derived tables are (made_from).

What ought to be for a debtor follows from its notices and their matches, the customers' accounts, what is in quarantine, what
was issued, and what else holds the same customers. So it is decided anew, together with all that hang together with it by a
customer, when a notice or match of it is among those that differ from what was decided on, when one of its actions took
another status (by a receipt, or by the last file), when a row of it is held, when it ever was in quarantine, and when a
notice is gone that a match or an action rests on. With another register, other rules, or no note, all are: by the same code.

The note is in the ledger, committed with the decisions it belongs to: a ledger put back from a copy has the note of its time.
What does not belong here: what is decided (domain/actions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from konkurs_pipeline.steps.poll import Poll
from konkurs_pipeline.storage.handoff import decisions
from konkurs_pipeline.storage.handoff.decisions import DecidedFrom
from konkurs_pipeline.storage.lake.made_from import Basis
from konkurs_pipeline.storage.snapshots import Snapshot

_NOTICES: Final = "raw_notices"
_MATCHES: Final = "customer_matches"


@dataclass(frozen=True)
class Scope:
    """Whom to decide on (debtor_id), the customers they are linked to (customer_ref), and the note of what it rests on."""

    debtors: pl.Series
    customers: pl.Series
    decided_from: DecidedFrom


def find_scope(poll: Poll, snapshot: Snapshot | None, notices: pl.DataFrame, links: pl.DataFrame) -> Scope:
    """Return whom to decide on.

    `notices`: uuid, debtor_id and workday of all notices there are. `links`: notice_uuid, customer_ref and workday of
    every match, and notice_uuid and customer_ref of every BLOCK and REOPEN.
    """
    ledger = poll.store.ledger
    basis = Basis.of(poll.store.lake, (_NOTICES, _MATCHES), [snapshot.id if snapshot else None])
    now = DecidedFrom(basis=basis, history_length=decisions.history_length(ledger))
    before = decisions.decided_from(ledger)
    # A ledger that knows less than what was noted in it: it was changed by other hands.
    is_known = before is not None and before.history_length <= now.history_length
    differing = now.basis.differing(before.basis if before and is_known else None, poll.store.lake)
    touched = decisions.notices_touched_since(ledger, before.history_length if before and is_known else 0)
    of_matches = links.filter(differing[_MATCHES].is_in)["notice_uuid"]
    uuids = pl.concat([of_matches, pl.Series(sorted(touched), dtype=pl.String)]).unique()
    # By debtor: a sletting need not match anybody itself, where its opening did by a linked unit.
    is_changed = differing[_NOTICES].is_in | pl.col("uuid").is_in(uuids.implode())
    debtors = notices.filter(is_changed)["debtor_id"].unique()
    linked = links.join(notices.select("debtor_id", notice_uuid="uuid"), on="notice_uuid", how="left")
    is_concerned = pl.col("debtor_id").is_in(debtors.implode()) | pl.col("debtor_id").is_null()
    return Scope(*_hanging_together(linked, linked.filter(is_concerned)["customer_ref"].unique()), now)


def _hanging_together(linked: pl.DataFrame, customers: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the debtors linked to `customers` and to whomever these are linked to, however far; and all these customers."""
    while True:
        debtors = linked.filter(pl.col("customer_ref").is_in(customers.implode()))["debtor_id"].drop_nulls().unique()
        reached = linked.filter(pl.col("debtor_id").is_in(debtors.implode()))["customer_ref"]
        grown = pl.concat([customers, reached]).unique()
        if grown.len() == customers.len():
            return debtors, customers
        customers = grown
