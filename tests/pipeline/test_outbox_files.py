"""The files core banking reads, to the letter of docs/outbox.md: names, records, trailer, CSV, manifest, chain."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import re
import stat
import uuid
from pathlib import Path

import pytest

from konkurs_pipeline.errors import StoreError
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, Polled, company, oslo, person, records

HEADER_KEYS = [
    *("record", "schema", "file_id", "seq", "prev_sha256", "bank", "environment", "created_at", "run_id"),
    *("from_workday", "to_workday", "register_sha256", "policy"),
]
ACTION_KEYS = [
    *("record", "n", "action_id", "action", "customer_ref", "account_no", "notice_uuid", "notice_type"),
    *("registered_at", "ruling_date", "matched_via", "reason", "caused_by"),
]
TRAILER_KEYS = ["record", "actions", "BLOCK", "REOPEN", "REVIEW", "INFORM", "account_hash", "sha256"]
NAME = re.compile(r"KONKURS_TESTBANK_demo_(\d{8})_(\d{8}T\d{6}Z)\.jsonl")
# A customer reference may be any text; a spreadsheet would run this one.
FORMULA_REF = '=HYPERLINK("x";"y")'


class Story:
    """Three polls: two blocks and a review, nothing, and a reopening with a review that answers the first."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        bank.extra["KONKURS_BANK_ID"] = "TESTBANK"
        bank.customer("K-1", company("firm"), name="Ærlig Øl & Å AS")
        self.co_owned = bank.account("K-1", "co_owner")
        bank.customer(FORMULA_REF, person("debtor"), name="Prøvar Skinnvik")
        self.opening = bank.notice("aapning", company("firm"))
        bank.notice("aapning", person("debtor"))
        self.polls: list[Polled] = [bank.poll(MONDAY), bank.poll(TUESDAY)]
        bank.notice("sletting", company("firm"), WEDNESDAY)
        self.polls.append(bank.poll(WEDNESDAY))

    @property
    def files(self) -> list[Path]:
        return self.bank.shown()


@pytest.fixture(scope="module")
def story(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(new_bank(tmp_path_factory.mktemp("files")))


def test_each_poll_writes_one_file_even_without_an_action(story: Story) -> None:
    assert [polled.file for polled in story.polls] == story.files
    assert [len(polled.actions) for polled in story.polls] == [3, 0, 2]


def test_the_sequence_starts_at_one_without_gaps_and_stands_in_the_name(story: Story) -> None:
    for seq, path in enumerate(story.files, start=1):
        header = records(path)[0]
        named = NAME.fullmatch(path.name)
        assert named is not None
        created_at = dt.datetime.fromisoformat(header["created_at"])
        assert (header["seq"], named[1], named[2]) == (seq, f"{seq:08d}", f"{created_at:%Y%m%dT%H%M%SZ}")


def test_each_file_names_the_hash_of_the_one_before_it(story: Story) -> None:
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in story.files]
    assert [records(path)[0]["prev_sha256"] for path in story.files] == [None, *hashes[:-1]]


def test_the_keys_of_header_actions_and_trailer_stand_in_the_contract_s_order(story: Story) -> None:
    for path in story.files:
        header, *actions, trailer = records(path)
        assert list(header) == HEADER_KEYS
        assert list(trailer) == TRAILER_KEYS
        assert all(list(action) == ACTION_KEYS for action in actions)
        assert path.read_bytes().endswith(b"}\n")


def test_the_header_names_bank_run_and_workdays(story: Story) -> None:
    header = records(story.files[1])[0]
    assert (header["record"], header["schema"], header["policy"]) == ("H", "konkurs-actions/1", "2")
    assert (header["bank"], header["environment"]) == ("TESTBANK", "demo")
    assert (header["run_id"], header["from_workday"], header["to_workday"]) == ("run-2", "2018-09-04", "2018-09-04")
    assert uuid.UUID(header["file_id"])
    assert re.fullmatch(r"[0-9a-f]{64}", header["register_sha256"])


def test_an_action_row_holds_the_notice_s_values_as_received(story: Story) -> None:
    first = story.polls[0].actions[0]
    assert (first["record"], first["n"], first["notice_type"]) == ("A", 1, "aapning")
    assert first["registered_at"] == story.opening.registered_at_text
    assert first["ruling_date"] == "2018-09-03"
    assert uuid.UUID(first["action_id"]).version == 5


def test_the_trailer_counts_and_hashes_the_lines_before_it(story: Story) -> None:
    for path in story.files:
        lines = path.read_bytes().splitlines(keepends=True)
        _, *actions, trailer = records(path)
        kinds = [action["action"] for action in actions]
        assert trailer["record"] == "T"
        assert trailer["actions"] == len(actions)
        assert [trailer[kind] for kind in ("BLOCK", "REOPEN", "REVIEW", "INFORM")] == [
            kinds.count(kind) for kind in ("BLOCK", "REOPEN", "REVIEW", "INFORM")
        ]
        assert trailer["account_hash"] == sum(int(a["account_no"] or 0) for a in actions) % 10**11
        assert trailer["sha256"] == hashlib.sha256(b"".join(lines[:-1])).hexdigest()


def test_the_csv_has_the_same_rows_quoted_with_semicolons_and_crlf(story: Story) -> None:
    for path in story.files:
        raw = path.with_suffix(".csv").read_bytes()
        assert not raw.startswith(b"\xef\xbb\xbf")
        assert raw.endswith(b"\r\n")
        assert raw.count(b"\n") == raw.count(b"\r\n")
        columns, *rows = csv.reader(io.StringIO(raw.decode(), newline=""), delimiter=";", strict=True)
        assert columns == ACTION_KEYS[1:]
        expected = [
            ["" if action[key] is None else str(action[key]) for key in ACTION_KEYS[1:]]
            for action in records(path)[1:-1]
        ]
        assert [[cell.removeprefix("'") for cell in row] for row in rows] == expected
        first_line = raw.split(b"\r\n")[0]
        assert first_line == b";".join(f'"{key}"'.encode() for key in ACTION_KEYS[1:])


def test_a_cell_that_a_spreadsheet_would_run_is_neutralised_in_the_csv_and_whole_in_the_jsonl(story: Story) -> None:
    raw = story.files[0].with_suffix(".csv").read_text(encoding="utf-8")
    assert '"\'=HYPERLINK(""x"";""y"")"' in raw
    assert FORMULA_REF in {a["customer_ref"] for a in story.polls[0].actions}


def test_the_manifest_names_both_files_with_hash_size_and_rows(story: Story) -> None:
    for path in story.files:
        header, *actions, _ = records(path)
        manifest = json.loads(path.with_name(f"{path.stem}.manifest.json").read_bytes())
        assert list(manifest) == ["schema", "seq", "file_id", "files"]
        assert manifest["schema"] == "konkurs-actions-manifest/1"
        assert (manifest["seq"], manifest["file_id"]) == (header["seq"], header["file_id"])
        assert manifest["files"] == [
            {
                "name": each.name,
                "sha256": hashlib.sha256(each.read_bytes()).hexdigest(),
                "bytes": each.stat().st_size,
                "rows": len(actions),
            }
            for each in (path, path.with_suffix(".csv"))
        ]
        assert [list(each) for each in manifest["files"]] == [["name", "sha256", "bytes", "rows"]] * 2


def test_no_identifier_and_no_name_stands_in_the_files(story: Story) -> None:
    shown = b"".join(path.read_bytes() for path in story.bank.settings.outbox_dir.iterdir())
    for _, national_id, _, name in story.bank.customers:
        assert national_id.encode() not in shown
        assert name.encode() not in shown


def test_nothing_else_stands_in_the_outbox(story: Story) -> None:
    assert {path.name for path in story.bank.settings.outbox_dir.iterdir()} == {
        f"{path.stem}{ending}" for path in story.files for ending in (".jsonl", ".csv", ".manifest.json")
    }


def test_only_core_banking_s_group_can_read_the_outbox(story: Story) -> None:
    assert {stat.S_IMODE(path.stat().st_mode) for path in story.bank.layout.outbox.iterdir()} == {0o640}


def test_only_the_owner_can_read_files_with_identifiers(story: Story) -> None:
    layout = story.bank.layout
    tables = [path for path in layout.lake.iterdir() if path.is_dir()]
    folders = [*tables, *layout.answers.iterdir(), layout.ledger.parent, layout.published]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    kept = [path for folder in folders[:-1] for path in folder.rglob("*") if path.is_file()]
    assert len(kept) > 10
    assert {stat.S_IMODE(path.stat().st_mode) for path in [*kept, layout.analyst_database]} == {0o600}


def test_only_the_owner_can_read_the_published_tables(story: Story) -> None:
    published = list(story.bank.layout.published.iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in published} == {0o600}


def test_only_the_owner_can_open_the_lake_s_folder(story: Story) -> None:
    assert stat.S_IMODE(story.bank.layout.lake.stat().st_mode) == 0o700


def test_an_action_is_written_once_ever_however_often_its_days_are_polled(bank: Bank) -> None:
    bank.customer("K-1", company("firm"))
    bank.notice("aapning", company("firm"))
    bank.poll(MONDAY)
    before = {path: path.read_bytes() for path in bank.settings.outbox_dir.iterdir()}
    assert bank.poll(MONDAY).actions == []
    assert bank.poll(MONDAY, WEDNESDAY).actions == []
    assert {path: path.read_bytes() for path in before} == before, "a file once shown is never changed"


def test_the_same_decision_has_the_same_id_in_another_store(bank: Bank, new_bank: NewBank, tmp_path: Path) -> None:
    def ids(one: Bank) -> list[str]:
        one.customer("K-1", company("firm"))
        one.notice("aapning", company("firm"))
        return [a["action_id"] for a in one.poll(MONDAY, now=oslo(TUESDAY, "12:00")).actions]

    here = ids(bank)
    assert len(here) == 1
    assert ids(new_bank(tmp_path / "other")) == here


def test_a_ledger_restored_from_an_old_copy_stops_before_a_sequence_number_is_used_twice(bank: Bank) -> None:
    bank.customer("K-1", company("firm"))
    bank.poll(MONDAY)
    old = bank.layout.ledger.read_bytes()
    bank.notice("aapning", company("firm"), TUESDAY)
    bank.poll(TUESDAY)
    bank.layout.ledger.write_bytes(old)
    assert isinstance(bank.try_poll(WEDNESDAY), StoreError)
    assert [records(path)[0]["seq"] for path in bank.shown()] == [1, 2]


def test_a_file_with_other_bytes_in_the_outbox_stops_the_run_and_is_not_overwritten(bank: Bank) -> None:
    bank.customer("K-1", company("firm"))
    bank.poll(MONDAY)
    with bank.store() as store:
        ((base_name,),) = store.ledger.rows("SELECT base_name FROM outbox_files")
        store.ledger.execute("INSERT INTO outbox_pending VALUES (1, ?)", [base_name])
    strange = bank.settings.outbox_dir / f"{base_name}.csv"
    strange.write_bytes(b"something else")
    error = bank.try_poll(TUESDAY)
    assert isinstance(error, StoreError)
    assert strange.read_bytes() == b"something else"
    assert len(bank.shown()) == 1
