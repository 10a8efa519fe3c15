"""`konkurs control-request` answers and records a request. It never waits for a poll and stores no number of the party."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import duckdb
import pytest

from konkurs_pipeline.contracts.control_request import ControlAnswer
from konkurs_pipeline.domain.control_requests import BRREG, MANDATE
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import open_store
from tests.cli.conftest import CommandLine, CommandResult
from tests.cli.test_exit_codes import FIRM, RUN, complaint, serve_opening
from tests.pipeline.kit import company

REQUEST: dict[str, Any] = {
    "requester_orgnr": BRREG,
    "party_id": FIRM,
    "from_date": "2017-09-03",
    "to_date": "2018-09-04",
    "only_primary_owner": True,
    "legal_mandate": MANDATE,
    "correlation_id": "c0000000-0000-4000-8000-000000000001",
    "account_info_request_id": "a0000000-0000-4000-8000-000000000001",
    "scope": "transactions",
}


@pytest.fixture
def bank(konkurs: CommandLine) -> CommandLine:
    return konkurs.filled(_poll)


def _poll(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    serve_opening(konkurs)
    assert konkurs(*RUN).code == 0


def ask(bank: CommandLine, *options: str, **changed: object) -> CommandResult:
    bank.patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps({**REQUEST, **changed}).encode())))
    return bank("control-request", *options)


def answered(bank: CommandLine, **changed: object) -> ControlAnswer:
    result = ask(bank, "--json", **changed)
    assert (result.code, result.err) == (0, "")
    return ControlAnswer.model_validate_json(result.out)


def recorded(bank: CommandLine) -> list[dict[str, Any]]:
    with duckdb.connect(str(bank.data / "konkurs.duckdb"), read_only=True) as con:
        found = con.execute("FROM control_requests ORDER BY received_at")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_a_trustee_s_request_is_allowed_and_recorded_without_the_party_s_number(bank: CommandLine) -> None:
    found = answered(bank)
    assert (found.decision, found.reasons) == ("allow", ())
    assert (found.ruling_date, found.earliest_from_date) == (dt.date(2018, 9, 3), dt.date(2017, 9, 3))
    (row,) = recorded(bank)
    assert (row["request_id"], row["opening_uuid"]) == (found.request_id, found.opening_uuid)
    assert (row["decision"], row["reasons"], row["requester_orgnr"]) == ("allow", "", BRREG)
    assert (row["from_date"], row["scope"]) == (dt.date(2017, 9, 3), "transactions")
    assert FIRM.encode() not in (bank.data / "control_requests.jsonl").read_bytes()


def test_a_rejection_gives_every_reason_and_is_recorded_too(bank: CommandLine) -> None:
    found = answered(bank, party_id=company("well"), only_primary_owner=False, requester_orgnr=company("other"))
    assert found.decision == "reject"
    assert set(found.reasons) == {"requester_not_allowed", "no_bankruptcy", "not_only_primary_owner"}
    (row,) = recorded(bank)
    assert set(row["reasons"].split(",")) == set(found.reasons)


def test_a_bank_without_a_recent_poll_rejects_as_not_up_to_date(bank: CommandLine) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=8)
    bank.patch.setattr("konkurs_pipeline.cli.record.control_request.utc_now", lambda: later)
    found = answered(bank, party_id=company("well"))
    assert found.decision == "reject"
    assert "not_up_to_date" in found.reasons


def test_a_request_is_recorded_while_a_poll_holds_the_store(bank: CommandLine) -> None:
    with open_store(load_settings(bank.environ, dotenv=bank.folder / "none")):
        assert answered(bank).decision == "allow"
    assert len(recorded(bank)) == 1


def test_a_half_written_line_of_a_crash_harms_no_other_line(bank: CommandLine) -> None:
    answered(bank)
    with (bank.data / "control_requests.jsonl").open("ab") as journal:
        journal.write(b'{"request_id": "half')
    assert len(recorded(bank)) == 1
    answered(bank)
    assert len(recorded(bank)) == 2


@pytest.mark.parametrize("field", ["correlation_id", "account_info_request_id", "scope", "legal_mandate"])
def test_the_party_s_number_is_stored_nowhere(bank: CommandLine, field: str) -> None:
    answered(bank, **{field: f"about {FIRM}"})
    assert FIRM.encode() not in (bank.data / "control_requests.jsonl").read_bytes()


CHANGES: list[dict[str, Any]] = [
    {},
    {"legal_mandate": "kkl.%20%C2%A7156%20(3)%20og%20(4),%20jf.%20kkfor.%C2%A721"},
    {"legal_mandate": "kkl.+%C2%A7156+%283%29+og+%284%29%2C+jf.+kkfor.%C2%A721"},
    {"requester_orgnr": "910425463", "only_primary_owner": False, "legal_mandate": "x"},
    {"from_date": "2017-09-02", "to_date": "2099-01-01"},
    {"party_id": "K-1", "from_date": "2018-09-04", "to_date": "2018-09-03"},
]


def test_the_macro_for_jdbc_answers_as_the_command_does(bank: CommandLine) -> None:
    with duckdb.connect(str(bank.data / "konkurs.duckdb"), read_only=True) as con:
        for changed in CHANGES:
            found = answered(bank, **changed)
            row = con.execute(
                "SELECT decision, reasons, opening_uuid, earliest_from_date FROM control_request(?, ?, ?, ?, ?, ?)",
                list({**REQUEST, **changed}.values())[:6],
            ).fetchone()
            assert row == (found.decision, [*found.reasons], found.opening_uuid, found.earliest_from_date)


UNREADABLE = [
    pytest.param("", "standard input", id="nothing"),
    pytest.param("{", "JSON", id="no JSON"),
    pytest.param("[]", "request cannot be read", id="no object"),
    pytest.param(json.dumps({**REQUEST, "from_date": FIRM}), "from_date", id="no date"),
    pytest.param(json.dumps({**REQUEST, "only_primary_owner": "yes"}), "only_primary_owner", id="no boolean"),
    pytest.param(json.dumps({**REQUEST, FIRM: 1}), "a name not known", id="another field"),
    pytest.param(json.dumps({k: v for k, v in REQUEST.items() if k != "scope"}), "scope", id="a field missing"),
    pytest.param('{"party_id": "1", "party_id": "2"}', "JSON", id="a field twice"),
]


@pytest.mark.parametrize(("text", "why"), UNREADABLE)
def test_an_unreadable_request_is_a_usage_error_that_repeats_no_value(bank: CommandLine, text: str, why: str) -> None:
    bank.patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    result = bank("control-request", "--json")
    assert (result.code, result.out) == (2, "")
    assert why in complaint(result)
    assert FIRM not in result.err


def test_bytes_that_are_no_utf_8_are_a_usage_error(bank: CommandLine) -> None:
    latin = json.dumps(REQUEST, ensure_ascii=False).encode("latin-1")
    bank.patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(latin), encoding="utf-8"))
    result = bank("control-request", "--json")
    assert (result.code, result.out) == (2, "")
    assert "not UTF-8" in complaint(result)


def test_without_a_store_the_exit_code_is_1(konkurs: CommandLine) -> None:
    result = ask(konkurs, "--json")
    assert (result.code, result.out, konkurs.data.exists()) == (1, "", False)
