"""What the bank ought to do: the policy, pure, so that a case officer can read it.

What ought to be is a function of the estates, the matches, the accounts and the BLOCKs already issued; a run writes what
ought to be less what was written before. So replays, crashes, late notices and a changed register all converge.

The policy in one table (INTERFACES § 5):

| when | what | why (`reason`) |
|---|---|---|
| an estate is open, its customer owns the account | BLOCK | estate_open |
| … the account is co-owned, only disposed of, of unknown relation, or its number is damaged | REVIEW | co_owned_account, … |
| … the match is doubtful | REVIEW | the doubt |
| … our BLOCK was lifted by a sletting that, as is known now, was for another opening | REVIEW | reopened_but_estate_open |
| a sletting deletes an estate that accounts were blocked for | REOPEN | opening_deleted |
| … but the account was blocked before our BLOCK | REVIEW | blocked_before |
| … but another open estate holds the same customer, by a match or a BLOCK | REVIEW | other_estate_open |
| … but core banking rejected our BLOCK | REVIEW | block_was_rejected |
| a sletting whose opening is not known | REVIEW | sletting_without_opening |
| an oppheving on a customer | REVIEW | oppheving |
| an avslutning on a customer | INFORM | avslutning |
| a notice with an open quarantine entry (unknown type, contradiction, …) | REVIEW | the entry's reason |

A BLOCK that was not written before its estate ended is never written, and one that was stays until a sletting lifts it.
What ends an estate is told to each customer that the notice itself matches, and to each that its opening did.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from konkurs_pipeline.domain.estates import Estate, EstateState, Fold
from konkurs_pipeline.domain.matching import Match, MatchedVia
from konkurs_pipeline.domain.notices import Notice, NoticeType

# The namespace of action ids. Changing it would make every decision look new: never change it.
_ACTION_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "konkurs-actions/1")
POLICY_VERSION: Final = "1"


class ActionKind(StrEnum):
    """What core banking or a person is asked to do. Within one notice, in this order."""

    REOPEN = "REOPEN"
    BLOCK = "BLOCK"
    REVIEW = "REVIEW"
    INFORM = "INFORM"


class Reason(StrEnum):
    """Why, in one word. A REVIEW may also carry a `Doubt` or a quarantine reason."""

    ESTATE_OPEN = "estate_open"
    OPENING_DELETED = "opening_deleted"
    CO_OWNED_ACCOUNT = "co_owned_account"
    DISPONENT_ACCOUNT = "disponent_account"
    UNKNOWN_RELATION = "unknown_relation"
    ACCOUNT_INVALID = "account_invalid"
    REOPENED_BUT_ESTATE_OPEN = "reopened_but_estate_open"
    BLOCKED_BEFORE = "blocked_before"
    OTHER_ESTATE_OPEN = "other_estate_open"
    BLOCK_WAS_REJECTED = "block_was_rejected"
    SLETTING_WITHOUT_OPENING = "sletting_without_opening"
    OPPHEVING = "oppheving"
    AVSLUTNING = "avslutning"


class Relation(StrEnum):
    """How a customer stands to an account in the bank's register."""

    OWNER = "owner"
    CO_OWNER = "co_owner"
    DISPONENT = "disponent"


class ActionStatus(StrEnum):
    """Where an action stands between decision and core banking's receipt."""

    HELD = "held"
    EXPORTED = "exported"
    APPLIED = "applied"
    ALREADY_APPLIED = "already_applied"
    REJECTED = "rejected"
    VOID = "void"


NEVER_WRITTEN: Final = frozenset({ActionStatus.HELD, ActionStatus.VOID})


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the register has it. `is_blocked` null: the register does not say."""

    account_no: str
    relation: str
    is_blocked: bool | None = None
    is_flagged: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """One row for core banking. `account_no` null: the customer as a whole."""

    kind: ActionKind
    customer_ref: str
    account_no: str | None
    notice: Notice
    matched_via: MatchedVia
    reason: str
    caused_by: str | None = None
    was_blocked: bool | None = None

    @property
    def action_id(self) -> str:
        """The same decision has the same id in every run, replay and backfill."""
        parts = (self.notice.uuid, self.customer_ref, self.account_no or "*", self.kind.value)
        return str(uuid.uuid5(_ACTION_NAMESPACE, "|".join(parts)))

    @property
    def order(self) -> tuple[object, ...]:
        """The order to carry actions out in: by notice, then kind, customer and account."""
        rank = list(ActionKind).index(self.kind)
        return (*self.notice.order, rank, self.customer_ref, self.account_no or "")


@dataclass(frozen=True, slots=True)
class Issued:
    """A BLOCK or REOPEN the ledger knows, with how it stands."""

    action_id: str
    kind: ActionKind
    notice_uuid: str
    customer_ref: str
    account_no: str | None
    matched_via: MatchedVia
    status: ActionStatus
    was_blocked: bool | None = None
    caused_by: str | None = None


@dataclass(frozen=True)
class Situation:
    """Everything a decision may rest on.

    `notices`: the oppheving, avslutning and flawed notices. `accounts`: by customer_ref; null when the bank gives no
    accounts file. `flaws`: notice uuid → reason of its open quarantine entry. `issued`: every BLOCK and REOPEN so far.
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
    def held_customers(self) -> frozenset[str]:
        """The customers that an open estate holds: by a match, or by a BLOCK that outlived its match."""
        openings = [e.opening.uuid for e in self.fold.estates if e.state is EstateState.OPEN]
        matched = {match.customer_ref for opening in openings for match in self.matches_of.get(opening, ())}
        blocked = {
            block.customer_ref
            for opening in openings
            for block in self.written_blocks.get(opening, ())
            if block.action_id not in self.lifted
        }
        return frozenset(matched | blocked)

    @cached_property
    def opening_ended_by(self) -> Mapping[str, str]:
        """The uuid of the notice that ended an estate → the uuid of its opening."""
        return {e.changed_by.uuid: e.opening.uuid for e in self.fold.estates if e.changed_by is not None}

    @cached_property
    def lifted(self) -> frozenset[str]:
        """The ids of the BLOCKs that a REOPEN was written for."""
        reopened = (i for i in self.issued if i.kind is ActionKind.REOPEN and i.status not in NEVER_WRITTEN)
        return frozenset(action.caused_by for action in reopened if action.caused_by)

    @cached_property
    def written_blocks(self) -> Mapping[str, list[Issued]]:
        """The BLOCKs that were written, by the uuid of their opening."""
        grouped: defaultdict[str, list[Issued]] = defaultdict(list)
        for action in self.issued:
            if action.kind is ActionKind.BLOCK and action.status not in NEVER_WRITTEN:
                grouped[action.notice_uuid].append(action)
        return grouped


def decide_actions(situation: Situation) -> list[Action]:
    """Return what ought to be, in the order to carry it out, each action_id once; also what was written before."""
    ought: dict[str, Action] = {}
    for action in _all_rules(situation):
        ought.setdefault(action.action_id, action)
    return sorted(ought.values(), key=lambda action: action.order)


def _all_rules(situation: Situation) -> Iterator[Action]:
    yield from _review_flawed(situation)
    for estate in situation.fold.estates:
        if estate.state is EstateState.OPEN:
            yield from _block(situation, estate)
        elif estate.state is EstateState.DELETED:
            yield from _reopen(situation, estate)
    for sletting in situation.fold.orphan_slettinger:
        yield from _tell(situation, sletting, ActionKind.REVIEW, Reason.SLETTING_WITHOUT_OPENING)
    yield from _tell_of_endings(situation)


def _review_flawed(situation: Situation) -> Iterator[Action]:
    """Tell of a flawed notice whom it matches, and whom its opening matched or blocked: a linked unit stands there only."""
    for notice in situation.notices:
        flaw = situation.flaws.get(notice.uuid)
        if flaw is None:
            continue
        opening = situation.opening_ended_by.get(notice.uuid, "")
        for match in (*situation.matches_of.get(notice.uuid, ()), *situation.matches_of.get(opening, ())):
            yield Action(ActionKind.REVIEW, match.customer_ref, None, notice, match.via, flaw)
        for block in situation.written_blocks.get(opening, ()):
            yield Action(ActionKind.REVIEW, block.customer_ref, None, notice, block.matched_via, flaw)


def _block(situation: Situation, estate: Estate) -> Iterator[Action]:
    opening = estate.opening
    if opening.uuid in situation.flaws:
        return
    for match in situation.matches_of.get(opening.uuid, ()):
        if match.doubt is not None:
            yield Action(ActionKind.REVIEW, match.customer_ref, None, opening, match.via, match.doubt)
        elif situation.accounts is None:
            yield _block_account(situation, opening, match, None, is_blocked=None)
        else:
            for account in situation.accounts.get(match.customer_ref, ()):
                yield _act_on_account(situation, opening, match, account)


_RELATION_REASONS: Final[Mapping[str, Reason]] = {
    Relation.CO_OWNER: Reason.CO_OWNED_ACCOUNT,
    Relation.DISPONENT: Reason.DISPONENT_ACCOUNT,
}
_ACCOUNT_NO_LENGTH: Final = 11


def _act_on_account(situation: Situation, opening: Notice, match: Match, account: Account) -> Action:
    if account.relation == Relation.OWNER and not account.is_flagged:
        return _block_account(situation, opening, match, account.account_no, is_blocked=account.is_blocked)
    reason = _RELATION_REASONS.get(account.relation, Reason.UNKNOWN_RELATION)
    if account.is_flagged and account.relation in set(Relation):
        reason = Reason.ACCOUNT_INVALID
    # A damaged number is not repeated to core banking: the row is then for the customer.
    digits = account.account_no
    is_writable = digits.isascii() and digits.isdecimal() and len(digits) == _ACCOUNT_NO_LENGTH
    account_no = digits if is_writable else None
    return Action(ActionKind.REVIEW, match.customer_ref, account_no, opening, match.via, reason)


def _block_account(
    situation: Situation, opening: Notice, match: Match, account_no: str | None, *, is_blocked: bool | None
) -> Action:
    block = Action(
        ActionKind.BLOCK,
        match.customer_ref,
        account_no,
        opening,
        match.via,
        Reason.ESTATE_OPEN,
        was_blocked=is_blocked,
    )
    if block.action_id not in situation.lifted:
        return block
    # An id is written once, ever: what was blocked and reopened cannot be blocked again for the same opening.
    reason = Reason.REOPENED_BUT_ESTATE_OPEN
    return Action(ActionKind.REVIEW, match.customer_ref, account_no, opening, match.via, reason, block.action_id)


def _reopen(situation: Situation, estate: Estate) -> Iterator[Action]:
    sletting = estate.changed_by
    if sletting is None or sletting.uuid in situation.flaws:
        return
    for block in situation.written_blocks.get(estate.opening.uuid, ()):
        if block.action_id in situation.lifted:
            continue
        obstacle = _obstacle_to_reopening(situation, block)
        kind = ActionKind.REOPEN if obstacle is None else ActionKind.REVIEW
        reason = obstacle or Reason.OPENING_DELETED
        yield Action(kind, block.customer_ref, block.account_no, sletting, block.matched_via, reason, block.action_id)


def _obstacle_to_reopening(situation: Situation, block: Issued) -> Reason | None:
    if block.status is ActionStatus.REJECTED:
        return Reason.BLOCK_WAS_REJECTED
    if block.was_blocked:
        return Reason.BLOCKED_BEFORE
    if block.customer_ref in situation.held_customers:
        return Reason.OTHER_ESTATE_OPEN
    return None


def _tell_of_endings(situation: Situation) -> Iterator[Action]:
    told = {
        NoticeType.OPPHEVING.value: (ActionKind.REVIEW, Reason.OPPHEVING),
        NoticeType.AVSLUTNING.value: (ActionKind.INFORM, Reason.AVSLUTNING),
    }
    for notice in situation.notices:
        if notice.type in told:
            yield from _tell(situation, notice, *told[notice.type], also=situation.opening_ended_by.get(notice.uuid))


def _tell(
    situation: Situation, notice: Notice, kind: ActionKind, reason: Reason, *, also: str | None = None
) -> Iterator[Action]:
    """Tell of `notice` each customer it matches, and each that the opening `also` matched (by a linked unit, say)."""
    if notice.uuid in situation.flaws:
        return
    own = situation.matches_of.get(notice.uuid, ())
    of_opening = situation.matches_of.get(also, ()) if also else ()
    for match in (*own, *of_opening):
        doubted = match.doubt is not None
        yield Action(
            ActionKind.REVIEW if doubted else kind,
            match.customer_ref,
            None,
            notice,
            match.via,
            match.doubt if match.doubt is not None else reason,
        )


@dataclass(frozen=True)
class Settlement:
    """What a run does with what ought to be: in order, `write` goes out, `hold` waits for release, `void` never goes."""

    write: tuple[Action, ...]
    hold: tuple[Action, ...]
    void: Mapping[str, str]


def settle(  # noqa: PLR0913 -- each is one thing the ledger knows, all by name
    ought: Sequence[Action],
    *,
    written: Iterable[str],
    held: Mapping[str, bool],
    states: Mapping[str, EstateState],
    held_openings: Mapping[str, str],
    max_blocks: int,
) -> Settlement:
    """Take what ought to be, less what was written, through the limit on BLOCK rows.

    `written`: action ids already in the outbox. `held`: held action id → whether a person released it. `states`: opening
    uuid → estate state, `held_openings`: held action id → opening uuid: both for the reason of a void.
    Of the BLOCK rows that are new, the first `max_blocks` in order go out and the rest is held; a released row does not
    count. A held row that is no longer asked for is void. REOPEN, REVIEW and INFORM are never held.
    """
    done = set(written)
    write: list[Action] = []
    hold: list[Action] = []
    room = max_blocks
    for action in ought:
        if action.action_id in done:
            continue
        is_new_block = action.kind is ActionKind.BLOCK and action.action_id not in held
        if action.kind is not ActionKind.BLOCK or held.get(action.action_id, False):
            write.append(action)
        elif is_new_block and room > 0:
            room -= 1
            write.append(action)
        elif is_new_block:
            hold.append(action)
    asked_for = {action.action_id for action in ought}
    void = {
        action_id: _why_void(states.get(held_openings[action_id])) for action_id in held if action_id not in asked_for
    }
    return Settlement(tuple(write), tuple(hold), void)


def _why_void(state: EstateState | None) -> str:
    ended = state is not None and state is not EstateState.OPEN
    return f"estate_{state.value}" if ended and state else "no_longer_asked_for"
