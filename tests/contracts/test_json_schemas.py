"""The JSON Schemas of the package are current and valid, and every file that we write or read fits them (docs/outbox.md)."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from konkurs_pipeline.cli.running import build_app
from konkurs_pipeline.contracts.json_schemas import json_schemas
from konkurs_pipeline.contracts.outbox import ActionRecord
from konkurs_pipeline.contracts.receipt import parse_receipt
from konkurs_pipeline.domain.actions.reasons import Reason
from konkurs_pipeline.domain.matching import Doubt
from konkurs_pipeline.domain.notices import QuarantineReason
from konkurs_pipeline.receiver.checks import check_trailer, records_in
from tests.contracts.validity import SCHEMAS, assert_valid, validator

REGISTER: Final = Path(__file__).parents[2] / "data" / "register"
UUID: Final = "0b0d4c1e-7a0e-5a55-9d0b-4f3f6c0f0a01"
RECEIPT: Final[dict[str, Any]] = {
    "schema": "konkurs-receipt/1",
    "file_id": UUID,
    "sha256": "0" * 64,
    "status": "RECEIVED",
    "code": None,
    "actions": [{"action_id": UUID, "status": "APPLIED", "code": None, "at": "2018-09-03T15:00:00Z"}],
}


def test_the_files_of_the_package_are_current() -> None:
    kept = {path.name: json.loads(path.read_bytes()) for path in SCHEMAS.iterdir()}
    assert kept == json_schemas(), "run `make docs`"


@pytest.mark.parametrize("name", json_schemas())
def test_each_schema_is_valid_and_describes_every_property(name: str) -> None:
    schema = validator(name.removesuffix(".schema.json")).schema
    models = [schema, *schema.get("$defs", {}).values()]
    properties = [one for model in models for one in model.get("properties", {}).items()]
    assert properties
    assert [key for key, one in properties if "description" not in one and key != "name"] == []


def test_the_command_writes_them(tmp_path: Path) -> None:
    done = CliRunner().invoke(build_app("schemas"), ["schemas", "--out", str(tmp_path / "new")])
    assert {Path(line).name for line in done.stdout.splitlines()} == set(json_schemas())
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == {
        path.name: path.read_bytes() for path in SCHEMAS.iterdir()
    }


def test_the_command_names_a_folder_that_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = CliRunner().invoke(build_app("schemas"), ["schemas", "--out", str(tmp_path / "file")])
    assert "cannot be written" in str(done.exception)


@pytest.mark.parametrize(
    ("changes", "is_valid"),
    [
        ({}, True),
        ({"actions": []}, True),
        ({"remark": "more than the contract names"}, True),
        ({"schema": "konkurs-receipt/2"}, False),
        ({"status": "received"}, False),
        ({"sha256": "0" * 63}, False),
        ({"actions": [{"action_id": UUID}]}, False),
        ({"actions": [{"action_id": UUID, "status": "DONE"}]}, False),
        ({"actions": [{"action_id": UUID, "status": "APPLIED", "at": 1535986800}]}, False),
    ],
    ids=str,
)
def test_the_schema_of_a_receipt_accepts_the_documented_forms_only(changes: dict[str, Any], is_valid: bool) -> None:  # noqa: FBT001 -- a case
    assert validator("receipt").is_valid({**RECEIPT, **changes}) is is_valid


@given(
    status=st.sampled_from(["RECEIVED", "REJECTED"]),
    answers=st.lists(st.sampled_from(["APPLIED", "ALREADY_APPLIED", "REJECTED", "PENDING"]), max_size=3),
    code=st.none() | st.text(st.characters(codec="utf-8"), max_size=8),
    at=st.none() | st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
)
def test_a_receipt_that_fits_the_schema_is_read(
    status: str, answers: list[str], code: str | None, at: str | None
) -> None:
    actions = [{"action_id": UUID, "status": answer, "code": code, "at": at} for answer in answers]
    receipt = {**RECEIPT, "status": status, "code": code, "actions": actions}
    assert_valid("receipt", receipt)
    read = parse_receipt(json.dumps(receipt).encode())
    assert [one.status.value for one in read.actions] == answers


def test_the_schema_allows_every_reason_of_the_decision_table() -> None:
    record = dict.fromkeys(ActionRecord.model_fields) | {
        "record": "A",
        "n": 1,
        "action_id": UUID,
        "action": "REVIEW",
        "customer_ref": "K-1",
        "notice_uuid": UUID,
        "notice_type": "aapning",
        "registered_at": "2018-06-08T11:34:23.111Z",
        "matched_via": "debtor",
    }
    for reason in (*Reason, *Doubt, *QuarantineReason):
        assert_valid("outbox_record", {**record, "reason": reason.value})


@pytest.mark.parametrize(
    ("file", "name"), [("customers.csv", "register_customer"), ("accounts.csv", "register_account")]
)
def test_the_demo_register_is_valid_row_by_row(file: str, name: str) -> None:
    with (REGISTER / file).open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened, delimiter=";"))
    assert rows
    for row in rows:
        assert_valid(name, row)


PAGE: Final = Path(__file__).parents[2] / "docs" / "outbox.md"


def test_a_receiver_takes_the_examples_of_the_page() -> None:
    jsonl, manifest, receipt = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    header, actions, trailer = records_in(jsonl.encode())
    check_trailer(trailer, actions, jsonl.encode())
    assert {action.action.value for action in actions} == {"BLOCK", "REOPEN", "REVIEW", "INFORM"}
    assert header.seq == 1
    assert_valid("manifest", json.loads(manifest))
    assert_valid("receipt", json.loads(receipt))
