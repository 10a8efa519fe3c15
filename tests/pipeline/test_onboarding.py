"""docs/onboarding.md: Brreg's 15 test notices and the demo's register lead to exactly the acceptance table."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from collections import Counter
from pathlib import Path

from konkurs_pipeline.brreg.simulator.notices import load_test_notices
from konkurs_pipeline.domain.workdays import OSLO
from tests.pipeline.kit import CUSTOMER_COLUMNS, Bank

PROJECT = Path(__file__).parents[2]
FIRST, LAST = dt.date(2018, 6, 8), dt.date(2019, 6, 11)
COLUMNS = ("BLOCK", "REOPEN", "REVIEW", "INFORM")


def expected() -> list[dict[str, int]]:
    """Return the rows of the table in the guide: notices and actions, day by day and in one run."""
    text = (PROJECT / "docs" / "onboarding.md").read_text(encoding="utf-8")
    table = text.partition("<!-- acceptance:")[2].partition("<!-- /acceptance -->")[0]
    rows = [[cell.strip() for cell in line.split("|")[2:-1]] for line in table.splitlines() if line.startswith("|")]
    return [dict(zip(("notices", *COLUMNS), map(int, row), strict=True)) for row in rows[2:]]


def seen(bank: Bank) -> dict[str, int]:
    counted = Counter(action["action"] for action in bank.all_actions())
    return {"notices": bank.published("raw_notices").height, **{kind: counted[kind] for kind in COLUMNS}}


def with_the_demos_register(bank: Bank) -> Bank:
    folder = PROJECT / "data" / "register"
    bank.customers = rows_of(folder / "customers.csv", CUSTOMER_COLUMNS)
    bank.settings.accounts.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "accounts.csv", bank.settings.accounts)
    bank.accounts = None
    bank.serve(load_test_notices())
    return bank


def rows_of(path: Path, columns: tuple[str, ...]) -> list[tuple[str, str, str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        read = csv.DictReader(file, delimiter=";")
        first, second, third, fourth = columns
        return [(row[first], row[second], row[third], row[fourth]) for row in read]


def test_day_by_day_the_actions_are_those_of_the_guides_acceptance_table(bank: Bank) -> None:
    with_the_demos_register(bank)
    for day in sorted({notice.registered_at.astimezone(OSLO).date() for notice in load_test_notices()}):
        bank.poll(day)
    assert seen(bank) == expected()[0]


def test_in_one_run_over_the_past_the_actions_are_those_of_the_guides_acceptance_table(bank: Bank) -> None:
    with_the_demos_register(bank).poll(FIRST, LAST)
    assert seen(bank) == expected()[1]
