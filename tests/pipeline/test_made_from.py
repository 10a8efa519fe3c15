"""A run makes a row of a derived table again only if the content of its source changed."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Collection
from typing import Any

import polars as pl
import pytest

from konkurs_pipeline.storage.lake import made_from
from konkurs_pipeline.storage.lake.tables import Lake
from konkurs_pipeline.storage.register.accepted import Snapshot
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, CrashError, company

FIRM, OTHER = company("firm"), company("other firm")
OCTOBER = dt.date(2018, 10, 1)
DERIVED = ("estates", "customer_matches")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, new_bank: NewBank) -> Bank:
    """Return a bank with an opening in each of two months, the first closed in the second, both debtors customers."""
    bank = new_bank(tmp_path_factory.mktemp("story") / "data")
    bank.customer("K-1", FIRM)
    bank.customer("K-2", OTHER)
    bank.notice("aapning", FIRM, MONDAY)
    bank.poll(MONDAY)
    bank.notice("aapning", OTHER, OCTOBER, "09:00")
    bank.notice("avslutning", FIRM, OCTOBER)
    bank.poll(OCTOBER)
    return bank


@pytest.fixture
def polled(story: Bank, bank: Bank) -> Bank:
    """Return a bank that goes on from the story."""
    return bank.go_on_from(story)


def stop() -> None:
    raise CrashError


def state_of(bank: Bank, debtor: str) -> str:
    estates = bank.published("estates")
    return str(estates.filter(pl.col("debtor_id") == debtor)["state"].item())


def falsify_state(bank: Bank) -> None:
    """Make the table disagree with the notices and its note agree, as only a defect of the program can."""
    noted = json.loads(bank.layout.made_from("estates").read_bytes())
    with bank.store() as store:
        rows = store.lake.read("estates").with_columns(state=pl.lit("revoked"))
        store.lake.replace("estates", set(rows["workday"]), rows)
        noted["made"] = {str(month): digest for month, digest in store.lake.digests("estates").items()}
    bank.layout.made_from("estates").write_text(json.dumps(noted))


def test_tables_made_month_by_month_equal_tables_made_at_once(polled: Bank) -> None:
    polled.notice("sletting", OTHER, OCTOBER, "11:00")
    polled.poll(OCTOBER)
    made = [polled.published(table) for table in DERIVED]
    for table in DERIVED:
        polled.layout.made_from(table).unlink()
    polled.poll(OCTOBER)
    assert all(polled.published(table).equals(before) for table, before in zip(DERIVED, made, strict=True))


def test_only_parties_of_months_that_changed_are_looked_up_again(polled: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[str]] = []
    look_up = Snapshot.customers_with

    def noted(snapshot: Snapshot, ids: Collection[str]) -> pl.DataFrame:
        asked.append(set(ids))
        return look_up(snapshot, ids)

    monkeypatch.setattr(Snapshot, "customers_with", noted)
    new = company("third")
    polled.notice("aapning", new, OCTOBER, "12:00")
    polled.poll(OCTOBER)
    wanted, to_match = asked
    assert (wanted, to_match) == ({new}, {new, OTHER, FIRM}), "FIRM was closed in October"
    asked.clear()
    polled.poll(OCTOBER)
    assert asked == [set()], "nothing has changed"


def test_a_new_register_is_matched_against_every_month(polled: Bank) -> None:
    polled.customer("K-3", FIRM)
    polled.poll(OCTOBER)
    matches = polled.published("customer_matches").filter(pl.col("customer_ref") == "K-3")
    assert matches["workday"].to_list() == [MONDAY, OCTOBER]


def test_changed_rules_make_every_row_again(polled: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    falsify_state(polled)
    polled.poll(OCTOBER)
    assert state_of(polled, FIRM) == "revoked", "the note agreed with it"
    monkeypatch.setattr(made_from, "_digest_of_rules", lambda: "of another version")
    polled.poll(OCTOBER)
    assert state_of(polled, FIRM) == "closed"


def drop_table(bank: Bank) -> None:
    bank.lake_file("estates", MONDAY).unlink()


def drop_note(bank: Bank) -> None:
    falsify_state(bank)
    bank.layout.made_from("estates").unlink()


def spoil_note(bank: Bank) -> None:
    falsify_state(bank)
    bank.layout.made_from("estates").write_bytes(b"[1]")


@pytest.mark.parametrize("damage", [drop_table, drop_note, spoil_note])
def test_a_table_that_disagrees_with_its_note_is_made_again_as_a_whole(
    polled: Bank, damage: Callable[[Bank], Any]
) -> None:
    damage(polled)
    polled.poll(OCTOBER)
    assert state_of(polled, FIRM) == "closed"


def test_an_older_copy_of_the_parties_put_back_today_is_noticed(polled: Bank) -> None:
    """Its content shows the age: its file time is newer than that of the notices it lacks."""
    path = polled.lake_file("debtors", OCTOBER)
    older = path.read_bytes()
    new = company("third")
    polled.customer("K-3", new)
    polled.notice("aapning", new, OCTOBER, "12:00")
    assert isinstance(polled.try_poll(OCTOBER, before={"customer matches": stop}), CrashError)
    path.write_bytes(older)
    assert [action["customer_ref"] for action in polled.poll(OCTOBER).of("BLOCK")] == ["K-3"]


def test_the_next_poll_completes_a_poll_killed_before_its_note(polled: Bank) -> None:
    note = polled.layout.made_from("estates")
    kept = note.with_suffix(".kept")
    shutil.copy(note, kept)
    polled.notice("avslutning", OTHER, OCTOBER, "13:00")
    polled.poll(OCTOBER)
    kept.replace(note)
    polled.poll(OCTOBER)
    assert state_of(polled, OTHER) == "closed"


def test_every_poll_reports_an_unknown_opening_until_it_is_known(bank: Bank) -> None:
    bank.notice("sletting", FIRM, TUESDAY)
    assert "no known opening" in str(bank.poll(TUESDAY).detail)
    assert "no known opening" in str(bank.poll(WEDNESDAY).detail)
    bank.notice("aapning", FIRM, MONDAY)
    assert "no known opening" not in str(bank.poll(WEDNESDAY).detail)


def test_a_verified_hash_is_forgotten_with_its_file(polled: Bank) -> None:
    """A disk may give the inode of a replaced file to the next one, and then the hash of the old file would count for it."""
    with polled.store() as store:
        rows = store.lake.read("debtors", [OCTOBER])
        for round_ in range(6):
            store.lake.digests("debtors")
            store.lake.replace("debtors", [OCTOBER], rows.with_columns(name=pl.lit(f"round {round_}")))
        assert store.lake.digests("debtors") == Lake(polled.layout).digests("debtors")
