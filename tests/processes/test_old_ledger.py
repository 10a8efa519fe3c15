"""A ledger restored from an old copy: the outbox shows it, nothing is written twice, and `recover` repairs it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from konkurs_pipeline.brreg.simulator.datasets import enk_of
from konkurs_pipeline.clock import utc_now
from konkurs_pipeline.enquiries.integrity import inspect
from konkurs_pipeline.errors import StoreError, UsageError
from konkurs_pipeline.schemas.tables import LEDGER
from konkurs_pipeline.storage.handoff import decisions
from konkurs_pipeline.storage.handoff.recovery import recover
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import FRIDAY, MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Bank, company, oslo, person
from tests.processes.bank import BankOfProcesses, Commands
from tests.processes.conftest import SOAKING
from tests.processes.core_banking import Row, received
from tests.processes.damage import bits_of, flip, flipped

Loss = Callable[[Bank, Path], None]
EVIDENCE: Final = ("--by", "Kari", "--reason", "disk failure")


def _put_back_alone(bank: Bank, copy: Path) -> None:
    shutil.copy2(copy / "ledger.duckdb", bank.layout.ledger)


def _put_back_whole(bank: Bank, copy: Path) -> None:
    shutil.rmtree(bank.layout.ledger.parent)
    shutil.copytree(copy, bank.layout.ledger.parent)


def _delete(bank: Bank, copy: Path) -> None:
    del copy
    shutil.rmtree(bank.layout.ledger.parent)


LOSSES: Final = [
    pytest.param(_put_back_alone, id="the file alone, with today's hash"),
    pytest.param(_put_back_whole, id="the file and its hash"),
    pytest.param(_delete, id="the folder is missing"),
]


@pytest.fixture(scope="module")
def grown(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank on Wednesday, with a copy of its ledger of Monday.

    Tuesday blocked a firm and a person whose account was blocked before, and held the rows above the limit. A row that Monday
    held was released and written on Wednesday.
    """
    bank = new_bank(tmp_path_factory.mktemp("grown") / "data")
    bank.extra["KONKURS_MAX_BLOCKS_PER_RUN"] = "2"
    for name in ("first", "second", "third", "firm"):
        bank.customer(name, company(name))
    bank.customer("K-2", person("debtor"))
    bank.customer("K-ENK", enk_of(person("debtor")))
    bank.account("K-2", is_blocked="true")
    for name in ("first", "second", "third"):
        bank.notice("aapning", company(name), MONDAY)
    held_by = bank.poll(MONDAY).run_id
    shutil.copytree(bank.layout.ledger.parent, bank.folder.parent / "yesterday")
    release(bank, held_by)
    bank.notice("aapning", company("firm"), TUESDAY)
    bank.poll(TUESDAY)
    bank.notice("aapning", person("debtor"), WEDNESDAY)
    bank.poll(WEDNESDAY)
    return bank


@pytest.fixture
def bank(grown: Bank, new_bank: NewBank, tmp_path: Path) -> Bank:
    return new_bank(tmp_path / "data").go_on_from(grown)


@pytest.fixture
def yesterday(grown: Bank) -> Path:
    return grown.folder.parent / "yesterday"


def release(bank: Bank, run_id: str) -> None:
    with bank.store() as store:
        assert decisions.release(store.ledger, run_id, by="Kari", reason="checked", now=utc_now()) > 0


def recovered(bank: Bank) -> list[str]:
    """Recover as the command does; returns the files taken over."""
    with bank.store(allow_untrusted=True) as store:
        names = recover(
            layout=store.layout, ledger=store.ledger, outbox=store.outbox, by="Kari", reason="disk", now=utc_now()
        )
        store.publish()
    return names.taken_over


def wrong(bank: Bank) -> str:
    with bank.store(allow_untrusted=True) as store:
        return "\n".join(problem for part in inspect(store) for problem in part.problems)


def handed_over(bank: Bank) -> list[Row]:
    return received(bank.settings.outbox_dir)


def statuses(bank: Bank) -> list[tuple[str, str, str | None]]:
    rows = bank.published("actions").sort("action_id").select("action_id", "status", "seq")
    return list(rows.iter_rows())


@pytest.mark.parametrize("lose", LOSSES)
def test_verify_names_what_an_old_ledger_lacks_and_the_run_writes_nothing(
    bank: Bank, yesterday: Path, lose: Loss
) -> None:
    files, rows = bank.shown(), handed_over(bank)
    lose(bank, yesterday)
    unknown = [path.stem for path in files][0 if lose is _delete else 1 :]
    assert len(unknown) >= 2
    assert all(name in wrong(bank) for name in unknown)
    refusal = bank.try_poll(WEDNESDAY)
    assert isinstance(refusal, StoreError)
    assert unknown[0] in str(refusal)
    assert "konkurs recover" in str(refusal)
    assert (bank.shown(), handed_over(bank)) == (files, rows)


@pytest.mark.parametrize("lose", LOSSES)
def test_recover_takes_over_the_outbox_files_and_the_next_run_writes_nothing_twice(
    bank: Bank, yesterday: Path, lose: Loss
) -> None:
    files, rows = bank.shown(), handed_over(bank)
    before = [row for row in statuses(bank) if row[1] != "held"]
    lose(bank, yesterday)
    assert recovered(bank) == [path.stem for path in files][0 if lose is _delete else 1 :]
    assert wrong(bank) == ""
    assert [row for row in statuses(bank) if row[1] != "held"] == before
    bank.poll(THURSDAY)
    assert wrong(bank) == ""
    assert handed_over(bank)[: len(rows)] == rows
    assert len(bank.shown()) == len(files) + 1


def test_a_block_that_was_taken_over_is_reopened_when_its_opening_is_deleted(bank: Bank, yesterday: Path) -> None:
    _put_back_whole(bank, yesterday)
    recovered(bank)
    bank.notice("sletting", company("firm"), THURSDAY)
    (reopen,) = bank.poll(THURSDAY).of("REOPEN")
    (block,) = [row for row in handed_over(bank) if row[1:3] == ("BLOCK", "firm")]
    assert (reopen["account_no"], reopen["caused_by"]) == (block[3], block[0])


def test_an_account_that_was_blocked_before_is_not_reopened_after_a_recovery(bank: Bank, yesterday: Path) -> None:
    _put_back_whole(bank, yesterday)
    recovered(bank)
    release_all(bank)
    bank.poll(THURSDAY)
    bank.notice("sletting", person("debtor"), FRIDAY)
    asked = [(a["action"], a["account_no"]) for a in bank.poll(FRIDAY).actions if a["customer_ref"] == "K-2"]
    (blocked_before,) = [row[0] for row in bank.accounts or [] if row[3] == "true"]
    assert ("REVIEW", blocked_before) in asked
    assert ("REOPEN", blocked_before) not in asked


def release_all(bank: Bank) -> None:
    held = bank.published("actions")
    for run_id in {*held.filter(held["status"] == "held")["run_id"].to_list()}:
        release(bank, run_id)


def test_if_it_is_unknown_whether_an_account_was_blocked_before_a_person_decides(bank: Bank, yesterday: Path) -> None:
    _put_back_whole(bank, yesterday)
    shutil.rmtree(bank.layout.published)
    recovered(bank)
    bank.notice("sletting", company("firm"), THURSDAY)
    assert [action for action, customer, _ in bank.poll(THURSDAY).decided() if customer == "firm"] == ["REVIEW"]


def test_a_row_that_the_old_ledger_held_is_recognised_as_handed_over(bank: Bank, yesterday: Path) -> None:
    """Monday's held row was released and written on Tuesday. In the copy it is still held."""
    _put_back_whole(bank, yesterday)
    recovered(bank)
    written = {row[0] for row in handed_over(bank)}
    assert {action_id for action_id, status, _ in statuses(bank) if status == "held"} & written == set()
    assert {action_id for action_id, status, _ in statuses(bank) if status == "exported"} == written


def test_rows_held_since_the_copy_are_held_again_or_written_once(bank: Bank, yesterday: Path) -> None:
    _put_back_whole(bank, yesterday)
    recovered(bank)
    bank.poll(THURSDAY)
    release_all(bank)
    bank.poll(THURSDAY)
    customers = [row[2] for row in handed_over(bank) if row[1] == "BLOCK"]
    assert sorted(customers) == ["K-2", "K-2", "K-ENK", "firm", "first", "second", "third"]


@pytest.mark.parametrize("gone", [slice(1, 2), slice(1, None)], ids=["one in the middle", "all that are unknown"])
def test_recover_refuses_if_core_banking_took_the_files_away_and_names_the_cure(
    bank: Bank, yesterday: Path, gone: slice
) -> None:
    taken = bank.shown()[gone]
    for jsonl in taken:
        for path in bank.settings.outbox_dir.glob(f"{jsonl.stem}.*"):
            path.unlink()
    _put_back_whole(bank, yesterday)
    assert taken[0].stem in wrong(bank)
    assert isinstance(bank.try_poll(WEDNESDAY), StoreError)
    with pytest.raises(StoreError, match="put back what core banking was shown"):
        recovered(bank)
    assert isinstance(bank.try_poll(WEDNESDAY), StoreError), "a refused recovery changes nothing"


def test_a_file_in_the_outbox_that_is_not_whole_is_not_taken_over(bank: Bank, yesterday: Path) -> None:
    _put_back_whole(bank, yesterday)
    last = bank.shown()[-1]
    with flipped(last, bits_of(last, 3)[1]), pytest.raises(StoreError, match=last.name):
        recovered(bank)
    assert recovered(bank)[-1] == last.stem


def test_an_undamaged_store_needs_no_recovery(bank: Bank) -> None:
    with pytest.raises(UsageError, match="nothing to recover"):
        recovered(bank)
    assert wrong(bank) == ""


def everything(bank: Bank) -> list[object]:
    """Return all rows of the ledger, without the row in `polls` that a recovery adds."""
    with bank.store(allow_untrusted=True) as store:
        tables = [store.ledger.read(name).rows() for name in sorted(LEDGER) if name != "polls"]
        return [*tables, store.ledger.rows("SELECT * FROM outbox_content ORDER BY seq")]


@pytest.mark.long
def test_a_ledger_with_a_wrong_bit_is_accepted_only_if_no_row_has_the_bit(bank: Bank, tmp_path: Path) -> None:
    """A wrong row would not show in any outbox file. A database block that no row uses may hold any bytes."""
    ledger, before, refused = bank.layout.ledger, everything(bank), 0
    whole = shutil.copytree(ledger.parent, tmp_path / "whole")
    for bit in bits_of(ledger, 200 if SOAKING else 25):
        flip(ledger, bit)
        try:
            recovered(bank)
        except StoreError as error:
            refused += 1
            assert ledger.name in str(error), bit  # noqa: PT017 -- both ends are right
            assert isinstance(bank.try_poll(WEDNESDAY), StoreError), bit
        else:
            assert (everything(bank), wrong(bank)) == (before, ""), bit
        _put_back_whole(bank, whole)
    assert refused > 0


@pytest.mark.long
def test_the_commands_recover_the_store_and_the_next_recovery_completes_an_interrupted_one(
    bank: Bank, yesterday: Path, commands: Commands, tmp_path: Path
) -> None:
    bank.clock.move_to(oslo(WEDNESDAY, "23:59"))
    konkurs = BankOfProcesses(bank, commands, tmp_path)
    rows, run = handed_over(bank), ("run", "--from", WEDNESDAY.isoformat(), "--to", WEDNESDAY.isoformat())
    _put_back_alone(bank, yesterday)
    refused = konkurs(*run)
    assert (refused.code, len(refused.err.splitlines())) == (1, 1)
    assert konkurs("verify").code == 1
    for at in (r"\d+ opening: before COMMIT", r"\d+ opening: behind COMMIT", r".* before rename of published/polls.*"):
        assert konkurs.start("konkurs", "recover", *EVIDENCE, at=at).result().code < 0
    assert konkurs("recover", *EVIDENCE).code == 2, (
        "the part that the killed recoveries committed needs no more recovery"
    )
    ran = konkurs(*run)
    assert ran.code == 0, ran.err
    assert (konkurs("verify").code, handed_over(bank)) == (0, rows)
    assert konkurs("recover", *EVIDENCE).code == 2
    assert konkurs("recover", "--by", " ", "--reason", "x").code == 2
