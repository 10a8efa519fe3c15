"""Receipts from core banking (docs/outbox.md): the effect of each kind, and the kinds without effect."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.status import current_status
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import FRIDAY, MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Bank, company, records

AT = "2018-09-03T15:00:00Z"


@pytest.fixture(scope="module")
def monday(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank whose first file blocks two accounts of one customer."""
    bank = new_bank(tmp_path_factory.mktemp("monday"))
    bank.customer("K-1", company("firm"))
    bank.account("K-1")
    bank.notice("aapning", company("firm"))
    bank.poll(MONDAY)
    return bank


@pytest.fixture
def exported(monday: Bank, bank: Bank) -> Bank:
    """Return a bank that stands where `monday` stands."""
    return bank.go_on_from(monday)


def ids(bank: Bank) -> list[str]:
    return [action["action_id"] for action in bank.all_actions()]


def receipt(bank: Bank, statuses: Sequence[str] = (), **changes: object) -> dict[str, Any]:
    """Return a receipt for the first file, with a status for each of its actions in order."""
    path = bank.shown()[0]
    actions = [
        {"action_id": action_id, "status": status, "code": None, "at": AT}
        for action_id, status in zip(ids(bank), statuses, strict=False)
    ]
    whole = {
        "schema": "konkurs-receipt/1",
        "file_id": records(path)[0]["file_id"],
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "status": "RECEIVED",
        "code": None,
        "actions": actions,
    }
    return {**whole, **changes}


def give(bank: Bank, content: dict[str, Any] | bytes, *, name: str | None = None) -> None:
    name = name or f"{bank.shown()[0].stem}.receipt.json"
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    (bank.settings.receipts_dir / name).write_bytes(raw)


def statuses(bank: Bank) -> list[str]:
    of_id = dict(bank.published("actions").select("action_id", "status").iter_rows())
    return [of_id[action_id] for action_id in ids(bank)]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("APPLIED", "applied"),
        ("ALREADY_APPLIED", "already_applied"),
        ("REJECTED", "rejected"),
        ("PENDING", "exported"),
    ],
)
def test_a_receipt_sets_the_status_of_each_action(exported: Bank, answer: str, status: str) -> None:
    give(exported, receipt(exported, [answer, "APPLIED"]))
    assert exported.poll(TUESDAY).detail is None
    assert statuses(exported) == [status, "applied"]


def test_a_confirmed_action_carries_core_banking_s_time_and_code(exported: Bank) -> None:
    given = receipt(exported)
    given["actions"] = [{"action_id": ids(exported)[0], "status": "REJECTED", "code": "E17", "at": AT}]
    give(exported, given)
    exported.poll(TUESDAY)
    (row,) = [r for r in exported.published("actions").to_dicts() if r["status"] == "rejected"]
    assert (row["status_code"], row["confirmed_at"].isoformat()) == ("E17", "2018-09-03T15:00:00+00:00")


def test_later_receipts_add_to_earlier_ones(exported: Bank) -> None:
    give(exported, receipt(exported, ["PENDING", "APPLIED"]))
    exported.poll(TUESDAY)
    assert statuses(exported) == ["exported", "applied"]
    give(exported, receipt(exported, ["APPLIED"]))
    exported.poll(WEDNESDAY)
    assert statuses(exported) == ["applied", "applied"]
    give(exported, receipt(exported, ["PENDING", "PENDING"]))
    exported.poll(THURSDAY)
    assert statuses(exported) == ["applied", "applied"], "a carried-out action stays so"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["REJECTED", "APPLIED"], "applied"),
        (["APPLIED", "REJECTED"], "rejected"),
        (["REJECTED", "PENDING"], "exported"),
        (["REJECTED", "REJECTED"], "rejected"),
    ],
    ids=" then ".join,
)
def test_of_several_answers_on_one_action_in_one_receipt_the_last_counts(
    exported: Bank, words: list[str], status: str
) -> None:
    action_id = ids(exported)[0]
    times = ["2018-09-03T15:00:00.000001Z", "2018-09-03T18:30:00+02:00"]
    actions = [{"action_id": action_id, "status": w, "code": w, "at": at} for w, at in zip(words, times, strict=True)]
    give(exported, receipt(exported, actions=actions))
    exported.poll(TUESDAY)
    assert statuses(exported) == [status, "exported"]
    last = dt.datetime.fromisoformat(times[1])
    (row,) = exported.published("actions").filter(action_id=action_id).to_dicts()
    history = exported.published("action_history").filter(action_id=action_id).sort("version")
    if status == "exported":
        assert (row["status_code"], row["confirmed_at"], row["pending_at"]) == (words[1], None, last)
        assert history["status"].to_list() == ["exported", "exported"]
        assert history["reported_at"].to_list() == [None, last]
        return
    assert (row["status_code"], row["confirmed_at"]) == (words[1], last)
    assert history["status"].to_list() == ["exported", status]
    assert (history["status_code"][1], history["reported_at"][1]) == (words[1], last)


def test_a_pending_action_is_shown_as_pending_until_it_is_done(exported: Bank) -> None:
    give(exported, receipt(exported, ["PENDING", "APPLIED"]))
    exported.poll(TUESDAY)
    assert exported.published("actions")["pending_at"].drop_nulls().to_list() == [dt.datetime.fromisoformat(AT)]
    status = current_status(exported.settings, utc_now())
    assert (status.unconfirmed, status.pending) == ({"BLOCK": 1}, {"BLOCK": 1})
    give(exported, receipt(exported, ["APPLIED", "APPLIED"]))
    exported.poll(WEDNESDAY)
    assert current_status(exported.settings, utc_now()).pending == {}


def test_a_time_after_the_reading_is_flagged_and_the_action_is_confirmed_as_of_the_reading(
    exported: Bank,
) -> None:
    future = utc_now() + dt.timedelta(days=400)
    given = receipt(exported, ["APPLIED", "APPLIED"])
    given["actions"][0]["at"] = future.isoformat()
    give(exported, given)
    before = utc_now()
    polled = exported.poll(TUESDAY)
    assert statuses(exported) == ["applied", "applied"]
    (row,) = exported.published("actions").filter(action_id=ids(exported)[0]).to_dicts()
    assert before <= row["confirmed_at"] <= utc_now()
    kept = exported.published("action_history").filter(action_id=ids(exported)[0], status="applied")
    assert kept["reported_at"].to_list() == [future]
    assert exported.published("receipts")["future_time_count"].to_list() == [1]
    assert "1 times were later than the reading" in (polled.detail or "")
    assert current_status(exported.settings, utc_now()).receipts_set_aside == 1


def spelled(path: str, how: Callable[[str], str]) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        where = document["actions"][0] if path.startswith("action.") else document
        key = path.removeprefix("action.")
        where[key] = how(where[key])

    return change


SPELLINGS: list[Any] = [
    pytest.param(spelled(path, how), id=f"{path} {name}")
    for path in ("file_id", "action.action_id")
    for name, how in {
        "in capitals": str.upper,
        "in braces": lambda text: "{" + text.upper() + "}",
        "in parentheses": lambda text: f"({text})",
        "without hyphens": lambda text: text.replace("-", ""),
        "as a URN": lambda text: f"urn:uuid:{text}",
        "with blanks": lambda text: f" \u00a0{text}\r\n",
    }.items()
]
SPELLINGS += [
    pytest.param(spelled("sha256", str.upper), id="sha256 in capitals"),
    pytest.param(spelled("sha256", lambda t: "-".join(t[n : n + 2] for n in range(0, 64, 2))), id="sha256 by bytes"),
    pytest.param(spelled("status", str.lower), id="status in small letters"),
    pytest.param(spelled("action.status", str.title), id="action status in mixed case"),
    pytest.param(spelled("action.at", lambda _: "2018-09-03T15:00Z"), id="a time without seconds"),
    pytest.param(spelled("action.at", lambda _: "2018-09-03 17:00:00+0200"), id="a time with an offset"),
    pytest.param(spelled("action.at", lambda _: "2018-09-03T15:00:00.0000000Z"), id="a time as .NET writes it"),
]


@pytest.mark.parametrize("change", SPELLINGS)
def test_an_unambiguous_value_is_read_in_any_spelling(exported: Bank, change: Callable[[dict[str, Any]], None]) -> None:
    given = receipt(exported, ["REJECTED", "APPLIED"])
    change(given)
    give(exported, given)
    assert exported.poll(TUESDAY).detail is None
    assert statuses(exported) == ["rejected", "applied"]
    (row,) = exported.published("actions").filter(action_id=ids(exported)[0]).to_dicts()
    assert row["confirmed_at"] == dt.datetime.fromisoformat(AT)


STRANGER = "00000000-0000-4000-8000-000000000000"


def test_a_receipt_without_a_known_action_is_set_aside(exported: Bank) -> None:
    give(exported, receipt(exported, actions=[{"action_id": STRANGER, "status": "REJECTED"}]))
    polled = exported.poll(TUESDAY)
    assert "none of the 1 actions that it names stands in the file" in (polled.detail or "")
    assert exported.published("receipts")["outcome"].to_list() == ["set_aside"]


def test_an_unknown_action_is_reported_and_flagged_and_the_others_count(exported: Bank) -> None:
    given = receipt(exported, ["APPLIED", "APPLIED"])
    given["actions"] += [{"action_id": "?", "status": "REJECTED"}] * 2
    give(exported, given)
    polled = exported.poll(TUESDAY)
    assert "receipt understood in part" in (polled.detail or "")
    assert "1 do not stand in the file" in (polled.detail or "")
    assert statuses(exported) == ["applied", "applied"]
    (row,) = exported.published("receipts").to_dicts()
    assert (row["outcome"], row["unknown_action_count"]) == ("taken", 1)
    (file,) = exported.published("outbox_files").head(1).to_dicts()
    assert (row["seq"], row["file_id"]) == (file["seq"], file["file_id"]), "the views join by their keys"


def test_a_receipt_for_a_person_is_an_alarm_until_it_is_corrected_or_removed(exported: Bank) -> None:
    give(exported, b"{", name="junk.receipt.json")
    exported.poll(TUESDAY)
    assert current_status(exported.settings, utc_now()).receipts_set_aside == 1
    (exported.settings.receipts_dir / "junk.receipt.json").unlink()
    exported.poll(WEDNESDAY)
    assert current_status(exported.settings, utc_now()).receipts_set_aside == 0
    give(exported, receipt(exported, ["APPLIED", "APPLIED"]))
    give(exported, b"{", name="junk.receipt.json")
    exported.poll(THURSDAY)
    assert current_status(exported.settings, utc_now()).receipts_set_aside == 1
    give(exported, b"{")
    exported.poll(FRIDAY)
    assert current_status(exported.settings, utc_now()).receipts_set_aside == 2, (
        "it is not known what replaced the good one"
    )


def test_all_actions_of_a_rejected_file_are_rejected(exported: Bank) -> None:
    give(exported, receipt(exported, status="REJECTED", code="F1"))
    exported.poll(TUESDAY)
    assert statuses(exported) == ["rejected", "rejected"]


def test_a_rejected_block_is_not_reopened_automatically(exported: Bank) -> None:
    give(exported, receipt(exported, ["REJECTED", "APPLIED"]))
    exported.notice("sletting", company("firm"), TUESDAY)
    assert sorted(exported.poll(TUESDAY).decided()) == [
        ("REOPEN", "K-1", "opening_deleted"),
        ("REVIEW", "K-1", "block_was_rejected"),
    ]


BROKEN: list[Any] = [
    pytest.param(b"{", {}, None, "cannot be read", id="no JSON"),
    pytest.param(b"", {}, None, "cannot be read", id="empty"),
    pytest.param(b"\xff\xfe", {}, None, "cannot be read", id="no UTF-8"),
    pytest.param(None, {"schema": "konkurs-receipt/2"}, None, "cannot be read", id="another schema"),
    pytest.param(None, {"status": "MAYBE"}, None, "cannot be read", id="unknown status"),
    pytest.param(None, {"actions": [{"action_id": "x", "status": "DONE"}]}, None, "cannot be read", id="action status"),
    pytest.param(
        None, {"file_id": "00000000-0000-4000-8000-000000000000"}, None, "never written", id="for an unknown file"
    ),
    pytest.param(None, {"sha256": "0" * 64}, None, "sha256", id="another hash"),
    pytest.param(None, {}, "KONKURS_DEMO_demo_00000009_x.receipt.json", "name", id="another name"),
]


@pytest.mark.parametrize(("raw", "changes", "name", "why"), BROKEN)
def test_an_invalid_receipt_is_set_aside_with_the_reason_and_changes_nothing(
    exported: Bank, raw: bytes | None, changes: dict[str, object], name: str | None, why: str
) -> None:
    give(exported, receipt(exported, ["APPLIED", "APPLIED"], **changes) if raw is None else raw, name=name)
    polled = exported.poll(TUESDAY)
    assert polled.detail is not None
    assert "receipt set aside" in polled.detail
    assert why in polled.detail
    assert polled.outcome == "nothing_new"
    assert statuses(exported) == ["exported", "exported"]
    assert exported.published("receipts")["outcome"].to_list() == ["set_aside"]
    assert current_status(exported.settings, utc_now()).receipts_set_aside == 1


def test_a_receipt_is_read_once_and_again_after_a_correction(exported: Bank) -> None:
    give(exported, b"{")
    assert exported.poll(TUESDAY).detail is not None
    assert exported.poll(WEDNESDAY).detail is None
    give(exported, receipt(exported, ["APPLIED", "APPLIED"]))
    exported.poll(THURSDAY)
    assert statuses(exported) == ["applied", "applied"]


def test_a_receipt_cannot_answer_another_file_s_actions(exported: Bank) -> None:
    exported.customer("K-2", company("second"))
    exported.notice("aapning", company("second"), TUESDAY)
    (other,) = exported.poll(TUESDAY).actions
    given = receipt(exported)
    given["actions"] = [{"action_id": other["action_id"], "status": "APPLIED", "code": None, "at": AT}]
    give(exported, given)
    exported.poll(WEDNESDAY)
    assert statuses(exported) == ["exported"] * 3
