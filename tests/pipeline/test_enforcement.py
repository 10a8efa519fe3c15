"""A block must hold: the next register is compared with core banking's receipts (docs/outbox.md, 8)."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.status import current_status
from konkurs_pipeline.receiver.receiver import receive
from konkurs_pipeline.storage.handoff.enforcement import refresh
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import FRIDAY, MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Bank, company

COLUMNS = [
    *("action_id", "customer_ref", "account_no", "action", "status", "confirmed_at"),
    *("register_says_blocked", "register_accepted_at", "holds"),
]


@pytest.fixture(scope="module")
def blocked(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank whose one BLOCK core banking carried out."""
    bank = new_bank(tmp_path_factory.mktemp("blocked"))
    bank.customer("K-1", company("firm"))
    bank.notice("aapning", company("firm"))
    bank.poll(MONDAY)
    carry_out(bank)
    bank.poll(TUESDAY)
    return bank


@pytest.fixture
def story(blocked: Bank, bank: Bank) -> Bank:
    """Return a bank that stands where `blocked` stands."""
    return bank.go_on_from(blocked)


def carry_out(bank: Bank) -> None:
    """Let core banking carry out every file, now."""
    assert all(
        answer.refused is None for answer in receive(bank.settings.outbox_dir, bank.settings.receipts_dir, utc_now())
    )


def register_says(bank: Bank, is_blocked: str) -> None:
    """Let the next register say this of the customer's account."""
    assert bank.accounts is not None
    bank.accounts = [(number, ref, relation, is_blocked) for number, ref, relation, _ in bank.accounts]


def rows(bank: Bank) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(bank.layout.analyst_database), read_only=True) as con:
        return con.execute(
            "SELECT action, status, register_says_blocked, holds FROM enforcement ORDER BY action"
        ).fetchall()


def alarms(bank: Bank) -> list[str]:
    return [alarm["alarm"] for alarm in current_status(bank.settings, utc_now()).alarms]


def test_the_view_has_the_columns_of_the_contract(story: Bank) -> None:
    with duckdb.connect(str(story.layout.analyst_database), read_only=True) as con:
        assert [column[0] for column in con.execute("SELECT * FROM enforcement").description] == COLUMNS
        described = con.execute("SELECT * FROM alarms").description
        assert [column[0] for column in described] == ["kind", "severity", "raised_at", "cleared_at", "message"]
    assert rows(story) == [("BLOCK", "applied", False, None)], "the register is from before the block"
    assert "block_not_in_force" not in alarms(story)


@pytest.mark.parametrize(
    ("says", "row", "is_raised"),
    [
        ("false", ("BLOCK", "applied", False, False), True),
        ("true", ("BLOCK", "applied", True, True), False),
        ("", ("BLOCK", "applied", None, None), False),
    ],
)
def test_a_later_register_is_compared_with_an_applied_block(
    story: Bank,
    says: str,
    row: tuple[object, ...],
    is_raised: bool,  # noqa: FBT001 -- a case
) -> None:
    register_says(story, says)
    story.customer("K-2", company("another"))
    story.poll(WEDNESDAY)
    assert rows(story) == [row]
    assert ("block_not_in_force" in alarms(story)) is is_raised


def test_an_unchanged_register_delivered_later_shows_that_the_block_does_not_hold(story: Bank) -> None:
    path = story.settings.accounts
    copy = path.with_suffix(".new")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)
    story.poll(WEDNESDAY)
    assert rows(story) == [("BLOCK", "applied", False, False)]
    assert "block_not_in_force" in alarms(story)


def test_the_alarm_clears_when_the_register_has_the_block(story: Bank) -> None:
    story.customer("K-2", company("another"))
    story.poll(WEDNESDAY)
    assert "block_not_in_force" in alarms(story)
    register_says(story, "true")
    story.poll(THURSDAY)
    assert "block_not_in_force" not in alarms(story)


def test_a_later_register_is_compared_with_an_applied_reopening(story: Bank) -> None:
    story.notice("sletting", company("firm"), WEDNESDAY)
    story.poll(WEDNESDAY)
    carry_out(story)
    register_says(story, "true")
    story.poll(THURSDAY)
    assert rows(story) == [("BLOCK", "applied", True, None), ("REOPEN", "applied", True, False)]
    assert "reopen_not_in_force" in alarms(story)
    register_says(story, "false")
    story.poll(FRIDAY)
    assert rows(story)[1] == ("REOPEN", "applied", False, True)
    assert "reopen_not_in_force" not in alarms(story)


def test_an_account_that_left_the_register_is_no_evidence(story: Bank) -> None:
    story.customer("K-2", company("another"))
    assert story.accounts is not None
    story.accounts = story.accounts[1:]
    story.poll(WEDNESDAY)
    assert rows(story) == [("BLOCK", "applied", None, None)]


def test_the_views_join_by_their_keys(story: Bank) -> None:
    sql = """
    SELECT n.uuid = a.notice_uuid, n.registered_at = a.registered_at, r.outcome, f.file_id = r.file_id
    FROM actions a JOIN raw_notices n ON n.uuid = a.notice_uuid
    JOIN receipts r USING (seq) JOIN outbox_files f USING (seq)
    """
    with duckdb.connect(str(story.layout.analyst_database), read_only=True) as con:
        assert con.execute(sql).fetchall() == [(True, True, "taken", True)]


def test_unchanged_rows_are_not_written_again(story: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the table was written again")

    with story.store() as store, monkeypatch.context() as watched:
        watched.setattr(type(store.ledger), "append", refuse)
        refresh(store.ledger, store.snapshots.current())
