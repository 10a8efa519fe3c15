"""Whom a poll decides on: those whose decisions can have become others, and all when nothing tells whose."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from dataclasses import replace

import polars as pl
import pytest

from konkurs_pipeline.brreg.simulator.datasets import enk_of, expanded_dataset
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.storage.handoff import decisions
from konkurs_pipeline.storage.handoff.recovery import recover
from konkurs_pipeline.storage.lake import made_from
from konkurs_pipeline.storage.snapshots import Snapshot
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, company, person
from tests.pipeline.test_receipts import give, receipt


class Asked:
    """The customers whose accounts were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._refs: set[str] = set()
        accounts_of = Snapshot.accounts_of

        def noted(snapshot: Snapshot, customer_refs: Collection[str]) -> pl.DataFrame | None:
            self._refs |= set(customer_refs)
            return accounts_of(snapshot, customer_refs)

        monkeypatch.setattr(Snapshot, "accounts_of", noted)

    def since_last(self) -> set[str]:
        """Return whose accounts were asked for since this was asked last."""
        found, self._refs = self._refs, set()
        return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


@pytest.fixture
def bank(bank: Bank) -> Bank:
    """Return a bank with three customers, each with an estate, of three months."""
    for number in (1, 2, 3):
        bank.customer(f"K-{number}", company(f"firm {number}"))
    bank.notice("aapning", company("firm 1"), MONDAY.replace(month=7, day=2))
    bank.notice("aapning", company("firm 2"), MONDAY.replace(month=8, day=1))
    bank.notice("aapning", company("firm 3"), MONDAY)
    bank.poll(MONDAY.replace(month=7, day=2), MONDAY)
    return bank


ALL = {"K-1", "K-2", "K-3"}


def test_a_poll_with_nothing_new_decides_on_nobody_once_its_last_file_was_looked_at(bank: Bank, asked: Asked) -> None:
    bank.poll(MONDAY)
    assert asked.since_last() == ALL, "the last file gave each of them a BLOCK"
    bank.poll(MONDAY)
    assert asked.since_last() == set()


@pytest.fixture
def settled(bank: Bank, asked: Asked) -> Bank:
    """Return the bank after polls with nothing new."""
    bank.poll(MONDAY)
    bank.poll(MONDAY)
    asked.since_last()
    return bank


def test_a_new_notice_is_decided_on_with_its_workday(settled: Bank, asked: Asked) -> None:
    settled.notice("sletting", company("firm 2"), TUESDAY, "12:00")
    assert settled.poll(TUESDAY).said() == [("REOPEN", "K-2", "opening_deleted")]
    assert asked.since_last() == {"K-2"}, "not K-3, whose notice is of the day before"
    settled.notice("avslutning", company("firm 1"), TUESDAY, "13:00")
    settled.poll(TUESDAY)
    assert asked.since_last() == {"K-1", "K-2"}, "both of that workday"


def test_who_has_a_customer_in_common_is_decided_on_too(settled: Bank, asked: Asked) -> None:
    settled.customer("K-9", company("new"), former=company("firm 2"))
    settled.poll(TUESDAY)
    settled.poll(TUESDAY)
    asked.since_last()
    settled.notice("aapning", company("new"), WEDNESDAY.replace(month=10), "12:00")
    settled.poll(WEDNESDAY.replace(month=10))
    assert asked.since_last() == {"K-9", "K-2"}, "K-9 was firm 2, which is K-2's estate"


def test_an_action_that_core_banking_answered_is_decided_on(settled: Bank, asked: Asked) -> None:
    give(settled, receipt(settled, ["APPLIED", "PENDING", "REJECTED"]))
    settled.poll(MONDAY)
    blocked = {action["customer_ref"] for action in settled.all_actions()}
    assert blocked == ALL
    assert len(asked.since_last()) == 2, "PENDING is no other status"


def test_a_held_row_is_decided_on_at_every_poll(settled: Bank, asked: Asked) -> None:
    settled.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "0"
    settled.customer("K-4", company("firm 4"))
    october = MONDAY.replace(month=10, day=1)
    settled.notice("aapning", company("firm 4"), october)
    for _ in range(3):
        asked.since_last()
        settled.poll(october)
    assert asked.since_last() == {"K-4"}


def test_another_register_is_decided_on_whole(settled: Bank, asked: Asked) -> None:
    settled.account("K-1")
    assert settled.poll(MONDAY).said() == [("BLOCK", "K-1", "estate_open")]
    assert asked.since_last() == ALL


def test_other_rules_are_decided_on_whole(settled: Bank, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_from, "_digest_of_rules", lambda: "of another version")
    settled.poll(MONDAY)
    assert asked.since_last() == ALL


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("DELETE FROM decided_from", id="none"),
        pytest.param("UPDATE decided_from SET note = '[1]'", id="unreadable"),
        pytest.param("UPDATE decided_from SET note = replace(note, 'length\":', 'length\":9')", id="a longer history"),
    ],
)
def test_without_a_note_that_fits_all_are_decided_on(settled: Bank, asked: Asked, statement: str) -> None:
    with settled.store() as store:
        store.ledger.execute(statement)
    settled.poll(MONDAY)
    assert asked.since_last() == ALL


def test_a_poll_that_failed_to_commit_leaves_its_notices_to_be_decided_on(
    settled: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled.notice("sletting", company("firm 1"), TUESDAY, "12:00")

    def fail(*_: object, **__: object) -> None:
        raise StoreError("full")  # noqa: EM101 -- stands for the disk

    with monkeypatch.context() as patched:
        patched.setattr(decisions, "store_file", fail)
        assert isinstance(settled.try_poll(TUESDAY), StoreError)
    assert settled.poll(TUESDAY).said() == [("REOPEN", "K-1", "opening_deleted")]


def test_a_sletting_that_matches_nobody_itself_is_decided_on_with_its_debtor(bank: Bank) -> None:
    """The customer is the debtor's sole proprietorship: the opening's dataset names it, a sletting's need not."""
    owner = person("owner")
    bank.customer("K-8", enk_of(owner))
    bank.notice("aapning", owner, MONDAY)
    assert ("BLOCK", "K-8", "estate_open") in bank.poll(MONDAY).said()
    for _ in range(2):
        bank.poll(MONDAY)
    sletting = bank.notice("sletting", owner, TUESDAY, "12:00")
    document = {**expanded_dataset(sletting, bank.url), "tilknyttedeEnheter": []}
    bank.serve([*bank.notices[:-1], replace(sletting, dataset=json.dumps(document))])
    assert ("REOPEN", "K-8", "opening_deleted") in bank.poll(TUESDAY).said()


def test_a_ledger_that_took_over_what_was_published_decides_on_all(settled: Bank, asked: Asked) -> None:
    before = settled.folder / "copy"
    shutil.copytree(settled.layout.ledger.parent, before)
    settled.poll(MONDAY)
    shutil.rmtree(settled.layout.ledger.parent)
    shutil.copytree(before, settled.layout.ledger.parent)
    with settled.store(in_doubt=True) as store:
        recover(store.layout, store.ledger, store.outbox, by="Kari", reason="checked", now=utc_now())
    asked.since_last()
    settled.poll(MONDAY)
    assert asked.since_last() == ALL
