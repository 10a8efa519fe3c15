"""One wrong bit in any file: `verify` names the file, and the next run stops with its name and decides nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from konkurs_pipeline.brreg.simulator.datasets import enk_of
from konkurs_pipeline.enquiries.integrity import inspect
from konkurs_pipeline.errors import StoreError
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, TUESDAY, WEDNESDAY, Bank, company, person
from tests.processes.bank import RUN, BankOfProcesses
from tests.processes.conftest import SOAKING
from tests.processes.core_banking import received
from tests.processes.damage import Bit, bits_of, flipped

# The files that stop a run, as patterns in the data folder, and the number of bits to flip in each.
PLACES: Final = {
    "ledger/ledger.duckdb": 20,
    "lake/raw_notices/2018-09.*.parquet": 3,
    "lake/expanded_datasets/2018-09.*.parquet": 3,
    "lake/debtors/2018-09.*.parquet": 3,
    "lake/customer_matches/2018-09.*.parquet": 3,
    "lake/estates/2018-09.*.parquet": 3,
    "lake/register/*/identifiers.parquet": 3,
    "lake/register/*/customers.parquet": 2,
    "lake/register/*/accounts.parquet": 2,
    "outbox/*_00000001_*.jsonl": 2,
    "outbox/*_00000001_*.csv": 2,
    "outbox/*_00000001_*.manifest.json": 2,
    "outbox/*_00000002_*.jsonl": 2,
}
# The first bytes of a gzip file say when and where it was made. They are no part of the answer.
GZIP_HEADER: Final = 10
TIMES: Final = 10 if SOAKING else 1


@pytest.fixture(scope="module")
def two_days(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank that polled twice, so each of its tables has rows."""
    bank = new_bank(tmp_path_factory.mktemp("two-days") / "data")
    bank.customer("K-1", company("firm"))
    bank.customer("K-ENK", enk_of(person("debtor")))
    bank.notice("aapning", company("firm"), MONDAY)
    bank.poll(MONDAY)
    bank.notice("sletting", company("firm"), TUESDAY)
    bank.notice("aapning", person("debtor"), TUESDAY)
    bank.poll(TUESDAY)
    bank.notice("aapning", company("firm"), WEDNESDAY)
    return bank


def verified(bank: Bank) -> str:
    """Return the problems that `verify` reports."""
    try:
        with bank.store(allow_untrusted=True) as store:
            return "\n".join(problem for part in inspect(store) for problem in part.problems)
    except StoreError as error:
        return str(error)


def state(bank: Bank) -> dict[Path, bytes]:
    """Return the outbox files, and the ledger's last state."""
    shown = [path for path in bank.settings.outbox_dir.iterdir() if path.name.startswith("KONKURS_")]
    return {path: path.read_bytes() for path in (*shown, bank.published_file("actions"))}


@pytest.mark.parametrize("pattern", PLACES)
def test_one_wrong_bit_is_found_by_name_and_stops_the_run(two_days: Bank, pattern: str) -> None:
    path = max(two_days.folder.glob(pattern))
    for bit in bits_of(path, PLACES[pattern] * TIMES):
        with flipped(path, bit):
            assert path.name in verified(two_days), bit
            _stops(two_days, path, bit)
    assert verified(two_days) == ""


def _stops(bank: Bank, path: Path, bit: Bit) -> None:
    before = state(bank)
    refusal = bank.try_poll(WEDNESDAY)
    assert isinstance(refusal, StoreError), bit
    assert path.name in str(refusal), bit
    assert state(bank) == before, bit


def test_a_wrong_bit_in_a_kept_answer_is_found_by_name(two_days: Bank) -> None:
    """No run reads an answer again, so it stops none."""
    for path in sorted(two_days.layout.answers.rglob("*.gz"))[:: 1 if SOAKING else 3]:
        for bit in bits_of(path, 3 * TIMES)[1:]:
            if bit.place >= GZIP_HEADER:
                with flipped(path, bit):
                    assert path.name in verified(two_days), bit
    assert verified(two_days) == ""


@pytest.mark.long
@pytest.mark.parametrize(
    "pattern",
    ["ledger/ledger.duckdb", "lake/raw_notices/2018-09.*.parquet", "outbox/*_00000001_*.csv"],
    ids=["ledger", "lake", "outbox"],
)
def test_the_commands_report_a_wrong_bit_in_one_line_and_exit_1(tuesday: BankOfProcesses, pattern: str) -> None:
    path = max(tuesday.bank.folder.glob(pattern))
    with flipped(path, bits_of(path, 3)[1]):
        before = state(tuesday.bank)
        for command in (RUN, ("verify",)):
            result = tuesday(*command)
            assert (result.code, result.err[:9]) == (1, "konkurs: "), command
            assert path.name in result.err.splitlines()[0], command
            assert "Traceback" not in result.err
        assert state(tuesday.bank) == before
    tuesday.runs_well()


def test_a_run_succeeds_once_the_bits_are_right_again(two_days: Bank) -> None:
    """The last test of this file, because it writes the store that the others read."""
    assert two_days.poll(WEDNESDAY).of("BLOCK") != []
    assert verified(two_days) == ""
    assert received(two_days.settings.outbox_dir) != []
