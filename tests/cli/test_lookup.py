"""`konkurs lookup` never gives a false all-clear (docs/operations.md)."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pytest

from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.ledger.erasures import marks_of
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
    result = bank("lookup", *arguments, "--json")
    assert result.code == 0
    answer: dict[str, Any] = json.loads(result.out)
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
def test_text_that_is_no_number_is_a_usage_error_and_never_an_answer(bank: CommandLine, text: str) -> None:
    result = bank("lookup", text, "--json")
    assert (result.code, result.out) == (2, "")
    assert "spaces and dots are ignored" in complaint(result)
    assert not text.strip(" .") or text not in result.err


@pytest.mark.parametrize("number", [damaged(FIRM), "000000000", damaged(person("x"))])
def test_a_number_that_fails_its_check_is_looked_up_with_a_warning(bank: CommandLine, number: str) -> None:
    result = bank("lookup", number)
    assert (result.code, "fails its check" in complaint(result)) == (0, True)
    assert found(bank, number)["id_valid"] is False
    assert number not in result.out + result.err


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
def test_a_command_that_needs_a_store_and_finds_none_reports_it_and_exits_1(
    konkurs: CommandLine, arguments: tuple[str, ...]
) -> None:
    result = konkurs(*arguments)
    assert (result.code, result.out) == (1, "")
    assert "there is no store" in complaint(result)
    assert not konkurs.data.exists()


def test_the_answer_gives_the_time_of_the_last_good_poll(bank: CommandLine) -> None:
    known_up_to = dt.datetime.fromisoformat(found(bank, FIRM)["known_up_to"])
    assert abs(known_up_to - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=2)
    assert "has read the service up to" in bank("lookup", company("nobody")).out


def test_a_store_that_never_read_the_service_gives_no_all_clear(konkurs: CommandLine) -> None:
    konkurs.data.mkdir()
    with open_store(load_settings(konkurs.environ, dotenv=konkurs.folder / "none")):
        pass
    result = konkurs("lookup", FIRM)
    assert "this is no all-clear" in complaint(result)
    assert found(konkurs, FIRM)["known_up_to"] is None


def test_a_notice_of_an_unknown_type_is_no_all_clear(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    serve_opening(konkurs, "gjenaapning")
    konkurs(*RUN)
    assert "this is no all-clear" in complaint(konkurs("lookup", FIRM))


def test_each_line_of_standard_input_is_answered(bank: CommandLine) -> None:
    typed(bank, f"{company('well')}\n{SPACED}\n".encode())
    result = bank("lookup", "-", "--json")
    answers = [json.loads(line) for line in result.out.splitlines()]
    assert result.code == 0
    assert [(one["line"], one["is_bankrupt"], one["id_valid"]) for one in answers] == [
        (1, False, True),
        (2, True, True),
    ]


def test_a_line_that_is_no_number_exits_2_and_the_other_lines_are_answered(bank: CommandLine) -> None:
    typed(bank, f"K-1003\n\n{FIRM}".encode())
    result = bank("lookup", "-")
    assert result.code == 2
    assert result.out.startswith("line 3\nbankrupt: yes")
    assert [line[:16] for line in result.err.splitlines()[:2]] == ["konkurs: line 1 ", "konkurs: line 2 "]


def test_a_line_that_is_not_utf_8_is_no_number_and_the_other_lines_are_answered(bank: CommandLine) -> None:
    typed(bank, b"\xff\xfe9\x001\x00\n" + FIRM.encode())
    result = bank("lookup", "-")
    assert result.code == 2
    assert result.out.startswith("line 2\nbankrupt: yes")


def test_as_of_a_future_time_gives_what_is_known_now(bank: CommandLine) -> None:
    result = bank("lookup", FIRM, "--as-of", "9999-12-31T23:59Z")
    assert (result.code, "bankrupt: yes" in result.out) == (0, True)
    assert "konkurs: " not in result.err


def test_empty_standard_input_is_a_usage_error(bank: CommandLine) -> None:
    typed(bank, b"")
    assert bank("lookup", "-").code == 2


def test_a_customer_is_looked_up_by_all_its_numbers(bank: CommandLine) -> None:
    answer = found(bank, "--customer", "K-1")
    assert (answer["customer_ref"], answer["is_bankrupt"]) == ("K-1", True)
    assert found(bank, company("earlier"))["is_bankrupt"], "a former number finds the customer"
    assert found(bank, "--customer", "K-2")["notices"] == []
    assert bank("lookup", "--customer", "K-9").code == 2


@pytest.mark.parametrize("arguments", [(), (FIRM, "--customer", "K-1")], ids=["neither", "both"])
def test_a_lookup_needs_exactly_one_party(bank: CommandLine, arguments: tuple[str, ...]) -> None:
    assert bank("lookup", *arguments).code == 2


def test_an_earlier_time_is_answered_with_what_was_known_and_done_then(bank: CommandLine) -> None:
    known_at = found(bank, FIRM)["notices"][0]["known_at"]
    before = dt.datetime.fromisoformat(known_at) - dt.timedelta(seconds=5)
    then = found(bank, FIRM, "--as-of", before.isoformat())
    assert (then["is_bankrupt"], then["notices"], then["actions"], then["known_up_to"]) == (False, [], [], None)
    assert found(bank, FIRM, "--as-of", known_at)["is_bankrupt"], "a printed time includes its own moment"


def test_a_printed_time_can_be_typed_unchanged(bank: CommandLine) -> None:
    out = bank("lookup", FIRM).out
    (row,) = [line for line in out.splitlines() if OPENING in line and "aapning" in line]
    shown = row.split("  ")[-1]
    assert found(bank, FIRM, "--as-of", shown)["is_bankrupt"]


def test_an_earlier_status_is_that_of_the_ledger_then(bank: CommandLine) -> None:
    bank.write_customers(f"K-1,{FIRM},,", f"K-3,{FIRM},,")
    bank(*RUN, KONKURS_MAX_BLOCKS_PER_RUN="0")
    (held,) = json.loads(bank("held", "--json").out)
    bank("release", held["run_id"][:8], "--by", "Kari", "--reason", "checked")
    bank(*RUN)
    now = {action["customer_ref"]: action["status"] for action in found(bank, FIRM)["actions"]}
    assert now == {"K-1": "exported", "K-3": "exported"}
    then = found(bank, FIRM, "--as-of", held["decided_at"])["actions"]
    assert {action["customer_ref"]: action["status"] for action in then} == {"K-1": "exported", "K-3": "held"}


def test_a_unique_beginning_names_a_notice_or_an_action(bank: CommandLine) -> None:
    action = found(bank, FIRM)["actions"][0]["action_id"]
    for beginning in (OPENING[:8], OPENING[:8].upper(), action[:8], action.upper(), action[:13]):
        assert OPENING in bank("evidence", beginning, "--json").out
    short = bank("evidence", OPENING[:7])
    assert (short.code, "8 characters" in complaint(short)) == (2, True)
    assert bank("evidence", "00000000").code == 2


def test_a_subject_gets_everything_on_one_page_with_source_reason_and_end(bank: CommandLine) -> None:
    typed(bank, f"{SPACED}\n".encode())
    result = bank("lookup", "-", "--subject", "--json")
    (page,) = [json.loads(line) for line in result.out.splitlines()]
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
    assert (result.code, page["line"], page["erased"]) == (0, 1, [])
    assert FIRM not in result.err


def test_a_page_for_a_person_names_the_asked_number_by_its_line_only(bank: CommandLine) -> None:
    typed(bank, f"{company('unheard of')}\n{FIRM}\n".encode())
    result = bank("lookup", "-", "--subject")
    first, second = result.out.split("What the bank keeps on the number of line 2")
    assert first.strip() == "What the bank keeps on the number of line 1: 0 things"
    for part in (
        "since   2018-",
        "from    the bank's own register",
        "until   as long as the bankruptcy is open",
        "why ",
    ):
        assert part in second


def test_a_subject_sees_what_was_erased(bank: CommandLine) -> None:
    with open_store(load_settings(bank.environ, dotenv=bank.folder / "none")) as store:
        row = {"rule": "others", "erasure_id": OPENING, "erased_at": AT, "uuid": OPENING, "workday": AT.date()}
        more = {"type": "aapning", "registered_at": AT, "first_seen_at": AT, "answer_sha256": "0" * 64}
        store.ledger.append("erased_notices", [{**row, **more, "debtor_mark": marks_of(store.ledger, [FIRM])[FIRM]}])
    typed(bank, FIRM.encode())
    result = bank("lookup", "-", "--subject")
    assert "Erased on 2020-01-02" in result.out


@pytest.mark.parametrize("arguments", [(FIRM,), ("-", "--as-of", "2018-09-04"), ("--customer", "K-1")])
def test_a_subjects_number_comes_from_standard_input_only(bank: CommandLine, arguments: tuple[str, ...]) -> None:
    typed(bank, FIRM.encode())
    result = bank("lookup", *arguments, "--subject")
    assert (result.code, result.out) == (2, "")
    assert FIRM not in result.err
