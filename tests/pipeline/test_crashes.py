"""A process is killed at any step: the next poll completes its work, and core banking gets the same files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from konkurs_pipeline.brreg.simulator.datasets import enk_of
from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.enquiries.integrity import inspect
from konkurs_pipeline.storage import files
from konkurs_pipeline.storage.handoff import outbox
from konkurs_pipeline.storage.ledger.database import Ledger
from konkurs_pipeline.storage.store import Store
from tests.pipeline.conftest import NewBank
from tests.pipeline.kit import MONDAY, STEPS, THE_END, TUESDAY, WEDNESDAY, Bank, CrashError, company, person

ROW_KEYS = ("action_id", "action", "customer_ref", "account_no", "notice_uuid", "reason", "caused_by")


@pytest.fixture(scope="module")
def monday(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Return a bank with BLOCKs of Monday that a notice of Tuesday reopens, and with more to block on Tuesday."""
    bank = new_bank(tmp_path_factory.mktemp("monday"))
    bank.customer("K-1", company("firm"))
    bank.customer("K-2", person("debtor"))
    bank.customer("K-ENK", enk_of(person("debtor")))
    bank.notice("aapning", company("firm"), MONDAY)
    bank.poll(MONDAY)
    bank.notice("sletting", company("firm"), TUESDAY)
    bank.notice("aapning", person("debtor"), TUESDAY)
    return bank


@pytest.fixture
def prepared(monday: Bank, bank: Bank) -> Bank:
    """Return a bank that stands where `monday` stands."""
    return bank.go_on_from(monday)


def crash() -> None:
    raise CrashError


def rows(bank: Bank) -> list[tuple[Any, ...]]:
    return [tuple(action[key] for key in ROW_KEYS) for action in bank.all_actions()]


def sequence(bank: Bank) -> list[int]:
    return [int(path.name.split("_")[3]) for path in bank.shown()]


@pytest.fixture(scope="module")
def without_a_crash(new_bank: NewBank, tmp_path_factory: pytest.TempPathFactory, monday: Bank) -> list[tuple[Any, ...]]:
    bank = new_bank(tmp_path_factory.mktemp("whole") / "data").go_on_from(monday)
    bank.poll(TUESDAY)
    undisturbed_rows = rows(bank)
    assert [row[1] for row in undisturbed_rows] == ["BLOCK", "REOPEN", "BLOCK", "BLOCK"]
    return undisturbed_rows


@pytest.mark.parametrize("step", [*STEPS, THE_END])
def test_the_next_poll_completes_a_poll_killed_before_any_step(
    without_a_crash: list[tuple[Any, ...]], prepared: Bank, step: str
) -> None:
    assert isinstance(prepared.try_poll(TUESDAY, before={step: crash}), CrashError)
    prepared.poll(WEDNESDAY)
    assert rows(prepared) == without_a_crash
    assert sequence(prepared) == list(range(1, len(prepared.shown()) + 1))


def test_the_next_poll_records_a_killed_poll_as_failed(without_a_crash: list[tuple[Any, ...]], prepared: Bank) -> None:
    copy = prepared.folder.parent / "as-it-stood"

    def power_cut() -> None:
        shutil.copytree(prepared.folder, copy, copy_function=shutil.copy2)
        raise CrashError

    assert isinstance(prepared.try_poll(TUESDAY, before={"estates": power_cut}), CrashError)
    # The copy is what a power cut leaves: nothing ran after the moment of the copy.
    shutil.rmtree(prepared.folder)
    copy.rename(prepared.folder)
    prepared.poll(WEDNESDAY)
    assert rows(prepared) == without_a_crash
    killed = prepared.published("polls").to_dicts()[1]
    assert (killed["run_id"], killed["outcome"]) == ("run-2", "failed")
    assert "killed" in killed["detail"]


@contextmanager
def killed_when_writing(name_ends: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kill the process just before the outbox writes a file with this ending."""
    write = files.write_bytes_atomically

    def dying(path: Path, content: bytes, **more: Any) -> None:
        if path.name.endswith(name_ends):
            raise CrashError
        write(path, content, **more)

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "write_bytes_atomically", dying)
        yield


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".manifest.json"])
def test_the_next_poll_writes_a_committed_file_with_the_same_bytes(
    without_a_crash: list[tuple[Any, ...]], prepared: Bank, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_when_writing(ending, monkeypatch):
        assert isinstance(prepared.try_poll(TUESDAY), CrashError)
    assert sequence(prepared) == [1], "core banking reads no file without a manifest"
    half_shown = {path: path.read_bytes() for path in prepared.settings.outbox_dir.iterdir()}
    prepared.poll(WEDNESDAY)
    assert rows(prepared) == without_a_crash
    assert sequence(prepared) == [1, 2, 3]
    assert {path: path.read_bytes() for path in half_shown} == half_shown


def test_a_poll_that_fails_later_still_writes_a_committed_file(prepared: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    with killed_when_writing(".jsonl", monkeypatch):
        assert isinstance(prepared.try_poll(TUESDAY), CrashError)
    prepared.fail(Fault.model_validate({"kind": "status", "resource": "list"}))
    assert prepared.try_poll(WEDNESDAY) is not None
    assert sequence(prepared) == [1, 2]


def test_a_decision_whose_commit_fails_leaves_nothing(
    without_a_crash: list[tuple[Any, ...]], prepared: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = Ledger.execute

    def dying(ledger: Ledger, sql: str, parameters: Any = ()) -> None:  # noqa: ANN401 -- as the original
        if "outbox_pending VALUES" in sql:
            raise CrashError
        execute(ledger, sql, parameters)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "execute", dying)
        assert isinstance(prepared.try_poll(TUESDAY), CrashError)
    assert prepared.published("outbox_files").height == 1
    assert set(prepared.published("actions")["seq"]) == {1}
    prepared.poll(WEDNESDAY)
    assert rows(prepared) == without_a_crash


def test_temporary_files_of_a_killed_process_are_removed(bank: Bank) -> None:
    bank.customer("K-1", company("firm"))
    bank.poll(MONDAY)
    layout = bank.layout
    left = [folder / ".half.999.tmp" for folder in (layout.outbox, layout.table("raw_notices"), layout.published)]
    for path in left:
        path.write_bytes(b"half")
    bank.poll(TUESDAY)
    assert [path for path in left if path.exists()] == []


def test_after_a_crash_and_the_next_poll_everything_verifies(prepared: Bank) -> None:
    assert isinstance(prepared.try_poll(TUESDAY, before={"outbox": crash}), CrashError)
    prepared.poll(WEDNESDAY)
    with prepared.store() as store:
        assert problems(store) == []


def problems(store: Store) -> list[str]:
    return [problem for part in inspect(store) for problem in part.problems]


def test_an_unexpected_error_stands_in_polls_without_its_identifiers(bank: Bank) -> None:
    bank.customer("K-1", company("firm"))

    def break_down() -> None:
        message = f"cannot think of {company('firm')}"
        raise RuntimeError(message)

    assert isinstance(bank.try_poll(MONDAY, before={"debtors": break_down}), RuntimeError)
    (row,) = bank.published("polls").to_dicts()
    assert row["outcome"] == "failed"
    assert "unexpected RuntimeError" in row["detail"]
    assert company("firm") not in row["detail"]
