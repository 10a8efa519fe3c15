"""As of a moment the macros always give the `estates`, `actions` and register of that moment."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Sequence
from typing import Any, Final

import duckdb
import polars as pl
import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.integrity import inspect
from konkurs_pipeline.schemas.handoff import Actions
from konkurs_pipeline.storage.handoff import decisions
from konkurs_pipeline.storage.handoff.outbox import RECEIPT_SUFFIX
from konkurs_pipeline.storage.lake.tables import Lake
from konkurs_pipeline.storage.readers.as_of import AS_THEN, columns_of
from tests.pipeline.kit import FRIDAY, MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Bank, CrashError, company, records

Rows = list[dict[str, Any]]
AT: Final = "2018-09-05T08:00:00Z"


def asked(bank: Bank, sql: str, parameters: Sequence[object] = ()) -> Rows:
    with duckdb.connect(str(bank.layout.analyst_database), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        found = con.execute(sql, list(parameters))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def as_it_stands(bank: Bank, table: str, key: str) -> Rows:
    return asked(bank, f"FROM {table} ORDER BY {key}")


def as_of(bank: Bank, table: str, key: str, instant: dt.datetime) -> Rows:
    return asked(bank, f"SELECT * EXCLUDE (known_at) FROM {table}_as_of(?) ORDER BY {key}", [instant])  # noqa: S608


def answer(bank: Bank, jsonl_index: int, status: str, *, action_at: str | None = AT) -> None:
    """Let core banking answer one file: each of its actions ends in `status`."""
    path = bank.shown()[jsonl_index]
    rows = records(path)
    receipt = {
        "schema": "konkurs-receipt/1",
        "file_id": rows[0]["file_id"],
        "sha256": json.loads(path.with_suffix(".manifest.json").read_text())["files"][0]["sha256"],
        "status": "RECEIVED",
        "code": None,
        "actions": [
            {"action_id": row["action_id"], "status": status, "code": "E1", "at": action_at}
            for row in rows
            if row["record"] == "A"
        ],
    }
    (bank.settings.receipts_dir / f"{path.stem}{RECEIPT_SUFFIX}").write_text(json.dumps(receipt))


def release(bank: Bank) -> None:
    held = bank.published("actions").filter(pl.col("status") == "held")["run_id"].unique()
    with bank.store() as store:
        for run_id in held:
            decisions.release(store.ledger, run_id, by="Kari", reason="looked at", now=utc_now())


@pytest.fixture
def story(bank: Bank) -> list[tuple[dt.datetime, Rows, Rows]]:
    """Return the rows of estates and actions at the end of each poll of a week with every kind of change."""
    bank.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "2"
    for name in ("a", "b", "c", "d"):
        bank.customer(f"K-{name}", company(name))
        bank.notice("aapning", company(name), MONDAY)
    moments = []

    def poll(day: dt.date) -> None:
        bank.poll(day)
        now = utc_now()
        moments.append((now, as_it_stands(bank, "estates", "opening_uuid"), as_it_stands(bank, "actions", "action_id")))

    poll(MONDAY)
    answer(bank, 0, "REJECTED", action_at=None)
    bank.notice("avslutning", company("c"), TUESDAY)
    poll(TUESDAY)
    release(bank)
    answer(bank, 0, "APPLIED")
    bank.notice("sletting", company("a"), WEDNESDAY)
    bank.notice("sletting", company("c"), WEDNESDAY)
    poll(WEDNESDAY)
    bank.notice("aapning", company("a"), THURSDAY)
    bank.customer("K-e", company("e"))
    poll(THURSDAY)
    answer(bank, -1, "PENDING")
    poll(THURSDAY)
    answer(bank, -1, "APPLIED", action_at=None)
    poll(FRIDAY)
    return moments


def test_a_column_of_an_action_never_changes_or_has_its_earlier_value() -> None:
    decided = {"action_id", "action", "customer_ref", "account_no", "notice_uuid", "notice_type", "registered_at_text"}
    decided |= {"registered_at", "ruling_date", "matched_via", "reason", "caused_by", "was_blocked", "decided_at"}
    decided |= {"run_id", "register_id"}
    assert sorted([*decided, *AS_THEN]) == sorted(columns_of(Actions))


def test_as_of_the_end_of_each_poll_estates_and_actions_are_what_they_were(
    bank: Bank,
    story: list[tuple[dt.datetime, Rows, Rows]],
) -> None:
    states = {row["status"] for _, _, actions in story for row in actions}
    assert states >= {"held", "void", "exported", "rejected", "applied"}, "every status and state occurs in the story"
    for instant, estates, actions in story:
        assert as_of(bank, "estates", "opening_uuid", instant) == estates
        assert as_of(bank, "actions", "action_id", instant) == actions
    before = story[0][0] - dt.timedelta(days=1)
    assert as_of(bank, "estates", "opening_uuid", before) == as_of(bank, "actions", "action_id", before) == []


def test_the_register_in_use_then_is_named_even_if_an_old_one_came_back(bank: Bank) -> None:
    bank.customer("K-1", company("a"))
    bank.poll(MONDAY)
    bank.customer("K-2", company("b"))
    bank.poll(TUESDAY)
    assert bank.accounts is not None
    del bank.customers[1:], bank.accounts[1:]
    bank.poll(WEDNESDAY)
    bank.poll(THURSDAY)
    rows = as_it_stands(bank, "registers", "accepted_at")
    assert [row["customer_count"] for row in rows] == [1, 2, 1]
    assert rows[0]["register_id"] == rows[2]["register_id"]
    for row in rows:
        assert asked(bank, "FROM register_as_of(?)", [row["accepted_at"]]) == [row]
    assert asked(bank, "FROM register_as_of('2018-01-01')") == []


def test_a_poll_with_nothing_new_writes_no_version_and_no_history(bank: Bank) -> None:
    bank.customer("K-1", company("a"))
    bank.notice("aapning", company("a"), MONDAY)
    bank.poll(MONDAY)
    before = bank.lake_file("estate_versions", MONDAY).stat(), bank.published("action_history").rows()
    bank.poll(MONDAY)
    after = bank.lake_file("estate_versions", MONDAY).stat(), bank.published("action_history").rows()
    assert (after[0].st_ino, after[0].st_mtime_ns, after[1]) == (before[0].st_ino, before[0].st_mtime_ns, before[1])
    assert len(before[1]) == 1


def test_a_crash_between_a_version_and_its_estate_leaves_one_version(
    bank: Bank,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bank.notice("aapning", company("a"), MONDAY)
    whole = Lake.replace

    def dies_at_estates(lake: Lake, table: str, workdays: Collection[dt.date], rows: pl.DataFrame) -> list[dt.date]:
        if table == "estates":
            raise CrashError
        return whole(lake, table, workdays, rows)

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "replace", dies_at_estates)
        assert isinstance(bank.try_poll(MONDAY), CrashError)
    bank.poll(MONDAY)
    assert bank.published("estate_versions")["version"].to_list() == [1]


def test_lost_versions_are_made_from_the_notices_and_reported(bank: Bank) -> None:
    bank.customer("K-1", company("b"))
    bank.notice("aapning", company("a"), MONDAY)
    bank.poll(MONDAY)
    bank.notice("avslutning", company("a"), TUESDAY)
    bank.poll(TUESDAY)
    columns = ("version", "state", "changed_by_uuid", "state_since")
    before = bank.published("estate_versions").select(columns).rows()
    bank.lake_file("estate_versions", MONDAY).unlink()
    assert "made from the notices" in (bank.poll(WEDNESDAY).detail or "")
    assert bank.published("estate_versions").select(columns).rows() == before
    seen = bank.published("raw_notices").sort("registered_at")["first_seen_at"].to_list()
    assert bank.published("estate_versions")["known_at"].to_list() == seen
    assert bank.poll(FRIDAY).detail is None


def test_a_ledger_older_than_the_history_gets_history_rows_from_its_actions(bank: Bank) -> None:
    bank.customer("K-1", company("a"))
    bank.notice("aapning", company("a"), MONDAY)
    bank.poll(MONDAY)
    answer(bank, 0, "APPLIED")
    bank.poll(TUESDAY)
    columns = ("version", "status", "reported_at", "status_code")
    before = bank.published("action_history").select(columns).rows()
    assert [row[1] for row in before] == ["exported", "applied"]
    with bank.store() as store:
        store.ledger.execute("DROP TABLE action_history")
    bank.poll(WEDNESDAY)
    assert bank.published("action_history").select(columns).rows() == before


def test_verify_finds_a_history_that_disagrees_with_the_present_state(bank: Bank) -> None:
    bank.customer("K-1", company("a"))
    bank.notice("aapning", company("a"), MONDAY)
    bank.poll(MONDAY)
    with bank.store() as store:
        assert [part.problems for part in inspect(store) if part.problems] == []
        store.ledger.execute("UPDATE action_history SET status = 'held'")
        versions = store.lake.read("estate_versions")
        store.lake.replace("estate_versions", [MONDAY], versions.with_columns(state=pl.lit("closed")))
        ((action, estate),) = [part.problems for part in inspect(store) if part.part == "history"]
    assert "another status" in action
    assert "another state" in estate
