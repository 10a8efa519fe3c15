"""The reference receiver takes and answers a good file, and notices each kind of damage.

This is the conformance test for a receiver of core banking's own: the same outbox, damaged in the same ways.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from konkurs_pipeline.cli.running import build_app
from konkurs_pipeline.errors import UsageError
from konkurs_pipeline.receiver.receiver import FileResult, receive
from tests.contracts.validity import assert_valid
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Bank, company

NOW: Final = dt.datetime(2018, 9, 3, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def made(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank with three files: two BLOCKs, a REOPEN of them, and nothing."""
    bank = new_bank(tmp_path_factory.mktemp("made") / "data")
    bank.customer("=K-1", company("firm"))
    bank.account("=K-1")
    bank.notice("aapning", company("firm"))
    bank.poll(MONDAY)
    bank.notice("sletting", company("firm"), TUESDAY)
    bank.poll(TUESDAY)
    bank.poll(WEDNESDAY)
    return bank


class Folders:
    """An outbox that may be damaged, and the receipts folder beside it."""

    def __init__(self, folder: Path, bank: Bank) -> None:
        self.outbox, self.receipts = folder / "outbox", folder / "receipts"
        shutil.copytree(bank.settings.outbox_dir, self.outbox)
        self.receipts.mkdir()

    def receive(self) -> list[FileResult]:
        return list(receive(self.outbox, self.receipts, NOW))

    def file(self, number: int, ending: str) -> Path:
        return sorted(self.outbox.glob(f"*.{ending}"))[number]

    def receipt(self, number: int) -> dict[str, Any]:
        path = self.receipts / f"{self.file(number, 'jsonl').stem}.receipt.json"
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found

    def change(self, number: int, ending: str, old: str, new: str) -> None:
        """Change a file, its hashes and its sizes, so that only its content is wrong."""
        path = self.file(number, ending)
        text = path.read_bytes().decode()
        changed = re.sub(old, new, text, count=1)
        assert changed != text, "the change has an effect"
        path.write_bytes(changed.encode())
        if ending != "manifest.json":
            self.vouch(number)

    def vouch(self, number: int) -> None:
        """Make trailer and manifest fit the changed file."""
        jsonl = self.file(number, "jsonl")
        before, _, trailer = jsonl.read_bytes().removesuffix(b"\n").rpartition(b"\n")
        digest = sha256(before + b"\n").hexdigest()
        fitting = re.sub(rb'"sha256":"[0-9a-f]{64}"', f'"sha256":"{digest}"'.encode(), trailer)
        jsonl.write_bytes(before + b"\n" + fitting + b"\n")
        path = self.file(number, "manifest.json")
        manifest = json.loads(path.read_bytes())
        for file in manifest["files"]:
            content = (self.outbox / file["name"]).read_bytes()
            file.update(sha256=sha256(content).hexdigest(), bytes=len(content))
        path.write_text(json.dumps(manifest, separators=(",", ":")) + "\n", encoding="utf-8")


@pytest.fixture
def folders(made: Bank, tmp_path: Path) -> Folders:
    return Folders(tmp_path, made)


def statuses(receipt: dict[str, Any]) -> list[str]:
    return [action["status"] for action in receipt["actions"]]


def test_good_files_are_taken_in_sequence_and_answered(folders: Folders) -> None:
    assert [(answer.new, answer.known, answer.refused) for answer in folders.receive()] == [
        (2, 0, None),
        (2, 0, None),
        (0, 0, None),
    ]
    assert statuses(folders.receipt(0)) == ["APPLIED", "APPLIED"]
    for number in range(3):
        assert_valid("receipt", folders.receipt(number))
    assert folders.receive() == [], "only new manifests are read"


def test_the_pipeline_takes_the_receipts(made: Bank, new_bank: NewBank, tmp_path: Path) -> None:
    bank = new_bank(tmp_path / "data").go_on_from(made)
    assert len(list(receive(bank.settings.outbox_dir, bank.settings.receipts_dir, NOW))) == 3
    assert bank.poll(THURSDAY).detail is None
    assert set(bank.published("actions")["status"]) == {"applied"}
    assert set(bank.published("receipts")["outcome"]) == {"taken"}


def test_a_file_without_its_receipt_is_answered_again_and_not_carried_out_again(folders: Folders) -> None:
    folders.receive()
    (folders.receipts / f"{folders.file(1, 'jsonl').stem}.receipt.json").unlink()
    assert [(answer.new, answer.known) for answer in folders.receive()] == [(0, 2)]
    assert statuses(folders.receipt(1)) == ["ALREADY_APPLIED"] * 2


def test_an_action_that_comes_again_in_another_file_is_recognised(folders: Folders) -> None:
    before = folders.file(0, "jsonl").read_text(encoding="utf-8").split("\n")
    action_id = json.loads(before[1])["action_id"]
    folders.change(1, "jsonl", r'"action_id":"[^"]*"', f'"action_id":"{action_id}"')
    folders.change(1, "csv", r'(\r\n"1";)"[^"]*"', rf'\1"{action_id}"')
    # The next file no longer follows it in the chain.
    assert [(answer.new, answer.known) for answer in folders.receive()][:2] == [(2, 0), (1, 1)]
    assert statuses(folders.receipt(1)) == ["ALREADY_APPLIED", "APPLIED"]


def test_a_taken_file_may_be_removed_from_the_outbox(folders: Folders, tmp_path: Path) -> None:
    later = [folders.file(2, ending) for ending in ("jsonl", "csv", "manifest.json")]
    for path in later:
        path.rename(tmp_path / path.name)
    assert len(folders.receive()) == 2
    for path in folders.outbox.iterdir():
        path.unlink()
    for path in later:
        (tmp_path / path.name).rename(path)
    assert [answer.refused for answer in folders.receive()] == [None]


def _remove(folders: Folders, number: int, *endings: str) -> None:
    for ending in endings:
        folders.file(number, ending).unlink()


def _cut(folders: Folders) -> None:
    """Cut the line end off and make the manifest fit."""
    jsonl, path = folders.file(0, "jsonl"), folders.file(0, "manifest.json")
    content = jsonl.read_bytes()[:-1]
    jsonl.write_bytes(content)
    manifest = json.loads(path.read_bytes())
    manifest["files"][0].update(sha256=sha256(content).hexdigest(), bytes=len(content))
    path.write_text(json.dumps(manifest, separators=(",", ":")), encoding="utf-8")


Damage = Callable[[Folders], object]
WRONG: Final[dict[str, tuple[str, int, Damage]]] = {
    "a byte of the .jsonl": (
        "FILE_DAMAGED",
        0,
        lambda f: f.file(0, "jsonl").write_bytes(f.file(0, "jsonl").read_bytes().replace(b"BLOCK", b"BLACK", 1)),
    ),
    "a byte of the .csv": (
        "FILE_DAMAGED",
        0,
        lambda f: f.file(0, "csv").write_bytes(f.file(0, "csv").read_bytes() + b"\r\n"),
    ),
    "a file that is not there": ("FILE_MISSING", 0, lambda f: _remove(f, 0, "csv")),
    "a gap": (
        "SEQ_GAP",
        1,
        lambda f: _remove(f, 1, "manifest.json", "csv", "jsonl"),
    ),
    "a file that does not follow": (
        "CHAIN_BROKEN",
        1,
        lambda f: f.change(1, "jsonl", '"prev_sha256":"[0-9a-f]{4}', '"prev_sha256":"0000'),
    ),
    "a manifest that is cut": ("MANIFEST_INVALID", 0, lambda f: f.change(0, "manifest.json", "}\n", "")),
    "a manifest with a key more": (
        "MANIFEST_INVALID",
        0,
        lambda f: f.change(0, "manifest.json", '{"schema"', '{"x":1,"schema"'),
    ),
    "a manifest that names a file elsewhere": (
        "MANIFEST_INVALID",
        0,
        lambda f: f.change(0, "manifest.json", '"name":"KONKURS', '"name":"../KONKURS'),
    ),
    "a manifest with equal keys": (
        "MANIFEST_INVALID",
        0,
        lambda f: f.change(0, "manifest.json", '"seq":1', '"seq":2,"seq":1'),
    ),
    "a manifest that counts other rows": (
        "MANIFEST_INVALID",
        0,
        lambda f: f.change(0, "manifest.json", '"rows":2', '"rows":3'),
    ),
    "another seq than the name's": ("RECORD_INVALID", 0, lambda f: f.change(0, "jsonl", '"seq":1', '"seq":2')),
    "no header": ("RECORD_ORDER", 0, lambda f: f.change(0, "jsonl", r"^[^\n]*\n", "")),
    "an action after the trailer": (
        "RECORD_ORDER",
        0,
        lambda f: f.change(0, "jsonl", r'(\{"record":"A"[^\n]*\n)(\{"record":"T"[^\n]*\n)', r"\2\1"),
    ),
    "a number left out": ("RECORD_ORDER", 0, lambda f: f.change(0, "jsonl", '"n":2', '"n":3')),
    "a line that is no JSON": ("RECORD_INVALID", 0, lambda f: f.change(0, "jsonl", '"record":"A"', '"record":"A')),
    "equal keys": ("RECORD_INVALID", 0, lambda f: f.change(0, "jsonl", '"n":1', '"n":2,"n":1')),
    "a key in another place": (
        "RECORD_INVALID",
        0,
        lambda f: f.change(0, "jsonl", '("n":1),("action_id":"[^"]*")', r"\2,\1"),
    ),
    "a key that is missing": ("RECORD_INVALID", 0, lambda f: f.change(0, "jsonl", ',"caused_by":null', "")),
    "an action that is not known": ("RECORD_INVALID", 0, lambda f: f.change(0, "jsonl", '"BLOCK"', '"FREEZE"')),
    "an account number that lost its zeros": (
        "RECORD_INVALID",
        0,
        lambda f: f.change(0, "jsonl", '"account_no":"([0-9]{10})[0-9]"', r'"account_no":"\1"'),
    ),
    "an account number as a number": (
        "RECORD_INVALID",
        0,
        lambda f: f.change(0, "jsonl", '"account_no":"([0-9]*)"', r'"account_no":9\1'),
    ),
    "another schema": ("RECORD_INVALID", 0, lambda f: f.change(0, "jsonl", "konkurs-actions/1", "konkurs-actions/2")),
    "a trailer that counts otherwise": ("TRAILER_WRONG", 0, lambda f: f.change(0, "jsonl", '"BLOCK":2', '"BLOCK":1')),
    "a trailer with another sum": (
        "TRAILER_WRONG",
        0,
        lambda f: f.change(0, "jsonl", '"account_hash":[0-9]+', '"account_hash":7'),
    ),
    "a CSV with another account": ("CSV_DIFFERS", 0, lambda f: f.change(0, "csv", '"BLOCK"', '"REVIEW"')),
    "a CSV that a spreadsheet saved": ("CSV_DIFFERS", 0, lambda f: f.change(0, "csv", "\r\n", "\n")),
    "a CSV without its formula guard": ("CSV_DIFFERS", 0, lambda f: f.change(0, "csv", "'=K", "=K")),
    "a file that was cut": (
        "RECORD_ORDER",
        0,
        _cut,
    ),
}


@pytest.mark.parametrize(("code", "taken", "damage"), WRONG.values(), ids=WRONG)
def test_a_damaged_file_is_noticed_and_no_file_after_it_is_taken(
    folders: Folders, code: str, taken: int, damage: Damage
) -> None:
    damage(folders)
    answers = folders.receive()
    assert [answer.refused is None for answer in answers] == [True] * taken + [False]
    assert str(answers[-1].refused).startswith(code)
    assert code in {"MANIFEST_INVALID", "SEQ_GAP"} or folders.receipt(taken)["code"] == code
    receipts = list(folders.receipts.glob("*.receipt.json"))
    assert len(receipts) == taken + (
        code not in {"MANIFEST_INVALID", "SEQ_GAP"} or "counts" in str(answers[-1].refused)
    )


def test_a_sequence_number_with_other_bytes_is_refused(folders: Folders) -> None:
    folders.receive()
    folders.change(2, "jsonl", '"run_id":"[^"]*"', '"run_id":"another"')
    (folders.receipts / f"{folders.file(2, 'jsonl').stem}.receipt.json").unlink()
    assert str(folders.receive()[0].refused).startswith("CHANGED_AFTERWARDS")


def test_a_file_of_another_bank_is_refused(folders: Folders) -> None:
    folders.receive()
    state = folders.receipts / "receiver.json"
    state.write_text(state.read_text(encoding="utf-8").replace('"DEMO"', '"OTHER"'), encoding="utf-8")
    (folders.receipts / f"{folders.file(2, 'jsonl').stem}.receipt.json").unlink()
    assert str(folders.receive()[0].refused).startswith("WRONG_PLACE")


def test_the_command_prints_what_it_took_and_exits_1_if_a_file_is_refused(folders: Folders) -> None:
    def run() -> Any:  # noqa: ANN401 -- typer's own
        return CliRunner().invoke(
            build_app("receive"), ["receive", str(folders.outbox), str(folders.receipts)], standalone_mode=False
        )

    done = run()
    assert (done.return_value, len(done.stdout.splitlines())) == (0, 3)
    (folders.receipts / f"{folders.file(2, 'jsonl').stem}.receipt.json").unlink()
    folders.file(2, "csv").unlink()
    done = run()
    assert (done.return_value, done.stdout) == (1, "")
    assert "FILE_MISSING" in done.stderr


def test_a_missing_receipts_folder_is_created(folders: Folders) -> None:
    folders.receipts.rmdir()
    assert len(folders.receive()) == 3
    assert len(list(folders.receipts.glob("*.receipt.json"))) == 3


def test_a_missing_outbox_is_a_usage_error(folders: Folders, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder; expected: the outbox"):
        list(receive(tmp_path / "none", folders.receipts, NOW))
