"""Several runs over arriving notices: in any order and any portions, each account ends in its right state.

A `Bank` is a small ledger in memory: each run gets the rows that earlier runs wrote, held and voided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.brreg.simulator.population import random_account_no
from konkurs_pipeline.domain.actions.policy import decide_actions
from konkurs_pipeline.domain.actions.rows import Action, ActionKind, ActionStatus
from konkurs_pipeline.domain.actions.settlement import HeldBlock, Settlement, settle
from konkurs_pipeline.domain.actions.situation import Account, Situation
from konkurs_pipeline.domain.estates import Estate, EstateState, fold_estates
from konkurs_pipeline.domain.matching import Doubt, Match, MatchedVia
from konkurs_pipeline.domain.notices import Notice
from tests.domain.invented import COMPANY, OTHER_COMPANY, PERSON, issued_as, notice

NUMBERS = [random_account_no(Random(n)) for n in range(6)]  # noqa: S311 -- invented, no secret
CUSTOMERS = ["C1", "C2", "C3"]
DEBTORS = [COMPANY, OTHER_COMPANY, PERSON]
NO_LIMIT = 1000


@dataclass(frozen=True)
class World:
    """The drawn world: all notices, the customers they match, and the accounts of those customers."""

    notices: list[Notice]
    matches: list[Match]
    accounts: Mapping[str, Sequence[Account]] | None
    flaws: Mapping[str, str]
    rejected: frozenset[str]


@dataclass
class Row:
    action: Action
    status: ActionStatus
    is_released: bool = False
    run: int = 0


@dataclass
class Bank:
    """A small ledger in memory, over a world of which `arrived` has been read."""

    world: World
    max_blocks: int = NO_LIMIT
    arrived: list[Notice] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    runs: int = 0

    @property
    def situation(self) -> Situation:
        seen = {notice.uuid for notice in self.arrived}
        return Situation(
            fold_estates(self.arrived),
            self.arrived,
            [match for match in self.world.matches if match.notice_uuid in seen],
            self.world.accounts,
            {uid: flaw for uid, flaw in self.world.flaws.items() if uid in seen},
            [issued_as(row.action, row.status, seq=row.run) for row in self.rows.values()],
        )

    def run(self, more: Sequence[Notice] = ()) -> Settlement:
        """Poll, decide and hand over, as one run does."""
        self.arrived += more
        self.runs += 1
        situation = self.situation
        held = {uid: row for uid, row in self.rows.items() if row.status is ActionStatus.HELD}
        done = settle(
            decide_actions(situation),
            written=self.written,
            held=[HeldBlock(uid, row.action.notice.uuid, row.is_released) for uid, row in held.items()],
            states={e.opening.uuid: e.state for e in situation.fold.estates},
            max_blocks=self.max_blocks,
        )
        self._keep(done)
        return done

    def release_all(self) -> None:
        for row in self.rows.values():
            row.is_released = True

    @property
    def written(self) -> set[str]:
        return {uid for uid, row in self.rows.items() if row.status not in {ActionStatus.HELD, ActionStatus.VOID}}

    def written_of(self, kind: ActionKind) -> list[Action]:
        return [self.rows[uid].action for uid in self.written if self.rows[uid].action.kind is kind]

    def _keep(self, done: Settlement) -> None:
        for action in done.write:
            assert action.action_id not in self.written, "an id is written once, ever"
            is_rejected = action.kind is ActionKind.BLOCK and action.account_no in self.world.rejected
            status = ActionStatus.REJECTED if is_rejected else ActionStatus.EXPORTED
            self.rows[action.action_id] = Row(action, status, run=self.runs)
        for action in done.hold:
            assert action.kind is ActionKind.BLOCK, "only a BLOCK is ever held"
            assert action.action_id not in self.written
            self.rows[action.action_id] = Row(action, ActionStatus.HELD, run=self.runs)
        for uid, reason in done.void.items():
            assert reason
            self.rows[uid].status = ActionStatus.VOID


@st.composite
def worlds(draw: st.DrawFn) -> World:
    kinds = st.sampled_from(["aapning", "aapning", "sletting", "sletting", "oppheving", "avslutning", "gjenaapning"])
    drawn = draw(st.lists(st.tuples(kinds, st.integers(0, 9), st.sampled_from(DEBTORS)), min_size=1, max_size=9))
    notices = [notice(kind, f"{chr(97 + n)}{n}", minute, debtor) for n, (kind, minute, debtor) in enumerate(drawn)]
    flaws = {n.uuid: "unknown_type" for n in notices if n.type == "gjenaapning"}
    flaws |= {n.uuid: "changed_notice" for n in notices if draw(st.integers(0, 9)) == 0}
    return World(
        notices,
        [match for n in notices for match in draw(_matches_of(n))],
        draw(st.none() | st.fixed_dictionaries({ref: st.lists(_accounts, max_size=3) for ref in CUSTOMERS})),
        flaws,
        draw(st.frozensets(st.sampled_from(NUMBERS), max_size=1)),
    )


@st.composite
def _matches_of(draw: st.DrawFn, notice: Notice) -> list[Match]:
    refs = draw(st.lists(st.sampled_from(CUSTOMERS), max_size=2, unique=True))
    doubts = st.none() | st.none() | st.sampled_from(list(Doubt))
    return [Match(notice.uuid, ref, draw(st.sampled_from(list(MatchedVia))), draw(doubts)) for ref in refs]


_accounts = st.builds(
    Account,
    st.sampled_from(NUMBERS),
    st.sampled_from(["owner", "owner", "co_owner", "disponent", "verge"]),
    st.sampled_from([None, None, False, True]),
    st.sampled_from([False, False, False, True]),
)


def split(draw: st.DataObject, notices: Sequence[Notice]) -> list[list[Notice]]:
    """Return the notices in any order, in any portions, also empty ones."""
    order = draw.draw(st.permutations(notices))
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(order)), max_size=4)))
    edges = [0, *cuts, len(order)]
    return [list(order[start:end]) for start, end in pairwise(edges)]


def bank_after_all(world: World, draw: st.DataObject, max_blocks: int = NO_LIMIT) -> Bank:
    """Return the bank once everything has arrived, every held row is released and nothing is left to do."""
    bank = Bank(world, max_blocks)
    for portion in split(draw, world.notices):
        bank.run(portion)
        if draw.draw(st.booleans()):
            bank.release_all()
    while bank.run().hold or any(row.status is ActionStatus.HELD for row in bank.rows.values()):
        bank.release_all()
    return bank


def blocks_asked_for(bank: Bank, estate: Estate) -> set[tuple[str, str | None]]:
    """Return whose accounts the open estates ask to block, from the world alone."""
    world = bank.world
    if estate.opening.uuid in world.flaws:
        return set()
    certain = {m.customer_ref for m in world.matches if m.notice_uuid == estate.opening.uuid and m.doubt is None}
    if world.accounts is None:
        return {(ref, None) for ref in certain}
    return {
        (ref, account.account_no)
        for ref in certain
        for account in world.accounts[ref]
        if account.relation == "owner" and not account.is_flagged
    }


@given(world=worlds(), draw=st.data(), max_blocks=st.sampled_from([0, 1, 3, NO_LIMIT]))
def test_everything_open_ends_blocked(world: World, draw: st.DataObject, max_blocks: int) -> None:
    """There is one exception: a sletting reopened the account and later turned out to be of another opening."""
    bank = bank_after_all(world, draw, max_blocks)
    reopened = {action.caused_by for action in bank.written_of(ActionKind.REOPEN)}
    reviewed = {
        action.caused_by for action in bank.written_of(ActionKind.REVIEW) if action.reason == "reopened_but_estate_open"
    }

    for estate in bank.situation.fold.estates:
        if estate.state is not EstateState.OPEN:
            continue
        blocks = {
            (a.customer_ref, a.account_no): a.action_id
            for a in bank.written_of(ActionKind.BLOCK)
            if a.notice == estate.opening
        }
        for target in blocks_asked_for(bank, estate):
            assert target in blocks
            assert blocks[target] not in reopened or blocks[target] in reviewed


@given(world=worlds(), draw=st.data(), max_blocks=st.sampled_from([0, 1, NO_LIMIT]))
def test_nothing_deleted_ends_blocked(world: World, draw: st.DataObject, max_blocks: int) -> None:
    """If a reopening would be wrong, or the sletting is flawed, a REVIEW is written instead."""
    bank = bank_after_all(world, draw, max_blocks)
    estates = bank.situation.fold.estates
    open_now = {e.opening.uuid for e in estates if e.state is EstateState.OPEN}
    lifted = {action.caused_by for action in bank.written_of(ActionKind.REOPEN)}
    holding = {m.customer_ref for m in world.matches if m.notice_uuid in open_now} | {
        a.customer_ref
        for a in bank.written_of(ActionKind.BLOCK)
        if a.notice.uuid in open_now and a.action_id not in lifted
    }

    def written(kind: ActionKind, sletting: Notice, ref: str, account_no: str | None) -> bool:
        probe = Action(kind, ref, account_no, sletting, MatchedVia.DEBTOR, "any")
        return probe.action_id in bank.written

    for estate in estates:
        if estate.state is not EstateState.DELETED:
            continue
        sletting = estate.changed_by
        assert sletting is not None
        for block in bank.written_of(ActionKind.BLOCK):
            if block.notice != estate.opening or block.action_id in lifted:
                continue
            ref, account_no = block.customer_ref, block.account_no
            if sletting.uuid in world.flaws:
                assert written(ActionKind.REVIEW, sletting, ref, None)
            elif block.was_blocked or ref in holding or account_no in world.rejected:
                assert written(ActionKind.REVIEW, sletting, ref, account_no)
            else:
                assert written(ActionKind.REOPEN, sletting, ref, account_no)


@given(world=worlds(), draw=st.data())
def test_a_sletting_reopens_only_blocks_of_the_debtors_openings_before_it(world: World, draw: st.DataObject) -> None:
    bank = bank_after_all(world, draw)
    blocks = {action.action_id: action for action in bank.written_of(ActionKind.BLOCK)}

    for reopen in bank.written_of(ActionKind.REOPEN):
        assert reopen.caused_by is not None
        block = blocks[reopen.caused_by]
        assert (block.customer_ref, block.account_no) == (reopen.customer_ref, reopen.account_no)
        assert block.notice.debtor_id == reopen.notice.debtor_id
        assert block.notice.order < reopen.notice.order
        assert reopen.notice.type == "sletting"
        assert not block.was_blocked
        assert reopen.notice.uuid not in world.flaws


@given(world=worlds(), draw=st.data(), max_blocks=st.sampled_from([0, 1, NO_LIMIT]))
def test_a_second_run_over_the_same_input_does_nothing(world: World, draw: st.DataObject, max_blocks: int) -> None:
    bank = Bank(world, max_blocks)

    for portion in split(draw, world.notices):
        bank.run(portion)
        assert bank.run() == Settlement((), (), {})


@given(world=worlds(), draw=st.data())
def test_any_two_splits_end_with_the_same_estates_and_ask_for_the_same_accounts(
    world: World, draw: st.DataObject
) -> None:
    """Blocks that were lifted on the way may differ: a bank that polls late never blocks for an ended estate."""
    one, other = bank_after_all(world, draw), bank_after_all(world, draw)

    assert one.situation.fold == other.situation.fold
    assert _standing(one) == _standing(other)


def _standing(bank: Bank) -> set[tuple[str, str, str | None]]:
    open_now = {e.opening.uuid for e in bank.situation.fold.estates if e.state is EstateState.OPEN}
    blocks = bank.written_of(ActionKind.BLOCK)
    return {(a.notice.uuid, a.customer_ref, a.account_no) for a in blocks if a.notice.uuid in open_now}


@given(world=worlds(), draw=st.data(), max_blocks=st.integers(0, 3))
def test_no_run_writes_more_new_blocks_than_the_limit(world: World, draw: st.DataObject, max_blocks: int) -> None:
    bank = Bank(world, max_blocks)
    for portion in split(draw, world.notices):
        done = bank.run(portion)

        written = [action for action in done.write if action.kind is ActionKind.BLOCK]
        assert len(written) <= max_blocks
        assert not done.hold or len(written) == max_blocks
        assert not done.hold or max(a.order for a in written[-1:] or done.hold[:1]) <= done.hold[0].order


@given(world=worlds(), draw=st.data())
def test_a_held_block_is_void_while_it_is_not_asked_for_and_is_held_again_when_it_is(
    world: World, draw: st.DataObject
) -> None:
    bank = Bank(world, max_blocks=0)
    for portion in split(draw, world.notices):
        bank.run(portion)
        open_now = [e for e in bank.situation.fold.estates if e.state is EstateState.OPEN]
        asked = {(e.opening.uuid, *target) for e in open_now for target in blocks_asked_for(bank, e)}

        kept = {
            status: {
                (row.action.notice.uuid, row.action.customer_ref, row.action.account_no)
                for row in bank.rows.values()
                if row.action.kind is ActionKind.BLOCK and row.status is status
            }
            for status in ActionStatus
        }
        assert kept[ActionStatus.HELD] == asked
        assert kept[ActionStatus.VOID].isdisjoint(asked)
        assert not kept[ActionStatus.EXPORTED]


@given(world=worlds(), draw=st.data())
def test_rows_are_written_in_the_order_to_carry_them_out(world: World, draw: st.DataObject) -> None:
    bank = Bank(world)
    for portion in split(draw, world.notices):
        orders = [action.order for action in bank.run(portion).write]
        assert orders == sorted(orders)


@given(world=worlds(), draw=st.data())
def test_every_notice_about_a_customer_gives_a_row_or_asks_for_none(world: World, draw: st.DataObject) -> None:
    """A flawed or orphaned notice, an oppheving or an avslutning of a customer never vanishes."""
    bank = bank_after_all(world, draw)
    written_about = {(a.notice.uuid, a.customer_ref) for kind in ActionKind for a in bank.written_of(kind)}
    orphans = {n.uuid for n in bank.situation.fold.orphan_slettinger}

    for match in world.matches:
        (about,) = [n for n in world.notices if n.uuid == match.notice_uuid]
        if about.uuid in world.flaws or about.uuid in orphans or about.type in {"oppheving", "avslutning"}:
            assert (about.uuid, match.customer_ref) in written_about
