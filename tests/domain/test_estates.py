"""The fold against a table of cases, and against a second fold written from docs/outbox.md alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkurs_pipeline.domain.estates import EstateState, Fold, fold_estates
from konkurs_pipeline.domain.notices import Notice
from tests.domain.invented import (
    COMPANY,
    OTHER_COMPANY,
    PERSON,
    aapning,
    avslutning,
    brreg_notices,
    notice,
    oppheving,
    sletting,
    uuid_of,
)

OPEN, DELETED, REVOKED, CLOSED = EstateState.OPEN, EstateState.DELETED, EstateState.REVOKED, EstateState.CLOSED
TYPES = ["aapning", "sletting", "oppheving", "avslutning", "gjenaapning"]


@st.composite
def notice_sets(draw: st.DrawFn) -> list[Notice]:
    """Draw a few notices of few debtors, close in time, so that equal times and all orders of types are likely."""
    kinds = draw(st.lists(st.sampled_from(TYPES), max_size=12))
    return [
        notice(kind, f"{chr(97 + n)}{n}", draw(st.integers(0, 6)), draw(st.sampled_from([COMPANY, PERSON])))
        for n, kind in enumerate(draw(st.permutations(kinds)))
    ]


def states_of(fold: Fold) -> dict[str, tuple[str, str | None]]:
    return {e.opening.uuid: (e.state.value, e.changed_by.uuid if e.changed_by else None) for e in fold.estates}


def by_the_documentation(notices: Sequence[Notice]) -> tuple[dict[str, tuple[str, str | None]], list[str]]:
    """Fold by docs/outbox.md word by word: each ending looks back over earlier notices, newest first."""
    states: dict[str, tuple[str, str | None]] = {}
    orphans: list[str] = []
    in_time = sorted(notices, key=lambda n: (n.registered_at, n.uuid))
    for place, now in enumerate(in_time):
        if now.type == "aapning":
            states[now.uuid] = ("open", None)
            continue
        earlier = [n.uuid for n in in_time[:place] if n.type == "aapning" and n.debtor_id == now.debtor_id]
        if now.type == "sletting":
            deletable = [opening for opening in earlier if states[opening][0] != "deleted"]
            if deletable:
                states[deletable[-1]] = ("deleted", now.uuid)
            else:
                orphans.append(now.uuid)
        elif now.type in {"oppheving", "avslutning"}:
            still_open = [opening for opening in earlier if states[opening][0] == "open"]
            if still_open:
                states[still_open[-1]] = ("revoked" if now.type == "oppheving" else "closed", now.uuid)
    return states, orphans


@given(notices=notice_sets(), data=st.data())
def test_any_order_of_arrival_gives_the_same_estates(notices: list[Notice], data: st.DataObject) -> None:
    assert fold_estates(data.draw(st.permutations(notices))) == fold_estates(notices)


@given(notices=notice_sets())
def test_the_fold_agrees_with_the_documentation(notices: list[Notice]) -> None:
    fold = fold_estates(iter(notices))

    assert (states_of(fold), [n.uuid for n in fold.orphan_slettinger]) == by_the_documentation(notices)


@given(notices=notice_sets())
def test_each_opening_is_one_estate_and_no_sletting_vanishes(notices: list[Notice]) -> None:
    fold = fold_estates(notices)

    assert sorted(e.opening.uuid for e in fold.estates) == sorted(n.uuid for n in notices if n.type == "aapning")
    assert [e.opening.order for e in fold.estates] == sorted(e.opening.order for e in fold.estates)
    slettinger = {n.uuid for n in notices if n.type == "sletting"}
    used = {e.changed_by.uuid for e in fold.estates if e.changed_by and e.state is DELETED}
    assert used | {n.uuid for n in fold.orphan_slettinger} == slettinger


@given(notices=notice_sets())
def test_one_debtors_notices_do_not_change_anothers_estates(notices: list[Notice]) -> None:
    alone = fold_estates(n for n in notices if n.debtor_id == PERSON)

    assert [e for e in fold_estates(notices).estates if e.opening.debtor_id == PERSON] == list(alone.estates)


@pytest.mark.parametrize(
    ("notices", "expected", "why"),
    [
        pytest.param([aapning("a", 0)], {"a": (OPEN, None)}, "an aapning opens", id="opening"),
        pytest.param(
            [aapning("a", 0), sletting("s", 10)],
            {"a": (DELETED, "s")},
            "910425463 on 8 June 2018, ten minutes later",
            id="deleted",
        ),
        pytest.param(
            [sletting("s", 0), aapning("a", 10)],
            {"a": (OPEN, None)},
            "a sletting applies to an opening before it, never after",
            id="sletting_before_its_opening",
        ),
        pytest.param(
            [aapning("a", 0), aapning("b", 5), sletting("s", 10)],
            {"a": (OPEN, None), "b": (DELETED, "s")},
            "the latest of two standing",
            id="two_standing_one_deleted",
        ),
        pytest.param(
            [aapning("a", 0), aapning("b", 5), sletting("s", 10), sletting("t", 11)],
            {"a": (DELETED, "t"), "b": (DELETED, "s")},
            "then the one before it",
            id="two_standing_both_deleted",
        ),
        pytest.param(
            [aapning("a", 0), sletting("s", 10), aapning("b", 20)],
            {"a": (DELETED, "s"), "b": (OPEN, None)},
            "a case of its own",
            id="opened_again_after_a_sletting",
        ),
        pytest.param(
            [aapning("a", 0), avslutning("c", 5), sletting("s", 10)],
            {"a": (DELETED, "s")},
            "not already deleted is what counts, not open",
            id="sletting_of_a_closed_estate",
        ),
        pytest.param(
            [aapning("a", 0), oppheving("o", 5), sletting("s", 10)],
            {"a": (DELETED, "s")},
            "the same for one that was revoked",
            id="sletting_of_a_revoked_estate",
        ),
        pytest.param(
            [aapning("a", 0), aapning("b", 1), avslutning("c", 5), sletting("s", 10)],
            {"a": (OPEN, None), "b": (DELETED, "s")},
            "the latest opening, although an earlier one is open",
            id="sletting_takes_the_latest_not_the_latest_open",
        ),
        pytest.param(
            [aapning("a", 0), aapning("b", 1), oppheving("o", 5), oppheving("p", 6)],
            {"a": (REVOKED, "p"), "b": (REVOKED, "o")},
            "an oppheving takes the latest that is open",
            id="two_revoked",
        ),
        pytest.param(
            [aapning("a", 0), sletting("s", 5), avslutning("c", 6)],
            {"a": (DELETED, "s")},
            "nothing open is left to close",
            id="closing_after_a_sletting",
        ),
        pytest.param(
            [aapning("a", 0), avslutning("c", 5), oppheving("o", 6)],
            {"a": (CLOSED, "c")},
            "nothing open is left to revoke",
            id="revoking_after_a_closing",
        ),
        pytest.param(
            [aapning("a", 0), oppheving("o", 5), avslutning("c", 6)],
            {"a": (REVOKED, "o")},
            "nothing open is left to close",
            id="closing_after_a_revoking",
        ),
        pytest.param([oppheving("o", 0), avslutning("c", 1)], {}, "endings open nothing", id="endings_alone"),
        pytest.param(
            [aapning("a", 0), sletting("s", 10, OTHER_COMPANY)],
            {"a": (OPEN, None)},
            "another debtor's",
            id="anothers_sletting",
        ),
        pytest.param(
            [aapning("a", 0), sletting("b", 0)],
            {"a": (DELETED, "b")},
            "at equal times the uuid says which comes first",
            id="equal_times_opening_first",
        ),
        pytest.param(
            [aapning("b", 0), sletting("a", 0)],
            {"b": (OPEN, None)},
            "at equal times the uuid says which comes first",
            id="equal_times_sletting_first",
        ),
        pytest.param(
            [aapning("a", 0), notice("gjenaapning", "g", 5), notice("AAPNING", "h", 6), notice("", "i", 7)],
            {"a": (OPEN, None)},
            "a person looks at an unknown type; the state does not move",
            id="unknown_types",
        ),
    ],
)
def test_the_notices_decide_the_state_of_an_opening(
    notices: list[Notice], expected: dict[str, tuple[EstateState, str | None]], why: str
) -> None:
    by_uuid = {
        uuid_of(opening): (state.value, uuid_of(ender) if ender else None)
        for opening, (state, ender) in expected.items()
    }

    assert states_of(fold_estates(notices)) == by_uuid, why
    assert states_of(fold_estates(reversed(notices))) == by_uuid, "arrival in the other order"


@pytest.mark.parametrize(
    ("notices", "orphans"),
    [
        pytest.param([sletting("s", 0), aapning("a", 10)], ["s"], id="before_its_opening"),
        pytest.param([aapning("a", 0), sletting("s", 5), sletting("t", 6)], ["t"], id="one_too_many"),
        pytest.param([aapning("a", 0, OTHER_COMPANY), sletting("s", 5)], ["s"], id="another_debtors_opening"),
        pytest.param([oppheving("o", 0), avslutning("c", 1)], [], id="only_slettinger_need_an_opening"),
    ],
)
def test_a_sletting_without_an_opening_is_kept_for_a_person(notices: list[Notice], orphans: list[str]) -> None:
    assert [n.uuid for n in fold_estates(notices).orphan_slettinger] == [uuid_of(name) for name in orphans]


def test_the_state_begins_when_its_notice_was_registered() -> None:
    standing, deleted = fold_estates([aapning("a", 0), aapning("b", 5), sletting("s", 30)]).estates

    assert standing.state_since == standing.opening.registered_at
    assert deleted.state_since == deleted.opening.registered_at + dt.timedelta(minutes=25)


def test_brregs_fifteen_notices_end_five_estates_and_leave_the_others_open() -> None:
    fold = fold_estates(brreg_notices())

    ended = {e.opening.debtor_id: e.state for e in fold.estates if e.state is not OPEN}
    assert ended == {
        "910425463": DELETED,
        "08086002265": DELETED,
        "19020101140": REVOKED,
        "910018469": REVOKED,
        "910375237": CLOSED,
    }
    assert sum(e.state is OPEN for e in fold.estates) == 5
    assert not fold.orphan_slettinger


def test_no_notices_make_no_estates() -> None:
    assert fold_estates([]) == Fold((), ())
