"""`konkurs lookup` never gives a false all-clear (docs/operations.md)."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pytest

from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.ledger.erasures import mark_of
from konkurs_pipeline.storage.store import open_store
from tests.cli.conftest import CommandLine
from tests.cli.test_exit_codes import FIRM, RUN, complaint, serve_opening
from tests.pipeline.kit import company, damaged, person

AT = dt.datetime(2020, 1, 2, 12, tzinfo=dt.UTC)
OPENING = "11111111-1111-4111-8111-111111111111"
SPACED = f"{FIRM[:3]} {FIRM[3:6]} {FIRM[6:]}"


@pytest.fixture
def bank(konkurs: CommandLine) -> CommandLine:
    """Return a bank whose customer K-1 is a firm that went bankrupt, and which has polled."""
    return konkurs.filled(_poll)


def _poll(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},{company('earlier')},", f"K-2,{company('well')},,")
    serve_opening(konkurs)
    assert konkurs(*RUN).code == 0


def typed(bank: CommandLine, text: bytes) -> None:
    bank.patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))


def found(bank: CommandLine, *arguments: str) -> dict[str, Any]:
    said = bank("lookup", *arguments, "--json")
    assert said.code == 0
    answer: dict[str, Any] = json.loads(said.out)
    return answer


@pytest.mark.parametrize(
    "number",
    [FIRM, SPACED, SPACED.replace(" ", "."), SPACED.replace(" ", "\u00a0"), f" {FIRM}\t", f"{FIRM}."],
    ids=["plain", "spaces", "dots", "no-break spaces", "blanks around", "full stop"],
)
def test_spaces_and_dots_in_a_typed_number_are_ignored(bank: CommandLine, number: str) -> None:
    answer = found(bank, number)
    assert (answer["is_bankrupt"], answer["state"], answer["id_valid"]) == (True, "open", True)
    assert answer["account_history_from"] == "2017-09-03"


@pytest.mark.parametrize(
    "text", ["", " ", "K-1003", "91042546", "9104254631", "910425463X", "９１０４２５４６３", "080860-01471", "."]
)
def test_what_is_no_number_is_a_usage_error_and_never_an_answer(bank: CommandLine, text: str) -> None:
    said = bank("lookup", text, "--json")
    assert (said.code, said.out) == (2, "")
    assert "spaces and dots are ignored" in complaint(said)
    assert not text.strip(" .") or text not in said.err


@pytest.mark.parametrize("number", [damaged(FIRM), "000000000", damaged(person("x"))])
def test_a_number_that_fails_its_check_is_looked_up_and_said_to_fail(bank: CommandLine, number: str) -> None:
    said = bank("lookup", number)
    assert (said.code, "fails its check" in complaint(said)) == (0, True)
    assert found(bank, number)["id_valid"] is False
    assert number not in said.out + said.err


READING = [
    ("lookup", FIRM),
    ("lookup", "--customer", "K-1"),
    ("status",),
    ("held",),
    ("reviews",),
    ("gaps",),
    ("verify",),
    ("evidence", OPENING),
    ("ask", "1"),
    ("publish", "copy.duckdb", "--pseudonymise", "--key-file", "key"),
    ("compare",),
    ("erase",),
    ("report",),
    ("metrics",),
    ("release", "11111111", "--by", "Kari", "--reason", "seen"),
    ("review", "11111111", "--outcome", "blocked", "--by", "Kari", "--note", "seen"),
]


@pytest.mark.parametrize("arguments", READING, ids=lambda arguments: " ".join(arguments[:2]))
def test_a_command_that_needs_a_store_and_finds_none_exits_1_and_says_so(
    konkurs: CommandLine, arguments: tuple[str, ...]
) -> None:
    said = konkurs(*arguments)
    assert (said.code, said.out) == (1, "")
    assert "there is no store" in complaint(said)
    assert not konkurs.data.exists()


def test_the_answer_says_up_to_when_the_service_was_read(bank: CommandLine) -> None:
    known_up_to = dt.datetime.fromisoformat(found(bank, FIRM)["known_up_to"])
    assert abs(known_up_to - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=2)
    assert "has read the service up to" in bank("lookup", company("nobody")).out


def test_a_store_that_never_read_the_service_gives_no_all_clear(konkurs: CommandLine) -> None:
    konkurs.data.mkdir()
    with open_store(load_settings(konkurs.environ, dotenv=konkurs.folder / "none")):
        pass
    said = konkurs("lookup", FIRM)
    assert "this is no all-clear" in complaint(said)
    assert found(konkurs, FIRM)["known_up_to"] is None


def test_a_notice_of_an_unknown_type_is_no_all_clear(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    serve_opening(konkurs, "gjenaapning")
    konkurs(*RUN)
    assert "this is no all-clear" in complaint(konkurs("lookup", FIRM))


def test_each_line_of_standard_input_is_answered(bank: CommandLine) -> None:
    typed(bank, f"{company('well')}\n{SPACED}\n".encode())
    said = bank("lookup", "-", "--json")
    answers = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0
    assert [(one["line"], one["is_bankrupt"], one["id_valid"]) for one in answers] == [
        (1, False, True),
        (2, True, True),
    ]


def test_one_line_that_is_no_number_leaves_the_others_answered_and_exits_2(bank: CommandLine) -> None:
    typed(bank, f"K-1003\n\n{FIRM}".encode())
    said = bank("lookup", "-")
    assert said.code == 2
    assert said.out.startswith("line 3\nbankrupt: yes")
    assert [line[:16] for line in said.err.splitlines()[:2]] == ["konkurs: line 1 ", "konkurs: line 2 "]


def test_a_line_that_is_no_utf_8_is_no_number_and_leaves_the_others_answered(bank: CommandLine) -> None:
    typed(bank, b"\xff\xfe9\x001\x00\n" + FIRM.encode())
    said = bank("lookup", "-")
    assert said.code == 2
    assert said.out.startswith("line 2\nbankrupt: yes")


def test_as_of_a_time_to_come_says_what_is_known_now(bank: CommandLine) -> None:
    said = bank("lookup", FIRM, "--as-of", "9999-12-31T23:59Z")
    assert (said.code, "bankrupt: yes" in said.out) == (0, True)
    assert "konkurs: " not in said.err


def test_nothing_on_standard_input_is_a_usage_error(bank: CommandLine) -> None:
    typed(bank, b"")
    assert bank("lookup", "-").code == 2


def test_a_customer_is_looked_up_by_all_its_numbers(bank: CommandLine) -> None:
    answer = found(bank, "--customer", "K-1")
    assert (answer["customer_ref"], answer["is_bankrupt"]) == ("K-1", True)
    assert found(bank, company("earlier"))["is_bankrupt"], "by the number it had before"
    assert found(bank, "--customer", "K-2")["notices"] == []
    assert bank("lookup", "--customer", "K-9").code == 2


@pytest.mark.parametrize("arguments", [(), (FIRM, "--customer", "K-1")], ids=["neither", "both"])
def test_one_party_is_asked_about(bank: CommandLine, arguments: tuple[str, ...]) -> None:
    assert bank("lookup", *arguments).code == 2


def test_an_earlier_time_is_answered_with_what_was_known_and_done_then(bank: CommandLine) -> None:
    known_at = found(bank, FIRM)["notices"][0]["known_at"]
    before = dt.datetime.fromisoformat(known_at) - dt.timedelta(seconds=5)
    then = found(bank, FIRM, "--as-of", before.isoformat())
    assert (then["is_bankrupt"], then["notices"], then["actions"], then["known_up_to"]) == (False, [], [], None)
    assert found(bank, FIRM, "--as-of", known_at)["is_bankrupt"], "a time as it is shown includes its moment"


def test_a_time_that_is_shown_to_a_person_can_be_typed_as_it_stands(bank: CommandLine) -> None:
    out = bank("lookup", FIRM).out
    (row,) = [line for line in out.splitlines() if OPENING in line and "aapning" in line]
    shown = row.split("  ")[-1]
    assert found(bank, FIRM, "--as-of", shown)["is_bankrupt"]


def test_a_status_is_what_the_ledger_said_then(bank: CommandLine) -> None:
    bank.write_customers(f"K-1,{FIRM},,", f"K-3,{FIRM},,")
    bank(*RUN, KONKURS_MAX_BLOCKS_PER_RUN="0")
    (held,) = json.loads(bank("held", "--json").out)
    bank("release", held["run_id"][:8], "--by", "Kari", "--reason", "checked")
    bank(*RUN)
    now = {action["customer_ref"]: action["status"] for action in found(bank, FIRM)["actions"]}
    assert now == {"K-1": "exported", "K-3": "exported"}
    then = found(bank, FIRM, "--as-of", held["decided_at"])["actions"]
    assert {action["customer_ref"]: action["status"] for action in then} == {"K-1": "exported", "K-3": "held"}


def test_a_notice_and_an_action_are_named_by_a_unique_beginning(bank: CommandLine) -> None:
    action = found(bank, FIRM)["actions"][0]["action_id"]
    for beginning in (OPENING[:8], OPENING[:8].upper(), action[:8], action.upper(), action[:13]):
        assert OPENING in bank("evidence", beginning, "--json").out
    short = bank("evidence", OPENING[:7])
    assert (short.code, "8 characters" in complaint(short)) == (2, True)
    assert bank("evidence", "00000000").code == 2


def test_a_subject_gets_everything_on_one_page_with_source_reason_and_end(bank: CommandLine) -> None:
    typed(bank, f"{SPACED}\n".encode())
    said = bank("lookup", "-", "--subject", "--json")
    (page,) = [json.loads(line) for line in said.out.splitlines()]
    by_table = {kept["table"]: kept for kept in page["kept"]}
    assert by_table.keys() == {
        *(
            "raw_notices",
            "expanded_datasets",
            "debtors",
            "estates",
            "customer_matches",
            "actions",
            "answers",
            "register",
        )
    }
    assert by_table["raw_notices"]["content"]["debtor_id"] == FIRM
    assert all(kept["source"] and kept["why"] and kept["until"] for kept in page["kept"])
    assert by_table["register"]["content"]["customer_ref"] == "K-1"
    assert (said.code, page["line"], page["erased"]) == (0, 1, [])
    assert FIRM not in said.err


def test_a_page_for_a_person_is_readable_and_names_what_was_asked_by_its_line_alone(bank: CommandLine) -> None:
    typed(bank, f"{company('unheard of')}\n{FIRM}\n".encode())
    said = bank("lookup", "-", "--subject")
    first, second = said.out.split("What the bank keeps on the number of line 2")
    assert first.strip() == "What the bank keeps on the number of line 1: 0 things"
    for part in (
        "since   2018-",
        "from    the bank's own register",
        "until   as long as the bankruptcy is open",
        "why ",
    ):
        assert part in second


def test_a_subject_is_told_what_was_erased(bank: CommandLine) -> None:
    with open_store(load_settings(bank.environ, dotenv=bank.folder / "none")) as store:
        row = {"rule": "others", "erasure_id": OPENING, "erased_at": AT, "uuid": OPENING, "workday": AT.date()}
        more = {"type": "aapning", "registered_at": AT, "first_seen_at": AT, "answer_sha256": "0" * 64}
        store.ledger.append("erased_notices", [{**row, **more, "debtor_mark": mark_of(store.ledger, FIRM)}])
    typed(bank, FIRM.encode())
    said = bank("lookup", "-", "--subject")
    assert "Erased on 2020-01-02" in said.out


@pytest.mark.parametrize("arguments", [(FIRM,), ("-", "--as-of", "2018-09-04"), ("--customer", "K-1")])
def test_a_subjects_number_comes_from_standard_input_only(bank: CommandLine, arguments: tuple[str, ...]) -> None:
    typed(bank, FIRM.encode())
    said = bank("lookup", *arguments, "--subject")
    assert (said.code, said.out) == (2, "")
    assert FIRM not in said.err
