"""Questions to the store: is this party bankrupt and since when known, the status, and the verification of all files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from konkurs_pipeline.brreg.simulator.datasets import enk_of
from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.integrity import inspect
from konkurs_pipeline.enquiries.party.lookup import look_up
from konkurs_pipeline.enquiries.status import current_status
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, company, damaged, person

FIRM, DEBTOR, FORMER = company("firm"), person("debtor"), person("former")
ENDED = company("ended")


class Story:
    """A firm opened and deleted a day later; a person opened, a customer under a later number; and the times between."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        bank.customer("K-1", FIRM)
        bank.customer("K-2", person("now"), former=FORMER)
        self.before = utc_now()
        self.opening = bank.notice("aapning", FIRM, ruling_date=dt.date(2018, 8, 31))
        bank.notice("aapning", FORMER, ruling_date=dt.date(2016, 2, 29))
        bank.notice("aapning", DEBTOR)
        bank.notice("aapning", ENDED, ruling_date=dt.date(2018, 8, 30))
        bank.poll(MONDAY)
        self.blocked = utc_now()
        self.sletting = bank.notice("sletting", FIRM, TUESDAY)
        bank.notice("avslutning", ENDED, TUESDAY)
        bank.poll(TUESDAY)
        self.deleted = utc_now()


@pytest.fixture(scope="module")
def story(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(new_bank(tmp_path_factory.mktemp("enquiries")))


def test_before_the_first_poll_nothing_was_known(story: Story) -> None:
    finding = look_up(story.bank.layout, FIRM, story.before)
    assert (finding.is_bankrupt, finding.estates, finding.notices, finding.actions) == (False, [], [], [])


def test_as_of_monday_the_firm_was_bankrupt_and_its_account_blocked(story: Story) -> None:
    finding = look_up(story.bank.layout, FIRM, story.blocked)
    assert finding.is_bankrupt
    assert finding.account_history_from == dt.date(2017, 8, 31)
    (estate,) = finding.estates
    assert (estate["state"], estate["ruling_date"], estate["party_is"]) == ("open", "2018-08-31", "debtor")
    assert [(a["action"], a["status"]) for a in finding.actions] == [("BLOCK", "exported")]
    assert [notice["uuid"] for notice in finding.notices] == [story.opening.uuid]
    known_at = dt.datetime.fromisoformat(finding.notices[0]["known_at"])
    assert story.before <= known_at + dt.timedelta(milliseconds=1)
    assert known_at <= story.blocked


def test_now_the_firm_is_not_bankrupt_and_the_answer_says_by_which_notice(story: Story) -> None:
    finding = look_up(story.bank.layout, FIRM, story.deleted)
    assert (finding.is_bankrupt, finding.account_history_from) == (False, None)
    (estate,) = finding.estates
    assert (estate["state"], estate["changed_by_uuid"]) == ("deleted", story.sletting.uuid)
    assert [a["action"] for a in finding.actions] == ["BLOCK", "REOPEN"]


@pytest.mark.parametrize(
    ("asked", "party_is"),
    [(enk_of(DEBTOR), "linked_unit"), (DEBTOR, "debtor"), (person("now"), "former_id"), (FORMER, "debtor")],
    ids=["sole proprietorship", "person", "new number of a customer", "former number"],
)
def test_a_party_is_found_by_every_number_it_has(story: Story, asked: str, party_is: str) -> None:
    finding = look_up(story.bank.layout, asked, story.deleted)
    assert finding.is_bankrupt
    assert [estate["party_is"] for estate in finding.estates] == [party_is]


def test_the_history_before_29_february_starts_on_28_february(story: Story) -> None:
    assert look_up(story.bank.layout, FORMER, story.deleted).account_history_from == dt.date(2015, 2, 28)


def test_a_trustee_may_ask_about_a_bankruptcy_that_ended_from_the_same_day(story: Story) -> None:
    finding = look_up(story.bank.layout, ENDED, story.deleted)
    assert (finding.is_bankrupt, finding.account_history_from) == (False, dt.date(2017, 8, 30))


@pytest.mark.parametrize("asked", [company("nobody"), damaged(FIRM), "", "'; DROP TABLE actions; --"])
def test_a_number_that_no_notice_names_has_no_notices(story: Story, asked: str) -> None:
    assert look_up(story.bank.layout, asked, story.deleted).notices == []


def test_the_answer_never_repeats_an_identifier(story: Story) -> None:
    found = str(look_up(story.bank.layout, enk_of(DEBTOR), story.deleted))
    for number in (DEBTOR, enk_of(DEBTOR), FIRM, FORMER):
        assert number not in found


def test_a_lookup_answers_in_an_empty_folder(bank: Bank) -> None:
    assert look_up(bank.layout, FIRM, utc_now()).notices == []


# Status


def test_the_status_of_an_empty_folder_has_nothing(bank: Bank) -> None:
    status = current_status(bank.settings, utc_now())
    assert (status.last_poll, status.register, status.held, status.attention) == (None, None, 0, [])


def test_the_status_gives_unconfirmed_actions_and_how_the_last_poll_ended(story: Story) -> None:
    status = current_status(story.bank.settings, utc_now())
    assert status.last_poll is not None
    assert status.last_poll["outcome"] == "new"
    assert status.unconfirmed == {"BLOCK": 2, "REOPEN": 1}
    assert status.newest_notice_registered_at == "2018-09-04T08:00:00.000Z"
    assert status.register is not None
    assert (status.register["customers"], status.register["accounts"]) == (2, 2)
    assert status.quarantine == {}


def test_the_status_still_shows_quarantine_after_later_polls(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.notice("gjenaapning", FIRM)
    bank.poll(MONDAY)
    assert bank.poll(TUESDAY).detail is None
    status = current_status(bank.settings, utc_now())
    assert status.quarantine == {"unknown_type": 1}
    assert any("unknown_type" in line for line in status.attention)


def test_the_status_shows_a_failed_poll_and_when_the_last_good_one_was(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.poll(MONDAY)
    good = current_status(bank.settings, utc_now()).last_good_poll_at
    bank.fail(Fault.model_validate({"kind": "status", "resource": "list"}))
    assert bank.try_poll(TUESDAY) is not None
    status = current_status(bank.settings, utc_now())
    assert status.last_poll is not None
    assert (status.last_poll["outcome"], status.last_good_poll_at) == ("failed", good)
    assert any("failed" in line for line in status.attention)


# Verify


def flip_a_bit(path: Path, place: int | None = None) -> None:
    """Flip one bit, by default in the middle. Byte 40 is in a Parquet file's data, where Parquet itself may not notice."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 if place is None else place] ^= 1
    path.write_bytes(raw)


def write_other_rows(path: Path) -> None:
    """Put other rows into a partition: a valid Parquet file that still carries the hash of the first rows."""
    metadata = {key: value for key, value in pl.read_parquet_metadata(path).items() if key.startswith("konkurs.")}
    assert metadata
    pl.read_parquet(path).with_columns(debtor_id=pl.lit(company("forged"))).write_parquet(path, metadata=metadata)


def problems(bank: Bank) -> dict[str, list[str]]:
    with bank.store(allow_untrusted=True) as store:
        return {part.part: part.problems for part in inspect(store) if part.problems}


def test_an_untouched_store_verifies(story: Story) -> None:
    assert problems(story.bank) == {}


Damage = Callable[[Bank], object]
DAMAGES: list[tuple[str, str, Damage]] = [
    ("an answer", "answers", lambda bank: flip_a_bit(next(bank.layout.answers.rglob("*.gz")), -6)),
    ("a missing answer", "answers", lambda bank: next(bank.layout.answers.rglob("*.gz")).unlink()),
    (
        "a lake file",
        "lake",
        lambda bank: flip_a_bit(bank.lake_file("raw_notices", MONDAY), 40),
    ),
    (
        "other rows in a lake file",
        "lake",
        lambda bank: write_other_rows(bank.lake_file("raw_notices", MONDAY)),
    ),
    ("a lake file cut off", "lake", lambda bank: bank.lake_file("estates", MONDAY).write_bytes(b"PAR1")),
    ("an outbox file", "outbox", lambda bank: flip_a_bit(bank.shown()[0])),
    ("an outbox CSV", "outbox", lambda bank: flip_a_bit(bank.shown()[0].with_suffix(".csv"))),
    ("a missing outbox file", "outbox", lambda bank: bank.shown()[0].unlink()),
    (
        "a file nobody wrote",
        "outbox",
        lambda bank: bank.shown()[0].with_name("KONKURS_DEMO_demo_00000099_x.jsonl").write_bytes(b"{}"),
    ),
    ("a published table", "readers", lambda bank: flip_a_bit(bank.published_file("actions"), 40)),
    ("a published table that is gone", "readers", lambda bank: bank.published_file("polls").unlink()),
    ("a file without rows", "readers", lambda bank: flip_a_bit(bank.layout.table("estates") / "_schema.parquet", 40)),
    ("the analysts' file", "readers", lambda bank: flip_a_bit(bank.layout.analyst_database, 5000)),
    ("the analysts' file, emptied", "readers", lambda bank: bank.layout.analyst_database.write_bytes(b"")),
    ("the analysts' file, gone", "readers", lambda bank: bank.layout.analyst_database.unlink()),
    ("a register file", "register", lambda bank: flip_a_bit(next(bank.layout.snapshots.rglob("*.parquet")))),
]


@pytest.mark.parametrize(
    ("part", "damage"), [(part, damage) for _, part, damage in DAMAGES], ids=[name for name, _, _ in DAMAGES]
)
def test_verify_finds_each_kind_of_damage(story: Story, bank: Bank, part: str, damage: Damage) -> None:
    damage(bank.go_on_from(story.bank))
    assert list(problems(bank)) == [part]


@pytest.mark.parametrize("damage", [damage for _, part, damage in DAMAGES if part == "readers"])
def test_the_next_run_makes_damaged_reader_files_again(story: Story, bank: Bank, damage: Damage) -> None:
    damage(bank.go_on_from(story.bank))
    bank.poll(WEDNESDAY)
    assert problems(bank) == {}


def test_verify_finds_a_lake_file_that_is_gone(story: Story, bank: Bank) -> None:
    bank.go_on_from(story.bank)
    bank.lake_file("raw_notices", MONDAY).unlink()
    assert problems(bank)


def test_an_outbox_file_that_core_banking_took_and_removed_is_no_problem(bank: Bank) -> None:
    bank.customer("K-1", FIRM)
    bank.poll(MONDAY)
    (path,) = bank.shown()
    with bank.store() as store:
        ((file_id, digest),) = store.ledger.rows("SELECT file_id, sha256 FROM outbox_files")
    receipt = f'{{"schema":"konkurs-receipt/1","file_id":"{file_id}","sha256":"{digest}","status":"RECEIVED"}}'
    (bank.settings.receipts_dir / f"{path.stem}.receipt.json").write_text(receipt, encoding="utf-8")
    bank.poll(TUESDAY)
    for each in bank.settings.outbox_dir.glob(f"{path.stem}*"):
        each.unlink()
    assert problems(bank) == {}
    bank.poll(WEDNESDAY)
    assert path not in bank.shown(), "it is not written again"
