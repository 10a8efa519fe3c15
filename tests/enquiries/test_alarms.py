"""What raises each kind of alarm, and what does not. The tables are made of rows; nothing is polled."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from konkurs_pipeline.brreg.certificate import settings_certificate
from konkurs_pipeline.brreg.simulator.pki import make_certificates
from konkurs_pipeline.domain.monitoring.alarms import AlarmKind
from konkurs_pipeline.domain.outcomes import IssueCode
from konkurs_pipeline.domain.workdays import OSLO
from konkurs_pipeline.enquiries.alarms.raised import raised_alarms
from konkurs_pipeline.enquiries.watch import Watched
from konkurs_pipeline.errors import StoreError
from konkurs_pipeline.schemas.tables import LAKE, LEDGER, frame
from konkurs_pipeline.settings import load_settings

THURSDAY, FRIDAY = dt.date(2026, 3, 26), dt.date(2026, 3, 27)
SATURDAY = dt.date(2026, 3, 28)
LOOKBACK = [dt.date(2026, 3, day) for day in (20, 23, 24, 25, 26, 27)]


def at(day: dt.date, clock: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(clock), tzinfo=OSLO).astimezone(dt.UTC)


@dataclass
class Rows:
    """Tables made of rows. A column that a row lacks is null."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    damaged: str = ""

    def read(
        self, table: str, workdays: Iterable[dt.date] | None = None, *, columns: Collection[str] | None = None
    ) -> pl.DataFrame:
        if table == self.damaged:
            message = f"{table} is damaged"
            raise StoreError(message)
        found = frame((LAKE | LEDGER)[table], self.tables.get(table, []))
        if workdays is not None:
            found = found.filter(pl.col("workday").is_in(list(workdays)))
        return found.select(columns) if columns else found

    def poll(
        self, started: dt.datetime, outcome: str = "nothing_new", *, seen: int | None = 9, detail: str | None = None
    ) -> Rows:
        day = started.astimezone(OSLO).date()
        row = {"run_id": f"run-{len(self.tables.get('polls', []))}", "started_at": started, "ended_at": started}
        row |= {"from_workday": min(day, FRIDAY), "to_workday": min(day, FRIDAY)}
        row |= {"outcome": outcome, "notices_seen": seen, "detail": detail}
        self.tables.setdefault("polls", []).append(row)
        return self

    def issue(self, code: IssueCode, message: str, count: int | None = None) -> Rows:
        """Add an issue to the last poll."""
        issues = self.tables.setdefault("poll_issues", [])
        run_id = self.tables["polls"][-1]["run_id"]
        row = {"run_id": run_id, "number": len(issues) + 1, "code": code.value, "message": message}
        issues.append({**row, "issue_count": count})
        return self

    def polls_all_day(self, *days: dt.date, until: str = "16:30") -> Rows:
        for day in days:
            started = at(day, "08:00")
            while started <= at(day, until):
                self.poll(started)
                started += dt.timedelta(minutes=15)
        return self

    def notice(self, day: dt.date, clock: str, kind: str = "aapning", count: int = 1) -> Rows:
        row = {"type": kind, "workday": day, "registered_at": at(day, clock), "first_seen_at": at(day, clock)}
        self.tables.setdefault("raw_notices", []).extend([row] * count)
        return self

    def action(self, kind: str, status: str, at_: dt.datetime, **more: Any) -> Rows:
        row = {"action_id": "a", "action": kind, "status": status, "exported_at": at_, "seq": 7, "run_id": "r", **more}
        self.tables.setdefault("actions", []).append(row)
        return self


def raised(folder: Path, rows: Rows, now: dt.datetime, **settings: str) -> dict[str, str]:
    """Return the raised alarms: kind → message."""
    environ = {"KONKURS_DATA_DIR": str(folder), "KONKURS_API_URL": "http://127.0.0.1:1", "KONKURS_ENVIRONMENT": "test"}
    environ |= {"KONKURS_EXPECT_VOLUMES": "true", **settings}
    watched = Watched(load_settings(environ, dotenv=folder / "none"), rows, now)
    return {alarm.kind.value: alarm.message for alarm in raised_alarms(watched)}


def level_of(rows: Rows, kind: AlarmKind) -> str:
    """Return the level of an alarm that is raised at noon."""
    settings = load_settings({"KONKURS_API_URL": "http://127.0.0.1:1"}, dotenv=Path("none"))
    return {alarm.kind: alarm.level for alarm in raised_alarms(Watched(settings, rows, NOON))}[kind]


def well() -> Rows:
    """Return a week without a problem, as of Friday noon: four notices a day, all of them in every list."""
    rows = Rows().polls_all_day(*LOOKBACK[:-1]).polls_all_day(FRIDAY, until="12:00")
    for day in LOOKBACK:
        for hour in range(8, 12):
            rows.notice(day, f"{hour:02}:50")
    for poll in rows.tables["polls"]:
        poll["notices_seen"] = 4 * len(LOOKBACK)
    return rows


NOON = at(FRIDAY, "12:05")


def test_a_bank_without_a_problem_has_no_alarm(tmp_path: Path) -> None:
    assert raised(tmp_path, well(), NOON) == {}


def test_a_store_before_its_first_poll_has_no_alarm(tmp_path: Path) -> None:
    assert raised(tmp_path, Rows(), NOON) == {}


@pytest.mark.parametrize(
    ("now", "is_raised"),
    [
        pytest.param(at(FRIDAY, "12:44"), False, id="44 minutes in opening hours"),
        pytest.param(at(FRIDAY, "12:46"), True, id="46 minutes in opening hours"),
        pytest.param(at(FRIDAY, "18:00"), False, id="six hours in the evening: a sweep is due"),
        pytest.param(at(FRIDAY, "19:01"), True, id="more than seven hours in the evening"),
        pytest.param(at(SATURDAY, "12:00"), True, id="a day on a Saturday"),
    ],
)
def test_the_last_good_poll_may_be_too_old(tmp_path: Path, now: dt.datetime, *, is_raised: bool) -> None:
    found = raised(tmp_path, well(), now)
    assert ("no_good_poll" in found) is is_raised


def test_failed_polls_are_no_good_polls(tmp_path: Path) -> None:
    rows = well()
    for clock in ("12:15", "12:30", "12:45"):
        rows.poll(at(FRIDAY, clock), "failed", seen=None, detail="the service is down")
    found = raised(tmp_path, rows, at(FRIDAY, "12:50"))
    assert "no_good_poll" in found
    assert found["poll_incomplete"] == "the last poll (failed): the service is down"


def test_one_missing_document_does_not_hide_a_later_outage() -> None:
    stuck = well().poll(NOON, "partial", seen=24).issue(IssueCode.DATASETS_MISSING, "1 of 1", 1)
    all_gone = well().poll(NOON, "partial", seen=24).issue(IssueCode.DATASETS_MISSING, "9 of 9", 9)
    no_answer = well().poll(NOON, "failed", seen=None).issue(IssueCode.SERVICE_UNREACHABLE, "no answer")
    levels = {level_of(rows, AlarmKind.POLL_INCOMPLETE) for rows in (stuck, all_gone, no_answer)}
    assert len(levels) == 3, "each change of the level gives another notification"


def test_a_poll_with_a_future_time_is_an_alarm_and_no_good_poll(tmp_path: Path) -> None:
    rows = Rows().polls_all_day(THURSDAY).poll(at(FRIDAY, "14:00"))
    found = raised(tmp_path, rows, at(FRIDAY, "12:00"))
    assert (
        found["clock_was_ahead"]
        == "1 polls have times in the future, up to 2026-03-27 14:00 Oslo: they count for nothing"
    )
    assert "no_good_poll" in found
    assert "clock_was_ahead" not in raised(tmp_path, rows, at(FRIDAY, "14:00"))


def test_unread_quarters_are_missed_until_a_poll_reads_their_day(tmp_path: Path) -> None:
    rows = Rows().polls_all_day(THURSDAY, until="09:00").poll(at(FRIDAY, "08:00"))
    rows.tables["polls"][-1] |= {"from_workday": FRIDAY, "to_workday": FRIDAY}
    later = at(FRIDAY, "08:40")
    assert "quarters_missed" not in raised(tmp_path, rows, later), "Friday's poll reads Thursday again"
    alone = raised(tmp_path, rows, later, KONKURS_LOOKBACK_WORKDAYS="0")
    assert "quarters_missed" not in alone, "without a lookback only today counts"
    rows.tables["polls"].pop()
    assert "27 quarters" in raised(tmp_path, rows, at(THURSDAY, "17:00"))["quarters_missed"]


def test_two_hours_of_silence_raise_an_alarm_only_if_volumes_are_expected(tmp_path: Path) -> None:
    rows = well().polls_all_day(FRIDAY, until="14:00")
    now = at(FRIDAY, "13:51")
    assert (
        raised(tmp_path, rows, now)["silence"]
        == "no notice for 2 h 1 min of opening hours; the newest is of 2026-03-27 11:50 Oslo"
    )
    assert "silence" not in raised(tmp_path, rows, now, KONKURS_EXPECT_VOLUMES="false")
    assert "silence" not in raised(tmp_path, rows, now, KONKURS_EXPECT_VOLUMES="")
    assert "silence" not in raised(tmp_path, rows, now, KONKURS_EXTRA_CLOSED_DAYS="2026-03-27")


def test_a_workday_without_an_opening_is_an_alarm(tmp_path: Path) -> None:
    rows = well().polls_all_day(FRIDAY)
    evening = at(FRIDAY, "16:40")
    assert "no_openings" not in raised(tmp_path, rows, evening)
    for notice in rows.tables["raw_notices"]:
        notice["type"] = "avslutning" if notice["workday"] == FRIDAY else notice["type"]
    assert "2026-03-27" in raised(tmp_path, rows, evening)["no_openings"]
    assert "no_openings" not in raised(tmp_path, rows, at(FRIDAY, "15:00")), "the day is not over"


def test_empty_lists_all_day_are_an_alarm(tmp_path: Path) -> None:
    rows = well().polls_all_day(FRIDAY)
    rows.tables["raw_notices"] = [n for n in rows.tables["raw_notices"] if n["workday"] != FRIDAY]
    rows.tables["polls"][-1]["notices_seen"] = 0
    found = raised(tmp_path, rows, at(FRIDAY, "16:40"))
    assert set(found) == {"silence", "no_openings", "short_list"}
    assert "held 0 notices of 2026-03-20 to 2026-03-27, of which 20 are known" in found["short_list"]


def test_a_flood_of_notices_is_an_alarm(tmp_path: Path) -> None:
    found = raised(tmp_path, well().notice(FRIDAY, "11:55", "sletting", 3), NOON)
    assert found == {"too_many_notices": "2026-03-27: 3 sletting, at most 2 are expected"} | {
        key: text for key, text in found.items() if key == "short_list"
    }


@pytest.mark.parametrize(("minutes", "level"), [(59, None), (61, "60"), (241, "240"), (1441, "1440")])
def test_an_unconfirmed_block_is_an_alarm_whose_level_rises_with_its_age(
    tmp_path: Path, minutes: int, level: str | None
) -> None:
    rows = well().action("BLOCK", "exported", NOON - dt.timedelta(minutes=minutes))
    rows.action("BLOCK", "applied", at(THURSDAY, "10:00")).action("REVIEW", "exported", at(THURSDAY, "10:00"))
    environ = {
        "KONKURS_DATA_DIR": str(tmp_path),
        "KONKURS_API_URL": "http://127.0.0.1:1",
        "KONKURS_ENVIRONMENT": "test",
    }
    alarms = raised_alarms(Watched(load_settings(environ, dotenv=tmp_path / "none"), rows, NOON))
    assert [alarm.level for alarm in alarms if alarm.kind is AlarmKind.BLOCKS_UNCONFIRMED] == ([level] if level else [])


def test_rejected_and_held_rows_are_alarms(tmp_path: Path) -> None:
    rows = well().action("REOPEN", "rejected", NOON).action("INFORM", "rejected", NOON).action("BLOCK", "held", NOON)
    found = raised(tmp_path, rows, NOON)
    assert found["blocks_rejected"] == "core banking rejected 1 BLOCK or REOPEN rows, such as action a"
    assert found["blocks_held"] == "1 BLOCK rows are held back"
    released = well().action("BLOCK", "held", NOON, released_at=NOON)
    assert "blocks_held" not in raised(tmp_path, released, NOON)


def test_a_refused_or_never_accepted_register_is_an_alarm(tmp_path: Path) -> None:
    refused = "the register was refused, the last accepted one is used: customers.csv is empty; it has no header"
    rows = well().poll(at(FRIDAY, "12:01"), seen=24).issue(IssueCode.REGISTER_REFUSED, refused)
    assert raised(tmp_path, rows, NOON)["register_refused"] == refused
    rows.poll(at(FRIDAY, "12:02"), seen=24)
    assert "register_refused" not in raised(tmp_path, rows, NOON)
    rows.poll(at(FRIDAY, "12:03"), "partial", seen=24).issue(IssueCode.NO_REGISTER, "no register was ever accepted")
    assert "register_refused" in raised(tmp_path, rows, NOON)


@pytest.mark.parametrize(("written", "is_raised"), [(dt.date(2026, 3, 25), False), (dt.date(2026, 3, 24), True)])
def test_a_register_file_older_than_two_workdays_is_stale(tmp_path: Path, written: dt.date, *, is_raised: bool) -> None:
    file = tmp_path / "register" / "customers.csv"
    file.parent.mkdir()
    file.touch()
    os.utime(file, (at(written, "06:00").timestamp(),) * 2)
    assert ("register_stale" in raised(tmp_path, well(), NOON)) is is_raised


def test_open_quarantine_and_receipts_set_aside_are_alarms(tmp_path: Path) -> None:
    rows = well()
    rows.tables["quarantine"] = [{"reason": "unknown_type"}, {"reason": "unknown_type", "resolved_at": NOON}]
    receipts = [("a.receipt.json", "set_aside"), ("b.receipt.json", "set_aside"), ("b.receipt.json", "taken")]
    rows.tables["receipts"] = [{"name": name, "outcome": outcome, "read_at": NOON} for name, outcome in receipts]
    found = raised(tmp_path, rows, NOON)
    assert found["quarantine"] == "quarantine: 1 unknown_type"
    assert found["receipts_set_aside"] == "1 receipts were set aside"


@pytest.mark.parametrize(
    ("days", "level"), [(61, None), (60, "60"), (30, "30"), (14, "14"), (7, "7"), (1, "1"), (-1, "0")]
)
def test_an_expiring_certificate_is_an_alarm_at_each_step(tmp_path: Path, days: int, level: str | None) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    make_certificates(folder)
    environ = {
        "KONKURS_DATA_DIR": str(tmp_path),
        "KONKURS_API_URL": "https://127.0.0.1:1",
        "KONKURS_CLIENT_P12": str(folder / "client.p12"),
        "KONKURS_CLIENT_P12_PASSWORD_FILE": str(folder / "client.password"),
        "KONKURS_CA_BUNDLE": str(folder / "ca.pem"),
    }
    settings = load_settings(environ, dotenv=tmp_path / "none")
    facts = settings_certificate(settings)
    assert facts is not None
    now = facts.not_after - dt.timedelta(days=days, hours=1 if days < 0 else 0)
    alarms = raised_alarms(Watched(settings, Rows(), now))
    assert [alarm.level for alarm in alarms if alarm.kind is AlarmKind.CERTIFICATE] == ([level] if level else [])


def test_a_certificate_that_cannot_be_used_is_an_alarm(tmp_path: Path) -> None:
    found = raised(
        tmp_path,
        Rows(),
        NOON,
        KONKURS_CLIENT_P12=str(tmp_path / "none.p12"),
        KONKURS_CLIENT_P12_PASSWORD_FILE=str(tmp_path / "none"),
    )
    assert "cannot be used" in found["certificate"]


def test_a_table_that_cannot_be_read_is_an_alarm_and_hides_no_other(tmp_path: Path) -> None:
    rows = well().action("BLOCK", "held", NOON)
    rows.damaged = "quarantine"
    found = raised(tmp_path, rows, NOON)
    assert found["store_unreadable"] == "quarantine is damaged"
    assert "blocks_held" in found


def test_a_bankruptcy_that_never_ends_is_an_alarm(tmp_path: Path) -> None:
    now, long_ago = at(THURSDAY, "12:00"), at(dt.date(2011, 3, 1), "12:00")
    estate = {"debtor_id": "1", "opening_uuid": "2", "workday": long_ago.date(), "registered_at": long_ago}
    entry = {"entry_id": "3", "first_seen_at": long_ago}
    for table, row in (("estates", {**estate, "state": "open"}), ("quarantine", entry)):
        assert "never_ended" in raised(tmp_path, Rows({table: [row]}), now, KONKURS_FIRST_WORKDAY="2011-01-03")
    for table, row in (("estates", {**estate, "state": "closed"}), ("quarantine", {**entry, "resolved_at": now})):
        assert "never_ended" not in raised(tmp_path, Rows({table: [row]}), now, KONKURS_FIRST_WORKDAY="2011-01-03")
