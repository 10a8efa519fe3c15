"""Notices in any order and any portions give the same estates. Every open estate ends blocked, no deleted one does.

The tests call `decide_actions` and `settle` in memory. A poll folds the known notices and drops actions already written.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from konkurs_pipeline.domain.actions.policy import decide_actions
from konkurs_pipeline.domain.actions.rows import Action, ActionKind, Issued
from konkurs_pipeline.domain.actions.settlement import settle
from konkurs_pipeline.domain.actions.situation import Account, Situation
from konkurs_pipeline.domain.estates import EstateState, fold_estates
from konkurs_pipeline.domain.matching import Match, MatchedVia
from konkurs_pipeline.domain.notices import Notice, NoticeType
from tests.domain.invented import issued_as

START = dt.datetime(2018, 9, 3, 8, tzinfo=dt.UTC)
DEBTORS = ("first", "second")
ACCOUNTS: Mapping[str, Sequence[Account]] = {
    debtor: [Account(f"0000000000{n}", "owner", is_blocked=False)] for n, debtor in enumerate(DEBTORS)
}


@st.composite
def notice_sets(draw: st.DrawFn) -> list[Notice]:
    """Draw some notices of two debtors, several with the same time, so that the uuid decides their order."""
    drawn = draw(
        st.lists(st.tuples(st.sampled_from(DEBTORS), st.sampled_from(list(NoticeType)), st.integers(0, 4)), max_size=8)
    )
    made = []
    for n, (debtor, kind, minute) in enumerate(drawn):
        at = START + dt.timedelta(minutes=minute)
        uid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{n}"))
        made.append(Notice(uid, kind.value, at, at.isoformat(), at.date(), debtor))
    return made


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Notice], list[list[Notice]]]:
    """Draw a set of notices, and one way in which they arrive: shuffled, in portions, some of them empty."""
    notices = draw(notice_sets())
    shuffled = draw(st.permutations(notices))
    cuts = sorted(draw(st.lists(st.integers(0, len(notices)), max_size=4)))
    edges = [0, *cuts, len(notices)]
    return notices, [list(shuffled[a:b]) for a, b in pairwise(edges)]


class Core:
    """The bank over several polls: its written rows, and the accounts that core banking has blocked for us."""

    def __init__(self) -> None:
        self.known: list[Notice] = []
        self.portions: list[Sequence[Notice]] = []
        self.issued: list[Issued] = []
        self.written: list[Action] = []

    def poll(self, arrived: Sequence[Notice]) -> tuple[Action, ...]:
        self.known += arrived
        self.portions.append(arrived)
        fold = fold_estates(self.known)
        matches = [Match(n.uuid, n.debtor_id, MatchedVia.DEBTOR) for n in self.known]
        situation = Situation(fold, self.known, matches, ACCOUNTS, {}, self.issued)
        settlement = settle(
            decide_actions(situation),
            written={action.action_id for action in self.written},
            held=(),
            states={},
            max_blocks=1000,
        )
        for action in settlement.write:
            self.written.append(action)
            self.issued.append(issued_as(action, seq=len(self.portions)))
        return settlement.write

    def blocked_for(self) -> set[str]:
        """Return the openings whose accounts are blocked: a BLOCK is written and no REOPEN of it."""
        lifted = {action.caused_by for action in self.written if action.kind is ActionKind.REOPEN}
        return {
            action.notice.uuid
            for action in self.written
            if action.kind is ActionKind.BLOCK and action.action_id not in lifted
        }

    def asked_a_person_about(self) -> set[str]:
        """Return the ids of BLOCKs with a REVIEW, and the openings whose reopening turned out wrong."""
        return {action.caused_by for action in self.written if action.kind is ActionKind.REVIEW and action.caused_by}


@given(arrivals())
@settings(max_examples=150, deadline=None)
def test_any_order_and_split_of_arrival_gives_the_same_estates(
    arrival: tuple[list[Notice], list[list[Notice]]],
) -> None:
    notices, portions = arrival
    core = Core()
    for portion in portions:
        core.poll(portion)
    assert fold_estates(core.known) == fold_estates(notices)


@given(arrivals())
@settings(max_examples=150, deadline=None)
def test_open_estates_end_blocked_and_deleted_ones_reopened_unless_a_review_was_written(
    arrival: tuple[list[Notice], list[list[Notice]]],
) -> None:
    notices, portions = arrival
    core = Core()
    for portion in portions:
        core.poll(portion)
    states = {estate.opening.uuid: estate.state for estate in fold_estates(notices).estates}
    asked = core.asked_a_person_about()
    ids = {a.notice.uuid: a.action_id for a in core.written if a.kind is ActionKind.BLOCK}
    for opening, state in states.items():
        is_blocked, is_asked = opening in core.blocked_for(), ids.get(opening) in asked
        if state is EstateState.OPEN:
            assert is_blocked or is_asked
        if state is EstateState.DELETED:
            assert not is_blocked or is_asked


@given(arrivals())
@settings(max_examples=100, deadline=None)
def test_a_poll_without_news_writes_nothing_and_no_id_is_written_twice(
    arrival: tuple[list[Notice], list[list[Notice]]],
) -> None:
    core = Core()
    for portion in arrival[1]:
        core.poll(portion)
        assert core.poll(()) == ()
    ids = [action.action_id for action in core.written]
    assert len(ids) == len(set(ids))


@given(notice_sets())
@settings(max_examples=100, deadline=None)
def test_a_first_run_over_all_notices_writes_no_block_for_an_ended_estate(
    notices: list[Notice],
) -> None:
    core = Core()
    core.poll(notices)
    is_open = {e.opening.uuid for e in fold_estates(notices).estates if e.state is EstateState.OPEN}
    assert {a.notice.uuid for a in core.written if a.kind is ActionKind.BLOCK} == is_open
    assert [a for a in core.written if a.kind is ActionKind.REOPEN] == []
