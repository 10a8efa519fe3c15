"""Any bytes of a receipt are taken, or set aside with a reason. They never stop a run and never invent a state."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.handoff.receipts import read_receipts
from konkurs_pipeline.storage.store import Store, open_store
from tests.fuzz.budget import fuzzed
from tests.fuzz.leaks import PERSON, holds_an_identifier
from tests.fuzz.mutations import damaged_bytes, damaged_json

NOW: Final = dt.datetime(2018, 9, 3, 15, tzinfo=dt.UTC)
NAME: Final = "KONKURS_DEMO_demo_00000001_20180903T140000Z"
FILE_ID: Final = "0b0d4c1e-7a0e-5a55-9d0b-4f3f6c0f0a01"
SHA256: Final = hashlib.sha256(b"the file").hexdigest()
ACTION_IDS: Final = [f"0b0d4c1e-7a0e-5a55-9d0b-4f3f6c0f0a1{n}" for n in range(3)]
RECEIPT: Final[dict[str, Any]] = {
    "schema": "konkurs-receipt/1",
    "file_id": FILE_ID,
    "sha256": SHA256,
    "status": "RECEIVED",
    "code": None,
    "actions": [
        {"action_id": ACTION_IDS[0], "status": "APPLIED", "code": None, "at": "2018-09-03T15:00:00Z"},
        {"action_id": ACTION_IDS[1], "status": "REJECTED", "code": "NO_SUCH_ACCOUNT", "at": "2018-09-03T15:00:00Z"},
        {"action_id": ACTION_IDS[2], "status": "PENDING", "code": None, "at": None},
    ],
}
BODIES: Final = (
    damaged_json(RECEIPT, {**RECEIPT, "status": "REJECTED", "actions": []})
    | damaged_bytes(json.dumps(RECEIPT).encode())
    | st.binary()
)
ALL: Final = {"exported", "applied", "already_applied", "rejected"}


def receipt_at(text: object) -> bytes:
    """Return a receipt whose first action has this text as its time."""
    actions = [{**RECEIPT["actions"][0], "at": text}]
    return json.dumps({**RECEIPT, "actions": actions}).encode()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store that wrote one file of three BLOCKs."""
    folder = tmp_path_factory.mktemp("bank")
    settings = load_settings({"KONKURS_DATA_DIR": str(folder / "data")}, dotenv=folder / "none")
    with open_store(settings) as opened:
        _write_a_file(opened)
        yield opened


def _write_a_file(store: Store) -> None:
    rest = {"created_at": NOW, "run_id": "run-1", "action_count": len(ACTION_IDS)}
    file = {"seq": 1, "file_id": FILE_ID, "base_name": NAME, "sha256": SHA256, **rest}
    block = {
        "action": "BLOCK",
        "customer_ref": "K-1",
        "notice_uuid": FILE_ID,
        "notice_type": "aapning",
        "registered_at_text": "2018-09-03T10:00:00.000Z",
        "matched_via": "debtor",
        "reason": "estate_open",
        "decided_at": NOW,
        "run_id": "run-1",
        "status": "exported",
        "seq": 1,
    }
    with store.ledger.transaction():
        store.ledger.append("outbox_files", [file])
        store.ledger.append("actions", [{"action_id": action_id, **block} for action_id in ACTION_IDS])


def _states(store: Store) -> dict[str, str]:
    return dict(store.ledger.rows("SELECT action_id, status FROM actions"))


def _taken_in(store: Store, folder: Path, body: bytes) -> list[str]:
    """Let the store read one receipt, every action exported before it."""
    with store.ledger.transaction():
        store.ledger.execute("UPDATE actions SET status = 'exported'", [])
        store.ledger.execute("DELETE FROM receipts", [])
    (folder / f"{NAME}.receipt.json").write_bytes(body)
    return read_receipts(store.ledger, folder, NOW)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the receipts folder."""
    return tmp_path_factory.mktemp("receipts")


@fuzzed(usual=25, cost=8)
@given(body=BODIES)
@example(body=receipt_at("0001-01-01T00:00:00+14:00"))
@example(body=receipt_at("9999-12-31T23:59:59-14:00"))
@example(body=receipt_at("0001-01-01T00:00:00Z"))
@example(body=receipt_at(1e18))
@example(body=json.dumps({**RECEIPT, "actions": [{**RECEIPT["actions"][0], "code": "\x00"}]}).encode())
@example(body=json.dumps({**RECEIPT, "actions": [{**RECEIPT["actions"][0], "action_id": "\ud800"}]}).encode())
@example(body=json.dumps({**RECEIPT, "file_id": PERSON}).encode())
def test_a_receipt_is_taken_or_set_aside_and_never_stops_a_run(store: Store, folder: Path, body: bytes) -> None:
    reasons = _taken_in(store, folder, body)

    states = _states(store)
    outcome = [row[0] for row in store.ledger.rows("SELECT outcome FROM receipts")]
    assert outcome == (["set_aside"] if reasons else ["taken"])
    assert set(states) == set(ACTION_IDS)
    assert set(states.values()) <= ALL
    assert not reasons or set(states.values()) == {"exported"}
    assert not any(holds_an_identifier(line.removeprefix(NAME)) for line in reasons)


@fuzzed(usual=25, cost=8)
@given(body=BODIES)
def test_an_action_is_confirmed_only_if_a_receipt_confirms_it(store: Store, folder: Path, body: bytes) -> None:
    _taken_in(store, folder, body)

    for action_id, state in _states(store).items():
        if state in {"applied", "already_applied"}:
            sent = {one["status"] for one in json.loads(body)["actions"] if one["action_id"] == action_id}
            assert state.upper() in sent


@fuzzed(usual=15, cost=16)
@given(body=BODIES)
@example(body=json.dumps({**RECEIPT, "status": "REJECTED"}).encode())
@example(body=json.dumps({**RECEIPT, "actions": [{"action_id": ACTION_IDS[0], "status": "REJECTED"}]}).encode())
def test_a_carried_out_action_stays_so_after_any_later_receipt(store: Store, folder: Path, body: bytes) -> None:
    _taken_in(store, folder, json.dumps(RECEIPT).encode())
    (folder / f"{NAME}.receipt.json").write_bytes(body)
    read_receipts(store.ledger, folder, NOW)

    assert _states(store)[ACTION_IDS[0]] in {"applied", "already_applied"}


@pytest.mark.parametrize(
    "name",
    [b"\xff", b"\xed\xa0\x80", "Å".encode(), b"a" * 240, b"\n"],
    ids=["no text", "surrogate", "text", "long", "LF"],
)
def test_a_receipt_of_any_name_is_set_aside(store: Store, tmp_path: Path, name: bytes) -> None:
    """Core banking names the files of the folder, and a file name may be text that cannot be stored."""
    path = bytes(tmp_path) + b"/" + name + b".receipt.json"
    Path(path.decode("utf-8", "surrogateescape")).write_bytes(json.dumps(RECEIPT).encode())

    reasons = read_receipts(store.ledger, tmp_path, NOW)

    assert len(reasons) == 1
    assert reasons[0].encode()


@pytest.mark.timeout(20)
def test_a_pipe_is_set_aside_without_waiting(store: Store, tmp_path: Path) -> None:
    """A run that read a pipe without a writer would wait for ever."""
    os.mkfifo(tmp_path / "pipe.receipt.json")

    assert len(read_receipts(store.ledger, tmp_path, NOW)) == 1
