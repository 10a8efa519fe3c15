"""The facts that a decision uses, and lookups over them (by notice, by account).

What does not belong here: which actions follow (domain/actions/policy).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

from konkurs_pipeline.domain.actions.rows import ActionKind, ActionStatus, Issued
from konkurs_pipeline.domain.estates import Estate, EstateState, Fold
from konkurs_pipeline.domain.matching import Match
from konkurs_pipeline.domain.notices import Notice

_Key = TypeVar("_Key")


class Relation(StrEnum):
    """A customer's relation to an account in the bank's register."""

    OWNER = "owner"
    CO_OWNER = "co_owner"
    DISPONENT = "disponent"


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the register has it for one customer.

    `is_blocked` and `opened_at` (a date) null: the register does not say. `owners`: the references with an `owner` row of
    this account, customers of the bank or not, where there are several.
    """

    account_no: str
    relation: str
    is_blocked: bool | None = None
    is_flagged: bool = False
    opened_at: dt.date | None = None
    owners: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Situation:
    """The facts that a decision uses.

    `notices`: the oppheving, avslutning and flawed notices. `accounts`: by customer_ref; null if the bank gives no
    accounts file. `flaws`: notice uuid → reason of its open quarantine entry. `issued`: every BLOCK, REOPEN and REVIEW.
    """

    fold: Fold
    notices: Sequence[Notice] = ()
    matches: Sequence[Match] = ()
    accounts: Mapping[str, Sequence[Account]] | None = None
    flaws: Mapping[str, str] = field(default_factory=dict)
    issued: Sequence[Issued] = ()

    @cached_property
    def matches_of(self) -> Mapping[str, list[Match]]:
        """The matches of each notice."""
        grouped: defaultdict[str, list[Match]] = defaultdict(list)
        for match in self.matches:
            grouped[match.notice_uuid].append(match)
        return grouped

    @cached_property
    def opening_ended_by(self) -> Mapping[str, str]:
        """The uuid of each notice that ended an estate → the uuid of its opening, also if a sletting followed."""
        return {notice.uuid: estate.opening.uuid for estate in self.fold.estates for notice in estate.applied}

    @cached_property
    def held_customers(self) -> frozenset[str]:
        """The customers of an open estate: by a match, or by a BLOCK whose match is gone."""
        openings = [e.opening.uuid for e in self.fold.estates if e.state is EstateState.OPEN]
        matched = {match.customer_ref for opening in openings for match in self.matches_of.get(opening, ())}
        blocked = {block.customer_ref for opening in openings for block in self.standing_blocks_of(opening)}
        return frozenset(matched | blocked)

    @cached_property
    def written_blocks(self) -> Mapping[str, list[Issued]]:
        """The BLOCKs that were written, by the uuid of their opening."""
        return self._written(ActionKind.BLOCK)

    @cached_property
    def written_reviews(self) -> Mapping[str, list[Issued]]:
        """The REVIEWs that were written, by the uuid of their notice."""
        return self._written(ActionKind.REVIEW)

    def standing_blocks_of(self, opening_uuid: str) -> Iterator[Issued]:
        """Return the BLOCKs written for this opening that no REOPEN lifted."""
        return (block for block in self.written_blocks.get(opening_uuid, ()) if not self.is_lifted(block.action_id))

    def is_lifted(self, block_id: str) -> bool:
        """Whether a REOPEN was written for the BLOCK with this id."""
        return block_id in self._lifted_in

    def is_deleted(self, opening_uuid: str) -> bool:
        """Whether a sletting without a flaw deleted this opening: then its accounts must be reopened."""
        estate = self._estates.get(opening_uuid)
        return estate is not None and estate.state is EstateState.DELETED and not self._is_flawed(estate.changed_by)

    def other_blocks_on(self, block: Issued) -> list[Issued]:
        """Return our other standing BLOCKs of the same account, or of the customer as a whole."""
        return [other for other in self._blocks_beside(block) if not self.is_lifted(other.action_id)]

    @cached_property
    def blocked_by_others(self) -> frozenset[str]:
        """The ids of the BLOCKs whose account somebody else had blocked before.

        The register said then that the account was blocked, and no BLOCK of ours explains it. A BLOCK explains it when it
        stood then, core banking did not reject it, and nobody else had blocked the account before it.
        """
        found: set[str] = set()
        blocks = (block for blocks in self.written_blocks.values() for block in blocks if block.was_blocked)
        for block in sorted(blocks, key=lambda block: block.seq):
            ours = [other.action_id for other in self._blocks_beside(block) if self._explains(other, block)]
            if not ours or not found.isdisjoint(ours):
                found.add(block.action_id)
        return frozenset(found)

    def _explains(self, other: Issued, block: Issued) -> bool:
        stood = other.seq < block.seq <= self._lifted_in.get(other.action_id, block.seq)
        return stood and other.status is not ActionStatus.REJECTED

    def _is_flawed(self, notice: Notice | None) -> bool:
        return notice is not None and notice.uuid in self.flaws

    def _written(self, kind: ActionKind) -> Mapping[str, list[Issued]]:
        written = (action for action in self.issued if action.kind is kind and action.is_written)
        return _grouped((action.notice_uuid, action) for action in written)

    def _blocks_beside(self, block: Issued) -> Iterator[Issued]:
        for other in self._blocks_of_customer.get(block.customer_ref, ()):
            is_whole = block.account_no is None or other.account_no is None
            if is_whole and other.action_id != block.action_id:
                yield other
        if block.account_no is not None:
            same_account = self._blocks_of_account.get(block.account_no, ())
            yield from (other for other in same_account if other.action_id != block.action_id)

    @cached_property
    def _estates(self) -> Mapping[str, Estate]:
        return {estate.opening.uuid: estate for estate in self.fold.estates}

    @cached_property
    def _lifted_in(self) -> Mapping[str, int]:
        """The id of each BLOCK that a REOPEN was written for → the outbox file of that REOPEN."""
        reopened = (action for action in self.issued if action.kind is ActionKind.REOPEN and action.is_written)
        return {action.caused_by: action.seq for action in reopened if action.caused_by}

    @cached_property
    def _blocks_of_account(self) -> Mapping[str | None, Sequence[Issued]]:
        return _grouped((block.account_no, block) for blocks in self.written_blocks.values() for block in blocks)

    @cached_property
    def _blocks_of_customer(self) -> Mapping[str, Sequence[Issued]]:
        return _grouped((block.customer_ref, block) for blocks in self.written_blocks.values() for block in blocks)


def _grouped(pairs: Iterable[tuple[_Key, Issued]]) -> Mapping[_Key, list[Issued]]:
    grouped: defaultdict[_Key, list[Issued]] = defaultdict(list)
    for key, action in pairs:
        grouped[key].append(action)
    return grouped
