"""Exit codes and messages (docs/operations.md): one clear line for every outside cause, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from konkurs_pipeline.brreg.simulator.faults import Fault
from konkurs_pipeline.brreg.simulator.notices import simulated_notice
from konkurs_pipeline.brreg.simulator.pki import make_certificates
from konkurs_pipeline.settings import load_settings
from konkurs_pipeline.storage.store import open_store
from tests.cli.conftest import DAY, CommandLine, CommandResult
from tests.pipeline.kit import MONDAY, company, oslo

RUN = ("run", "--from", DAY, "--to", DAY)
FIRM = company("firm")
CONSOLE_SCRIPT = Path(sys.executable).with_name("konkurs")
UNREACHABLE = "http://127.0.0.1:1"


def complaint(result: CommandResult) -> str:
    """Return the one line on stderr that names the problem."""
    assert "Traceback" not in result.err
    (line,) = [line for line in result.err.splitlines() if line.startswith("konkurs: ")]
    return line


def serve_opening(konkurs: CommandLine, kind: str = "aapning") -> None:
    notice = simulated_notice(
        uuid="11111111-1111-4111-8111-111111111111",
        type=kind,
        registered_at=oslo(MONDAY, "10:00"),
        debtor_id=FIRM,
        ruling_date=MONDAY,
    )
    konkurs.service.replace_notices([notice])


# 0


@pytest.mark.long
def test_a_run_prints_its_counts_and_exits_0(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    serve_opening(konkurs)
    result = konkurs(*RUN)
    assert result.code == 0
    assert "notices: 1 in the window, 1 new" in result.out
    assert "(1 BLOCK)" in result.out
    again = konkurs(*RUN)
    assert (again.code, "(no action)" in again.out) == (0, True)


@pytest.mark.long
def test_a_run_that_leaves_something_for_a_person_exits_0_and_run_and_status_report_it(
    konkurs: CommandLine,
) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    serve_opening(konkurs)
    result = konkurs(*RUN, KONKURS_MAX_BLOCKS_PER_RUN="0")
    assert result.code == 0
    assert "1 BLOCK rows are held" in complaint(result)
    konkurs(*RUN, KONKURS_MAX_BLOCKS_PER_RUN="0")
    status = konkurs("status", "--json")
    assert (status.code, json.loads(status.out)["held"]) == (0, 1)
    run_id = json.loads(konkurs("held", "--json").out)[0]["run_id"]
    released = konkurs("release", run_id, "--by", "Kari", "--reason", "checked")
    assert (released.code, released.out.split()[0]) == (0, "1")
    assert "(1 BLOCK)" in konkurs(*RUN, KONKURS_MAX_BLOCKS_PER_RUN="0").out


def test_lookup_and_verify_answer_over_a_store(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    serve_opening(konkurs)
    konkurs(*RUN)
    found = konkurs("lookup", FIRM, "--json")
    assert (found.code, json.loads(found.out)["is_bankrupt"]) == (0, True)
    assert FIRM not in found.out + found.err
    assert konkurs("verify").code == 0
    (outbox,) = (konkurs.data / "outbox").glob("*.jsonl")
    outbox.write_bytes(outbox.read_bytes() + b" ")
    damaged = konkurs("verify")
    assert damaged.code == 1
    assert outbox.name in complaint(damaged)


# 1


FAILING = [
    pytest.param({"kind": "status", "status": 503}, "503", id="503"),
    pytest.param({"kind": "json_value", "body": "{}"}, "no news", id="{}"),
]


@pytest.mark.parametrize(("fault", "why"), FAILING)
def test_an_unusable_answer_ends_a_run_with_1_and_one_line(
    konkurs: CommandLine, fault: dict[str, object], why: str
) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    konkurs.service.faults.replace([Fault.model_validate({"resource": "list", **fault})])
    result = konkurs(*RUN)
    assert result.code == 1
    assert why in complaint(result)
    assert list((konkurs.data / "outbox").glob("KONKURS_*")) == []


def test_a_service_that_is_down_ends_a_run_with_1(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    result = konkurs(*RUN, KONKURS_API_URL=UNREACHABLE)
    assert result.code == 1
    assert "127.0.0.1" in complaint(result)


def test_a_missing_dataset_ends_a_run_with_1_although_it_wrote_its_file(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    serve_opening(konkurs)
    konkurs.service.faults.replace([Fault.model_validate({"kind": "status", "status": 404, "resource": "dataset"})])
    result = konkurs(*RUN)
    assert (result.code, "(1 BLOCK)" in result.out) == (1, True)
    assert "partial" in complaint(result)


REGISTERS = [
    pytest.param(None, "not there", id="missing"),
    pytest.param(b"", "empty", id="empty"),
    pytest.param(
        "customer_ref;national_id;former_ids;name\nK-1;910425463;;Børge\n".encode("latin-1"), "UTF-8", id="latin-1"
    ),
]


@pytest.mark.parametrize(("content", "why"), REGISTERS)
def test_without_a_usable_register_a_run_ends_with_1_and_one_line(
    konkurs: CommandLine, content: bytes | None, why: str
) -> None:
    if content is not None:
        konkurs.write_customers(content=content)
    serve_opening(konkurs)
    result = konkurs(*RUN)
    assert result.code == 1
    assert why in complaint(result)


def test_a_refused_register_beside_an_accepted_one_is_left_for_a_person_and_exits_0(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    assert konkurs(*RUN).code == 0
    konkurs.write_customers(content=b"\xff\xfe")
    serve_opening(konkurs)
    result = konkurs(*RUN)
    assert (result.code, "(1 BLOCK)" in result.out) == (0, True)
    assert "the register was refused" in complaint(result)


def test_verify_without_a_store_names_the_cure(konkurs: CommandLine) -> None:
    result = konkurs("verify")
    assert result.code == 1
    assert "konkurs run" in complaint(result)


def test_a_folder_of_another_bank_is_refused(konkurs: CommandLine) -> None:
    konkurs.data.mkdir()
    with open_store(load_settings(konkurs.environ, dotenv=konkurs.folder / "none")):
        pass
    for command in (RUN, ("status",), ("verify",)):
        result = konkurs(*command, KONKURS_BANK_ID="OTHER")
        assert result.code == 1
        assert "KONKURS_DATA_DIR" in complaint(result)


# 2


SETTINGS = [
    pytest.param({"KONKURS_LOOKBACK_WORKDAYS": "five"}, ["KONKURS_LOOKBACK_WORKDAYS", "'five'"], id="no number"),
    pytest.param({"KONKURS_BANK_ID": "x"}, ["KONKURS_BANK_ID", "'x'"], id="form"),
    pytest.param({"KONKURS_LOOKBAK": "5"}, ["KONKURS_LOOKBAK", "no such setting"], id="unknown name"),
    pytest.param({"KONKURS_API_URL": "https://127.0.0.1:1"}, ["KONKURS_CLIENT_P12", "is not set"], id="missing"),
    pytest.param({"KONKURS_API_URL": "http://brreg.example"}, ["KONKURS_API_URL", "https"], id="http not on loopback"),
    pytest.param({"KONKURS_ENVIRONMENT": "production"}, ["KONKURS_ENVIRONMENT", "prod"], id="environment"),
    pytest.param({"KONKURS_DATASET_MAP": "nowhere.toml"}, ["KONKURS_DATASET_MAP", "nowhere.toml"], id="no map"),
]


@pytest.mark.parametrize(("environ", "says"), SETTINGS)
def test_a_missing_or_wrong_setting_stops_the_program_before_it_touches_anything(
    konkurs: CommandLine, environ: dict[str, str], says: list[str]
) -> None:
    result = konkurs(*RUN, **environ)
    assert result.code == 2
    line = complaint(result)
    for part in says:
        assert part in line
    assert not konkurs.data.exists()


def test_a_wrong_certificate_password_is_reported_without_the_password(konkurs: CommandLine) -> None:
    certificates = make_certificates(konkurs.folder / "tls")
    environ = {
        "KONKURS_API_URL": "https://127.0.0.1:1",
        "KONKURS_CLIENT_P12": str(certificates.client_p12),
        "KONKURS_CLIENT_P12_PASSWORD": "hunter2-is-wrong",
        "KONKURS_CA_BUNDLE": str(certificates.ca),
    }
    result = konkurs(*RUN, **environ)
    assert result.code == 2
    assert "password" in complaint(result)
    assert "hunter2" not in result.out + result.err
    assert not konkurs.data.exists()


USAGE = [
    pytest.param(("run", "--to", DAY), "--from", id="--to alone"),
    pytest.param(("run", "--from", DAY, "--to", "2018-09-01"), "earlier", id="backwards"),
    pytest.param(("run", "--from", "2199-01-04", "--to", "2199-01-04"), "today", id="the future"),
    pytest.param(("run", "--from", "2001-01-02", "--to", DAY), "KONKURS_FIRST_WORKDAY", id="before the first"),
    pytest.param(("lookup", "910425463", "--as-of", "yesterday"), "--as-of", id="no time"),
    pytest.param(("status", "--max-age", "soon"), "--max-age", id="no duration"),
    pytest.param(("status", "--off-hours-max-age", "4h"), "--max-age", id="off hours alone"),
    pytest.param(("plan", "--to", DAY), "--from", id="a plan with --to alone"),
    pytest.param(("gaps", "--from", DAY, "--to", "2018-09-01"), "earlier", id="gaps backwards"),
    pytest.param(("release", "nobody", "--by", " ", "--reason", "x"), "--by", id="no name of who releases"),
]


@pytest.mark.parametrize(("arguments", "why"), USAGE)
def test_wrong_arguments_exit_2(konkurs: CommandLine, arguments: tuple[str, ...], why: str) -> None:
    result = konkurs(*arguments)
    assert result.code == 2
    assert why in complaint(result)


@pytest.mark.parametrize("arguments", [("run", "--from", "8 June"), ("nonsense",), ("lookup",)], ids=" ".join)
def test_unknown_commands_and_options_exit_2(konkurs: CommandLine, arguments: tuple[str, ...]) -> None:
    result = konkurs(*arguments)
    assert result.code == 2
    assert "Traceback" not in result.err


# 3


@pytest.mark.parametrize(
    "arguments",
    [RUN, ("plan", *RUN[1:]), ("verify",), ("release", "run-1", "--by", "Kari", "--reason", "checked")],
    ids=lambda arguments: arguments[0],
)
def test_while_another_run_holds_the_store_a_command_does_nothing_and_exits_3(
    konkurs: CommandLine, arguments: tuple[str, ...]
) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    with open_store(load_settings(konkurs.environ, dotenv=konkurs.folder / "none")):
        result = konkurs(*arguments)
    assert result.code == 3
    assert "another run holds the store" in complaint(result)


@pytest.mark.parametrize("arguments", [("status",), ("held",), ("gaps",), ("lookup", FIRM)], ids=lambda a: a[0])
def test_questions_are_answered_while_a_run_holds_the_store(konkurs: CommandLine, arguments: tuple[str, ...]) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    with open_store(load_settings(konkurs.environ, dotenv=konkurs.folder / "none")):
        assert konkurs(*arguments).code == 0


# As a process of its own


def test_the_console_script_ends_a_failed_poll_with_one_line_and_1(konkurs: CommandLine) -> None:
    konkurs.write_customers(f"K-1,{FIRM},,")
    environ = {**konkurs.environ, "KONKURS_API_URL": UNREACHABLE, "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(  # noqa: S603 -- our own console script
        [CONSOLE_SCRIPT, *RUN], env=environ, cwd=konkurs.folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert complaint(CommandResult(ran.returncode, ran.stdout, ran.stderr))
    assert len(ran.stderr.splitlines()) == 1, "stderr has one line"


def test_the_console_script_stops_quietly_when_its_reader_is_gone(konkurs: CommandLine) -> None:
    ran = subprocess.run(  # noqa: S602 -- fixed text; a shell makes the pipe
        f"'{CONSOLE_SCRIPT}' status --json | true",
        shell=True,
        env={**konkurs.environ, "PATH": "/usr/bin:/bin"},
        cwd=konkurs.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ran.stderr
