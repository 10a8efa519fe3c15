"""The ready questions on a store with receipts, reviews with and without an outcome, and held rows."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from konkurs_pipeline.cli.running import build_app
from konkurs_pipeline.domain.actions.reviews import ReviewOutcome
from konkurs_pipeline.enquiries.questions import Question, question, questions
from konkurs_pipeline.enquiries.worklists.reviews import reviews_of
from konkurs_pipeline.errors import StoreError, UsageError
from konkurs_pipeline.storage.handoff.reviews import record_outcome
from konkurs_pipeline.storage.readers.published import Published
from konkurs_pipeline.storage.readers.query import ask
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, company, damaged, oslo, person, records

FIRM, OTHER, MAN = company("firm"), company("other"), person("man")


@pytest.fixture(scope="module")
def lived(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank with two answered reviews, of which one has an outcome, one open review, and a held BLOCK."""
    bank = new_bank(tmp_path_factory.mktemp("lived") / "data")
    for ref, number in (("K-1", FIRM), ("K-2", OTHER), ("K-3", MAN)):
        bank.customer(ref, number)
        bank.account(ref, "co_owner")
    bank.notice("aapning", FIRM)
    bank.notice("aapning", MAN)
    bank.notice("gjenaapning", damaged(FIRM))
    bank.poll(MONDAY)
    answer_newest_file(bank)
    bank.poll(TUESDAY)
    with bank.store() as store:
        first = next(row["action_id"] for row in bank.all_actions() if row["action"] == "REVIEW")
        record_outcome(store.ledger, first, ReviewOutcome.OTHER, by="Kari", note="asked", now=oslo(TUESDAY, "12:00"))
        store.publish()
    bank.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "0"
    bank.notice("aapning", OTHER, WEDNESDAY)
    bank.notice("avslutning", MAN, WEDNESDAY)
    bank.poll(WEDNESDAY)
    return bank


def answer_newest_file(bank: Bank) -> None:
    """Let core banking carry out everything in the newest file."""
    path = bank.shown()[-1]
    header, *rows, _ = records(path)
    actions = [
        {"action_id": r["action_id"], "status": "APPLIED", "at": oslo(MONDAY, "23:59").isoformat()} for r in rows
    ]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    receipt = {"schema": "konkurs-receipt/1", "file_id": header["file_id"], "sha256": digest, "status": "RECEIVED"}
    content = json.dumps({**receipt, "actions": actions})
    (bank.settings.receipts_dir / f"{path.stem}.receipt.json").write_text(content, encoding="utf-8")


def rows_of(bank: Bank, number: int) -> list[dict[str, Any]]:
    answer = ask(bank.layout, question(number).sql)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


@pytest.mark.parametrize("asked", questions(), ids=lambda asked: asked.title)
def test_a_question_gives_rows_on_such_a_store(lived: Bank, asked: Question) -> None:
    assert ask(lived.layout, asked.sql).rows


def test_a_review_stays_open_after_core_banking_applied_it_and_held_rows_are_no_reviews(lived: Bank) -> None:
    still_open = [review for review in reviews_of(Published(lived.layout)) if review.is_open]
    statuses = set(lived.published("actions").filter(action="REVIEW")["status"])
    assert {"applied", "exported"} <= statuses
    assert sum(row["reviews"] for row in rows_of(lived, 6)) == len(still_open)
    assert len(still_open) == len([row for row in lived.all_actions() if row["action"] == "REVIEW"]) - 1


def test_time_to_block_counts_written_and_not_held_rows(lived: Bank) -> None:
    assert lived.published("actions").filter(action="BLOCK", status="held").height == 1
    assert [row["blocks"] for row in rows_of(lived, 2)] == [2]


def test_the_numbers_of_the_questions_have_no_gap() -> None:
    assert [each.number for each in questions()] == list(range(1, len(questions()) + 1))


def test_an_unknown_question_number_is_refused_with_a_list() -> None:
    with pytest.raises(UsageError, match="no question 0") as refused:
        question(0)
    assert questions()[0].title in str(refused.value)


def test_without_a_store_the_answer_is_an_error_and_not_an_empty_table(bank: Bank) -> None:
    with pytest.raises(StoreError, match="no store"):
        ask(bank.layout, question(1).sql)


def test_a_damaged_file_is_named_and_no_row_of_it_is_shown(lived: Bank, bank: Bank) -> None:
    bank.go_on_from(lived)
    for path in Path(bank.layout.published).glob("*.parquet"):
        path.write_bytes(b"damaged")
    bank.layout.analyst_database.write_bytes(b"damaged")
    with pytest.raises(StoreError, match="konkurs"):
        ask(bank.layout, question(5).sql)


def command_line(bank: Bank, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    for name, value in {"KONKURS_DATA_DIR": str(bank.folder), "KONKURS_API_URL": bank.url, **bank.extra}.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(build_app("ask"), ["ask", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_answer_is_a_table_or_csv_or_json(lived: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = rows_of(lived, 2)
    assert question(2).title in command_line(lived, monkeypatch, "2")
    (answered,) = json.loads(command_line(lived, monkeypatch, "2", "--json"))["rows"]
    assert (answered["year"], answered["blocks"]) == (row["year"], row["blocks"])
    names, values = csv.reader(io.StringIO(command_line(lived, monkeypatch, "2", "--csv")))
    assert names == list(row)
    assert values[:2] == [str(row["year"]), str(row["blocks"])]
