"""The policy: which actions the state asks for now. Pure, and on one screen, so that a case officer can read it.

The actions follow from the estates, the matches, the accounts and the rows written before. A run writes those that were
not written before (`settlement`). So replays, crashes, late notices and a changed register end in the same place.

docs/decision-table.md explains each reason. A `…` adds a condition to the row above it:

| when | action | reasons |
|---|---|---|
| an estate is open, and its customer owns the account | BLOCK | estate_open |
| … the match is doubtful | REVIEW | the doubt |
| … the customer has no account in the file | REVIEW | no_account |
| … the account is co-owned, only disposed of, of unknown relation, or damaged | REVIEW | co_owned_account, … |
| … the account has several owners, and the estate does not match all of them | REVIEW | several_owners |
| … the debtor is a person, and the account was opened after the ruling | REVIEW | opened_after_ruling |
| … we reopened it for a sletting that, as is known now, deletes another opening | REVIEW | reopened_but_estate_open |
| a sletting deletes an estate, and our BLOCK stands | REOPEN | opening_deleted |
| … core banking rejected our BLOCK | REVIEW | block_was_rejected |
| … somebody else had blocked the account before | REVIEW | blocked_before |
| … another open estate holds the customer or the account | REVIEW | other_estate_open |
| … another BLOCK of ours on the account is not lifted by a sletting | REVIEW | other_block_stands |
| … and a REVIEW was written because of that opening | REVIEW | reviewed_opening_deleted |
| a sletting of no known opening | REVIEW | sletting_without_opening |
| an oppheving on a customer | REVIEW | oppheving |
| an avslutning on a customer | INFORM | avslutning |
| a notice with an open quarantine entry (unknown type, contradiction, …) | REVIEW | the entry's reason |

After an estate ends, no new BLOCK is written. A written BLOCK stays until a sletting. An ending concerns each customer
that its own notice matches, and each that its opening matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from konkurs_pipeline.domain.actions.reasons import Reason
from konkurs_pipeline.domain.actions.rows import Action, ActionKind, ActionStatus, Issued
from konkurs_pipeline.domain.actions.situation import Account, Relation, Situation
from konkurs_pipeline.domain.estates import Estate, EstateState
from konkurs_pipeline.domain.identifiers import identify
from konkurs_pipeline.domain.matching import Match
from konkurs_pipeline.domain.notices import Notice, NoticeType
from konkurs_pipeline.domain.workdays import OSLO

POLICY_VERSION: Final = "2"
_ACCOUNT_NO_LENGTH: Final = 11
_NOT_OWNED: Final[Mapping[str, Reason]] = {
    Relation.CO_OWNER: Reason.CO_OWNED_ACCOUNT,
    Relation.DISPONENT: Reason.DISPONENT_ACCOUNT,
}
_ENDINGS: Final[Mapping[str, tuple[ActionKind, Reason]]] = {
    NoticeType.OPPHEVING: (ActionKind.REVIEW, Reason.OPPHEVING),
    NoticeType.AVSLUTNING: (ActionKind.INFORM, Reason.AVSLUTNING),
}


def decide_actions(situation: Situation) -> list[Action]:
    """Return the actions asked for now, written before or not, in the order to carry them out, each id once."""
    asked: dict[str, Action] = {}
    for action in _all_rules(situation):
        asked.setdefault(action.action_id, action)
    return sorted(asked.values(), key=lambda action: action.order)


def _all_rules(situation: Situation) -> Iterator[Action]:
    of_flawed = list(_review_flawed(situation))
    yield from of_flawed
    for estate in situation.fold.estates:
        if estate.state is EstateState.OPEN and estate.opening.uuid not in situation.flaws:
            yield from _act_on_open_estate(situation, estate.opening)
        elif situation.is_deleted(estate.opening.uuid):
            yield from _act_on_deleted_estate(situation, estate, of_flawed)
    for sletting in situation.fold.orphan_slettinger:
        yield from _inform(situation, sletting, ActionKind.REVIEW, Reason.SLETTING_WITHOUT_OPENING)
    for notice in situation.notices:
        if notice.type in _ENDINGS:
            yield from _inform(situation, notice, *_ENDINGS[notice.type])


# An estate is open


def _act_on_open_estate(situation: Situation, opening: Notice) -> Iterator[Action]:
    matches = situation.matches_of.get(opening.uuid, ())
    matched = frozenset(match.customer_ref for match in matches if match.doubt is None)
    for match in matches:
        if match.doubt is not None:
            yield _review(match, None, opening, match.doubt)
        elif situation.accounts is None:
            yield _block(situation, match, opening, None)
        elif not situation.accounts.get(match.customer_ref):
            yield _review(match, None, opening, Reason.NO_ACCOUNT)
        else:
            for account in situation.accounts[match.customer_ref]:
                reason = _reason_not_to_block(account, opening, matched)
                yield (
                    _review(match, _writable(account.account_no), opening, reason)
                    if reason
                    else _block(situation, match, opening, account)
                )


def _reason_not_to_block(account: Account, opening: Notice, matched: frozenset[str]) -> Reason | None:
    if account.relation not in set(Relation):
        return Reason.UNKNOWN_RELATION
    if account.is_flagged:
        return Reason.ACCOUNT_INVALID
    if account.relation in _NOT_OWNED:
        return _NOT_OWNED[account.relation]
    if not account.owners <= matched:
        return Reason.SEVERAL_OWNERS
    if _is_of_person(opening) and _is_opened_after(account, opening):
        return Reason.OPENED_AFTER_RULING
    return None


def _is_of_person(opening: Notice) -> bool:
    return identify(opening.debtor_id, synthetic_allowed=True).is_person


def _is_opened_after(account: Account, opening: Notice) -> bool:
    """Whether the account was opened after the ruling; without a ruling date, after the registration of the opening."""
    ruling_date = opening.ruling_date or opening.registered_at.astimezone(OSLO).date()
    return account.opened_at is not None and account.opened_at > ruling_date


def _block(situation: Situation, match: Match, opening: Notice, account: Account | None) -> Action:
    """Return the BLOCK; if it was written and lifted before, return a REVIEW, as an id is written once only."""
    number, was_blocked = (account.account_no, account.is_blocked) if account else (None, None)
    block = Action(
        ActionKind.BLOCK,
        match.customer_ref,
        number,
        opening,
        match.via,
        Reason.ESTATE_OPEN,
        was_blocked=was_blocked,
    )
    if not situation.is_lifted(block.action_id):
        return block
    return _review(match, number, opening, Reason.REOPENED_BUT_ESTATE_OPEN, caused_by=block.action_id)


def _writable(account_no: str) -> str | None:
    """Return the number, or null for a damaged one: the row is then for the customer as a whole."""
    digits = account_no.isascii() and account_no.isdecimal()
    return account_no if digits and len(account_no) == _ACCOUNT_NO_LENGTH else None


# A sletting deletes an estate


def _act_on_deleted_estate(situation: Situation, estate: Estate, of_flawed: Iterable[Action]) -> Iterator[Action]:
    """Yield a row for each row written because of the opening. `of_flawed`: the REVIEWs of flawed notices, asked now."""
    sletting, opening = estate.changed_by, estate.opening.uuid
    if sletting is None:
        return
    for block in situation.standing_blocks_of(opening):
        obstacle = _obstacle_to_reopening(situation, block)
        kind = ActionKind.REVIEW if obstacle else ActionKind.REOPEN
        yield _follow_up(block, kind, sletting, obstacle or Reason.OPENING_DELETED)
    # If a flawed opening and its sletting come in one poll, whoever gets the REVIEW of the one gets the REVIEW of the
    # other.
    asked_now = (review for review in of_flawed if review.notice.uuid == opening)
    for review in (*situation.written_reviews.get(opening, ()), *asked_now):
        yield _follow_up(review, ActionKind.REVIEW, sletting, Reason.REVIEWED_OPENING_DELETED)


def _obstacle_to_reopening(situation: Situation, block: Issued) -> Reason | None:
    if block.status is ActionStatus.REJECTED:
        return Reason.BLOCK_WAS_REJECTED
    if block.action_id in situation.blocked_by_others:
        return Reason.BLOCKED_BEFORE
    on_account = (block, *situation.other_blocks_on(block))
    if any(one.customer_ref in situation.held_customers for one in on_account):
        return Reason.OTHER_ESTATE_OPEN
    if not all(situation.is_deleted(one.notice_uuid) for one in on_account):
        return Reason.OTHER_BLOCK_STANDS
    return None


def _follow_up(issued: Issued | Action, kind: ActionKind, notice: Notice, reason: Reason) -> Action:
    return Action(
        kind, issued.customer_ref, issued.account_no, notice, issued.matched_via, reason, caused_by=issued.action_id
    )


# Notices that only inform, and flawed notices


def _inform(situation: Situation, notice: Notice, kind: ActionKind, reason: Reason) -> Iterator[Action]:
    """Yield a row for each customer that the notice matches, or that the opening it ended matches."""
    if notice.uuid in situation.flaws:
        return
    for match in _matches_of_notice_and_opening(situation, notice):
        if match.doubt is not None:
            yield _review(match, None, notice, match.doubt)
        else:
            yield Action(kind, match.customer_ref, None, notice, match.via, reason)


def _review_flawed(situation: Situation) -> Iterator[Action]:
    """Yield a REVIEW of each flawed notice, for each customer that the notice or its opening matches or has a row for."""
    for notice in situation.notices:
        flaw = situation.flaws.get(notice.uuid)
        if flaw is None:
            continue
        for match in _matches_of_notice_and_opening(situation, notice):
            yield _review(match, None, notice, flaw)
        opening = situation.opening_ended_by.get(notice.uuid, "")
        written = (situation.written_blocks, situation.written_reviews)
        for issued in (row for rows in written for row in rows.get(opening, ())):
            yield Action(ActionKind.REVIEW, issued.customer_ref, None, notice, issued.matched_via, flaw)


def _matches_of_notice_and_opening(situation: Situation, notice: Notice) -> Iterable[Match]:
    """Return one match for each customer of a notice or of the opening it ended, if possible one without a doubt.

    Only the opening's document may name a linked unit.
    """
    opening = situation.opening_ended_by.get(notice.uuid, "")
    found: dict[str, Match] = {}
    for match in (*situation.matches_of.get(notice.uuid, ()), *situation.matches_of.get(opening, ())):
        known = found.get(match.customer_ref)
        if known is None or (known.doubt is not None and match.doubt is None):
            found[match.customer_ref] = match
    return found.values()


def _review(
    match: Match, account_no: str | None, notice: Notice, reason: str, *, caused_by: str | None = None
) -> Action:
    return Action(ActionKind.REVIEW, match.customer_ref, account_no, notice, match.via, reason, caused_by=caused_by)
