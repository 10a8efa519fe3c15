"""After the canaries' day none of them stands outside the lake, the ledger, the published tables and the input files.

The input files are the bank's own register and core banking's receipts. By contract, account numbers stand in the outbox.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from tests.canary import day
from tests.canary.cast import CANARIES
from tests.canary.conftest import Bank
from tests.canary.search import canaries_in, canaries_in_file, files_under, names_under
from tests.pipeline.kit import records

# The day is made of processes: a loaded machine may take long.
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
PROTECTED: Final = ("lake", "ledger", "published")
GIVEN: Final = ("register", "receipts")


def is_protected(bank: Bank, path: Path) -> bool:
    return any(path.is_relative_to(bank.data / name) for name in (*PROTECTED, *GIVEN))


def leaks(places: dict[str, set[str]]) -> dict[str, set[str]]:
    return {place: found for place, found in places.items() if found}


def test_nothing_that_a_command_prints_holds_a_canary(bank: Bank) -> None:
    assert leaks({name: canaries_in(output, CANARIES) for name, output in bank.printed.items()}) == {}


@pytest.mark.parametrize("folder", ["outbox", "dagster", "."])
def test_no_file_outside_the_protected_folders_holds_a_canary(bank: Bank, folder: str) -> None:
    """The search also reads Dagster's databases value by value, with rows that stand only in their logs."""
    others = () if folder != "." else (bank.data / "outbox", bank.data / "dagster")
    paths = [
        path
        for path in files_under(bank.data / folder, lambda path: is_protected(bank, path))
        if not any(path.is_relative_to(other) for other in others)
    ]
    assert paths, "the search looks at the right place"
    assert leaks({str(path.relative_to(bank.data)): canaries_in_file(path, CANARIES) for path in paths}) == {}


def test_no_file_or_folder_is_named_after_a_canary(bank: Bank) -> None:
    names = b"\n".join(name for name in names_under(bank.folder) if not name.startswith(b"data/receipts/"))
    assert b"data/lake/raw_notices/2018-09.000001.parquet" in names, "the search looks at the right place"
    assert canaries_in(names, CANARIES) == set()


def test_nothing_is_left_in_temporary_folders_or_where_the_commands_were_run(bank: Bank) -> None:
    """No cache, no crash dump, no half-written file: beside the data folder only the test's own files are left."""
    left = [
        path.relative_to(bank.folder) for path in files_under(bank.folder, lambda path: path.is_relative_to(bank.data))
    ]
    assert left == [Path("cwd/map.toml")]


def test_every_account_number_in_the_outbox_is_one_of_the_register(bank: Bank) -> None:
    given = {number for number, *_ in day.accounts()}
    rows = [row for path in (bank.data / "outbox").glob("*.jsonl") for row in records(path) if row["record"] == "A"]
    assert {"BLOCK", "REVIEW"} <= {row["action"] for row in rows}
    assert {row["account_no"] for row in rows} - {None} <= given


# The day itself

MUST_BE_KEPT: Final = {
    "a name",
    "an unknown key of a notice",
    "an unknown field of a notice",
    "the type of a notice",
    "the uuid of a notice",
    "the time of a notice",
    "a link",
    "a notice that is text",
    "a linked unit",
    "a key of a dataset",
    "a field under a name",
    "the debtor of a dataset that contradicts",
    "what is no JSON",
    "the header of a register file",
    "a field of a register file that does not close",
    "an action_id",
    "a file_id",
    "a receipt that cannot be read",
}


def test_the_search_finds_the_canaries_in_their_permitted_places(bank: Bank) -> None:
    folders = [bank.data / "lake" / "answers", *(bank.data / name for name in GIVEN)]
    found = set[str]()
    for path in (path for folder in folders for path in files_under(folder, lambda _: False)):
        found |= canaries_in_file(path, CANARIES)
    assert MUST_BE_KEPT - found == set()


ENDED: Final = {
    "a poll of everything": 1,
    "a poll that fails": 1,
    "status": 0,
    "held": 0,
    "verify": 0,
    "lookup": 0,
    # Two notices of the day cannot be read, so `contract` exits 1.
    "contract": 1,
    "doctor": 1,
    "contract, refused": 1,
    "contract, moved": 1,
    "lookup of two": 2,
    "release by a number": 2,
    "release for a number": 2,
    "a bank of a number": 2,
    "a setting that is no number": 2,
    "a setting that is not known": 2,
}


@pytest.mark.parametrize("name", ENDED)
def test_each_command_of_the_day_ended_as_expected(bank: Bank, name: str) -> None:
    output = bank.printed[f"stdout of {name}"] + bank.printed[f"stderr of {name}"]
    assert bank.codes[name] == ENDED[name], output.decode()
    assert b"Traceback" not in output


def test_the_polls_left_failed_checks_and_a_failed_run_behind(bank: Bank) -> None:
    """Dagster keeps their texts, which the tests above search."""
    output = bank.printed["stderr of a poll of everything"] + bank.printed["stderr of a poll that fails"]
    for part in (b"expanded datasets could not be had", b"new in quarantine", b"are held", b"contradict", b"503"):
        assert part in output
    (status,) = [bank.printed["stdout of status as JSON"]]
    assert json.loads(status)["receipts_set_aside"] == 5
