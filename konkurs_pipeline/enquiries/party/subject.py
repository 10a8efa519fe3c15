"""Everything that is kept on one number, for the person it belongs to (GDPR article 15).

For each thing: what it is, since when, from whom, why, and until when it is kept. What belongs here: finding it in every
table. What does not: printing it. The answer holds personal data: it may go to standard output only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from konkurs_pipeline.domain.retention import RetentionRule, Terms
from konkurs_pipeline.storage.layout import Layout
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.readers.retained import retained_cases
from konkurs_pipeline.storage.register.snapshots import Snapshots

_BREG: Final = "Brønnøysundregistrene, Konkursvarsel"
_BANK: Final = "the bank's own register"
_OWN: Final = "this program, from the notices and the bank's register"
_DUTY: Final = "a bank must secure the estate when a bankruptcy is opened"
_PROOF: Final = "evidence of when the bank knew and what it did"
_OPEN: Final = "as long as the bankruptcy is open, or something of it is in quarantine"


@dataclass(frozen=True)
class Kept:
    """One thing that is kept. `table`: where; `until`: an instant, or a condition in words; `content`: the row."""

    what: str
    table: str
    since: dt.datetime | None
    source: str
    why: str
    until: dt.datetime | str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class _Place:
    """Where a thing is kept: the table, its column that names the notice, and the column that says since when."""

    what: str
    table: str
    uuid: str
    since: str | None
    source: str
    why: str


_PLACES: Final = (
    _Place("a notice", "raw_notices", "uuid", "first_seen_at", _BREG, _DUTY),
    _Place("a document", "expanded_datasets", "uuid", "fetched_at", _BREG, _DUTY),
    _Place("a party of a notice", "debtors", "notice_uuid", None, _BREG, _DUTY),
    _Place("the state of a bankruptcy", "estates", "opening_uuid", "registered_at", _OWN, _DUTY),
    _Place("a customer that a notice is about", "customer_matches", "notice_uuid", "found_at", _OWN, _DUTY),
    _Place("an action", "actions", "notice_uuid", "decided_at", _OWN, _PROOF),
    _Place("something not understood", "quarantine", "uuid", "first_seen_at", _BREG, "a person looks at it"),
    _Place("a trustee's request", "control_requests", "opening_uuid", "received_at", "a trustee", _PROOF),
    _Place(
        "a difference from Enhetsregisteret", "second_source", "opening_uuid", "found_at", "Enhetsregisteret", _DUTY
    ),
)


def subject_access(layout: Layout, terms: Terms, number: str) -> list[Kept]:
    """Return what is kept on a number, in the order of tables. Raises `StoreError` if a table is damaged."""
    published = Published(layout)
    uuids = _notices_about(published, number)
    ends = _ends(published, terms)
    found = [_kept(place, row, ends) for place in _PLACES for row in _rows(published, place, uuids, number)]
    reviewed = [kept.content["action_id"] for kept in found if kept.table == "actions"]
    reviews = published.read("reviews").filter(pl.col("action_id").is_in(reviewed))
    by_action = {kept.content["action_id"]: kept.until for kept in found if kept.table == "actions"}
    found += [
        Kept(
            "what a person did about a REVIEW",
            "reviews",
            row["reviewed_at"],
            row["reviewed_by"],
            _PROOF,
            by_action[row["action_id"]],
            row,
        )
        for row in reviews.iter_rows(named=True)
    ]
    return [*found, *_answers(published, uuids, ends), *_registers(layout, number)]


def _notices_about(published: Published, number: str) -> set[str]:
    """Return the notices that name the number, in the list or in their documents."""
    named = pl.col("payload").str.contains(number, literal=True)
    notices = published.read("raw_notices", columns=["uuid", "debtor_id", "payload"])
    documents = published.read("expanded_datasets", columns=["uuid", "payload"])
    debtors = published.read("debtors", columns=["notice_uuid", "national_id"])
    return {
        *notices.filter(named | (pl.col("debtor_id") == number))["uuid"],
        *documents.filter(named)["uuid"],
        *debtors.filter(pl.col("national_id") == number)["notice_uuid"],
    }


def _rows(published: Published, place: _Place, uuids: Collection[str], number: str) -> Iterator[dict[str, Any]]:
    is_wanted = pl.col(place.uuid).is_in(sorted(uuids)).fill_null(value=False)
    rows = published.read(place.table)
    if place.table == "quarantine":
        is_wanted |= pl.col("payload").str.contains(number, literal=True)
        is_wanted |= (pl.col("debtor_id") == number).fill_null(value=False)
    yield from rows.filter(is_wanted).iter_rows(named=True)


def _ends(published: Published, terms: Terms) -> dict[str, dt.datetime | None]:
    """Return notice uuid → when it may be erased; null: not known yet."""
    erased = published.read("erased_notices", columns=["uuid"])["uuid"].to_list()
    cases = retained_cases(published.read, published.read("control_requests"), erased)
    return {notice.uuid: case.due_at(terms) for case in cases for notice in case.notices}


def _kept(place: _Place, row: dict[str, Any], ends: Mapping[str, dt.datetime | None]) -> Kept:
    until = ends.get(row[place.uuid]) or _OPEN
    return Kept(place.what, place.table, row[place.since] if place.since else None, place.source, place.why, until, row)


def _answers(published: Published, uuids: Collection[str], ends: Mapping[str, dt.datetime | None]) -> Iterator[Kept]:
    """Yield the kept answers of the service that first held a notice or its document."""
    answers = published.read("answers").sort("fetched_at").unique("sha256", keep="first", maintain_order=True)
    received = {row["sha256"]: row for row in answers.iter_rows(named=True)}
    for table in ("raw_notices", "expanded_datasets"):
        rows = published.read(table, columns=["uuid", "answer_sha256"]).filter(pl.col("uuid").is_in(sorted(uuids)))
        for uid, digest in rows.iter_rows():
            row = received.get(digest, {"sha256": digest, "fetched_at": None})
            yield Kept(
                "the answer that held it", "answers", row["fetched_at"], _BREG, _PROOF, ends.get(uid) or _OPEN, row
            )


def _registers(layout: Layout, number: str) -> Iterator[Kept]:
    """Yield the rows of the bank's register, of every snapshot that is kept."""
    snapshots = Snapshots(layout.snapshots)
    current = snapshots.current()
    for snapshot in filter(None, map(snapshots.find, snapshots.ids())):
        is_current = current is not None and snapshot.id == current.id
        until = "until the bank replaces its register" if is_current else "as long as a kept decision was made with it"
        customers = snapshot.customers_with([number])
        accounts = snapshot.accounts_of(customers["customer_ref"].to_list())
        for what, rows in (("a customer's number", customers), ("an account", accounts)):
            for row in rows.iter_rows(named=True) if rows is not None else ():
                yield Kept(what, "register", snapshot.accepted_at, _BANK, "matching notices with customers", until, row)


def erased_because_of(rule: str) -> str:
    """Return in words why something was erased."""
    reasons = {
        RetentionRule.OTHERS: "it concerned no customer, and its time had ended",
        RetentionRule.CUSTOMERS: "it concerned a customer, and its time had ended",
        RetentionRule.LATE: "it came after the bankruptcy was erased",
    }
    return reasons[RetentionRule(rule)]
