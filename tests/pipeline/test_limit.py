"""The limit on BLOCK rows: the excess is held and visible until it is released and written, or void."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from konkurs_pipeline.enquiries.status import current_status
from konkurs_pipeline.enquiries.worklists.held import held_rows
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.storage.handoff.decisions import release
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import FRIDAY, MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Bank, company

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


HELD_BY = "run-1"


def five_bankrupt(bank: Bank) -> Bank:
    bank.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "2"
    for n in range(5):
        bank.customer(f"K-{n}", company(f"firm {n}"))
        bank.notice("aapning", company(f"firm {n}"), MONDAY, f"1{n}:00")
    return bank


@pytest.fixture(scope="module")
def monday(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank that has polled openings of five customers with a limit of two BLOCK rows a run."""
    bank = five_bankrupt(new_bank(tmp_path_factory.mktemp("monday")))
    assert bank.poll(MONDAY).run_id == HELD_BY
    return bank


@pytest.fixture
def holding(monday: Bank, bank: Bank) -> Bank:
    """Return a bank that stands where `monday` stands: three BLOCK rows are held."""
    return bank.go_on_from(monday)


def let_go(bank: Bank, run_id: str) -> int:
    with bank.store() as store:
        count = release(store.ledger, run_id, by="Kari", reason="checked", now=NOW)
        store.publish()
    return count


def test_the_excess_is_held_and_visible_and_the_next_run_does_not_write_it(bank: Bank) -> None:
    limited = five_bankrupt(bank)
    first = limited.poll(MONDAY)
    assert [a["customer_ref"] for a in first.actions] == ["K-0", "K-1"]
    assert first.detail is not None
    assert "3 BLOCK rows are held" in first.detail
    assert {row.customer_ref for row in held_rows(limited.layout)} == {"K-2", "K-3", "K-4"}
    status = current_status(limited.settings, NOW)
    assert status.held == 3
    assert any("held" in line for line in status.attention)
    assert limited.poll(TUESDAY).actions == []
    assert len(held_rows(limited.layout)) == 3


def test_released_rows_are_written_by_the_next_run_beside_a_full_limit_of_new_ones(holding: Bank) -> None:
    limited = holding
    assert let_go(limited, HELD_BY) == 3
    for n in range(5, 8):
        limited.customer(f"K-{n}", company(f"firm {n}"))
        limited.notice("aapning", company(f"firm {n}"), TUESDAY, f"1{n}:00")
    second = limited.poll(TUESDAY)
    assert [a["customer_ref"] for a in second.of("BLOCK")] == ["K-2", "K-3", "K-4", "K-5", "K-6"]
    assert [row.customer_ref for row in held_rows(limited.layout)] == ["K-7"]
    kept = limited.published("actions").filter(pl.col("released_by").is_not_null())
    assert set(kept.select("released_by", "release_reason", "status").iter_rows()) == {("Kari", "checked", "exported")}
    assert limited.poll(WEDNESDAY).actions == []


def test_a_held_row_whose_estate_ends_first_is_void_with_the_reason_and_never_written(holding: Bank) -> None:
    limited, run_id = holding, HELD_BY
    for n, kind in ((2, "sletting"), (3, "oppheving"), (4, "avslutning")):
        limited.notice(kind, company(f"firm {n}"), TUESDAY)
    let_go(limited, run_id)
    polled = limited.poll(TUESDAY)
    assert polled.of("BLOCK") == polled.of("REOPEN") == []
    void = limited.published("actions").filter(pl.col("status") == "void")
    assert dict(void.select("customer_ref", "void_reason").iter_rows()) == {
        "K-2": "estate_deleted",
        "K-3": "estate_revoked",
        "K-4": "estate_closed",
    }
    assert held_rows(limited.layout) == []
    assert void["seq"].null_count() == 3


def test_a_reopen_is_never_held(bank: Bank) -> None:
    limited = five_bankrupt(bank)
    limited.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "5"
    limited.poll(MONDAY)
    limited.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "0"
    for n in range(5):
        limited.notice("sletting", company(f"firm {n}"), TUESDAY)
    assert len(limited.poll(TUESDAY).of("REOPEN")) == 5


def test_a_limit_of_zero_holds_every_block(bank: Bank) -> None:
    limited = five_bankrupt(bank)
    limited.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "0"
    assert limited.poll(MONDAY).actions == []
    assert len(held_rows(limited.layout)) == 5


@pytest.mark.parametrize("run_id", ["run-1", "nobody"], ids=["released already", "unknown run"])
def test_a_release_without_held_rows_is_refused(holding: Bank, run_id: str) -> None:
    let_go(holding, HELD_BY)
    with pytest.raises(UsageError, match="holds no rows"):
        let_go(holding, run_id)


def test_a_block_written_after_release_is_reopened_as_any_other(holding: Bank) -> None:
    limited = holding
    let_go(limited, HELD_BY)
    blocks = {a["customer_ref"]: a["action_id"] for a in limited.poll(TUESDAY).of("BLOCK")}
    limited.notice("sletting", company("firm 4"), WEDNESDAY)
    assert [a["caused_by"] for a in limited.poll(WEDNESDAY).of("REOPEN")] == [blocks["K-4"]]
    assert limited.poll(THURSDAY).actions == []


def test_a_release_covers_the_rows_held_then_and_not_rows_held_again(holding: Bank) -> None:
    """K-4 left the register and came back after the release. Its row became void and is asked for again."""
    let_go(holding, HELD_BY)
    gone = next(row for row in holding.customers if row[0] == "K-4")
    holding.customers.remove(gone)
    assert {a["customer_ref"] for a in holding.poll(TUESDAY).of("BLOCK")} == {"K-2", "K-3"}
    holding.customers.append(gone)
    holding.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "0"

    again = [holding.poll(WEDNESDAY), holding.poll(THURSDAY)]

    assert [polled.of("BLOCK") for polled in again] == [[], []]
    assert [row.customer_ref for row in held_rows(holding.layout)] == ["K-4"]
    assert let_go(holding, again[0].run_id) == 1
    assert {a["customer_ref"] for a in holding.poll(FRIDAY).of("BLOCK")} == {"K-4"}
