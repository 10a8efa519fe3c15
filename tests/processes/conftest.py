"""A bank on a Tuesday: a notice reopens BLOCKs of Monday, and there is more to block, review and fetch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from konkurs_pipeline.brreg.simulator.datasets import enk_of
from tests.pipeline.conftest import NewBank, _one_attempt_each, new_bank
from tests.pipeline.kit import MONDAY, TUESDAY, Bank, company, oslo, person
from tests.processes.bank import BankOfProcesses, Commands
from tests.processes.core_banking import Row

# Fixtures of the pipeline's own tests, here too.
__all__ = ["_one_attempt_each", "new_bank"]
# `make soak-processes` sets it: tests that take minutes run too.
SOAKING: Final = bool(os.environ.get("SOAK_PROCESSES"))
NewTuesday = Callable[[], BankOfProcesses]


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    with Commands() as started:
        yield started


@pytest.fixture(scope="session")
def monday(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory, commands: Commands) -> Bank:
    """Return the bank as Monday's run left it, with a service that has Tuesday's notices too."""
    folder = tmp_path_factory.mktemp("monday")
    bank = new_bank(folder / "data")
    bank.customer("K-1", company("firm"))
    bank.account("K-1", relation="disponent")
    bank.customer("K-2", person("debtor"))
    bank.customer("K-ENK", enk_of(person("debtor")))
    bank.write_register()
    bank.notice("aapning", company("firm"), MONDAY)
    bank.clock.move_to(oslo(MONDAY, "23:59"))
    ran = BankOfProcesses(bank, commands, folder)("run", "--from", MONDAY.isoformat(), "--to", MONDAY.isoformat())
    assert ran.code == 0, ran.err
    bank.notice("sletting", company("firm"), TUESDAY)
    bank.notice("aapning", person("debtor"), TUESDAY)
    return bank


def on_tuesday(bank: Bank, commands: Commands, notes: Path) -> BankOfProcesses:
    """Let the bank's commands be processes, on Tuesday evening."""
    bank.clock.move_to(oslo(TUESDAY, "23:59"))
    return BankOfProcesses(bank, commands, notes)


@pytest.fixture
def new_tuesday(monday: Bank, new_bank: NewBank, commands: Commands, tmp_path: Path) -> NewTuesday:
    """Return a factory of banks on Tuesday, each with a store of its own."""
    made = 0

    def make() -> BankOfProcesses:
        nonlocal made
        made += 1
        notes = tmp_path / str(made)
        notes.mkdir()
        return on_tuesday(new_bank(notes / "data").go_on_from(monday), commands, notes)

    return make


@pytest.fixture
def tuesday(new_tuesday: NewTuesday) -> BankOfProcesses:
    return new_tuesday()


@pytest.fixture(scope="session")
def undisturbed(
    monday: Bank, new_bank: NewBank, commands: Commands, tmp_path_factory: pytest.TempPathFactory
) -> list[Row]:
    """Return the rows that core banking gets without any failure."""
    notes = tmp_path_factory.mktemp("undisturbed")
    bank = on_tuesday(new_bank(notes / "data").go_on_from(monday), commands, notes)
    bank.runs_well()
    rows = bank.received()
    assert [row[1] for row in rows] == ["BLOCK", "REVIEW", "REOPEN", "REVIEW", "BLOCK", "BLOCK"], rows
    return rows
