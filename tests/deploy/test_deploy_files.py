"""deploy/: every file is read as its own program reads it, so a renamed setting or command makes a test fail."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml  # type: ignore[import-untyped]  # it comes with dagster, without stubs

from konkurs_pipeline.settings import Settings, load_settings, variable

PROJECT = Path(__file__).parents[2]
DEPLOY = PROJECT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
ENV_FILES = [DEPLOY / "systemd" / "konkurs.env", DEPLOY / "containers" / "konkurs.env"]
SCRIPTS = sorted(path for path in DEPLOY.rglob("systemd/*") if not path.suffix)
SETTINGS = {variable(field) for field in Settings.model_fields}


def loaded(path: Path) -> Any:  # noqa: ANN401 -- YAML
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def values_of(unit: Path, name: str) -> list[str]:
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


def services() -> dict[str, Any]:
    made: dict[str, Any] = loaded(DEPLOY / "containers" / "compose.yaml")["services"]
    return made


def commands() -> list[list[str]]:
    """Return every command of ours that a unit or a container starts, without its folder."""
    started = [shlex.split(value) for unit in UNITS for value in values_of(unit, "ExecStart")]
    started += [service["command"] for service in services().values() if "command" in service]
    return [[Path(words[0]).name, *words[1:]] for words in started if "konkurs" in words[0] or "dagster" in words[0]]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_started_command_exists_with_its_options(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program, *rest = words
    depth = {"dagster": 2, "dagster-daemon": 1, "konkurs": 1}.get(program, 0)
    (script,) = entry_points(group="console_scripts", name=program)
    monkeypatch.setattr(sys, "argv", [program, *rest[:depth], "--help"])
    with pytest.raises(SystemExit) as ended:
        script.load()()
    assert not ended.value.code, "no such command"
    shown = capsys.readouterr().out
    options = [word for word in rest if word.startswith("--")]
    assert "Usage" in shown
    assert [option for option in options if option not in shown] == []


@pytest.mark.parametrize("path", ENV_FILES, ids=lambda path: path.parent.name)
def test_an_environment_file_and_its_unit_name_every_setting_and_no_other_name(path: Path) -> None:
    named = set(re.findall(r"^#?(KONKURS_[A-Z0-9_]+)=", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    beside = set(services()["code"]["environment"]) & SETTINGS if path.parent.name == "containers" else set()
    left = {"KONKURS_CLIENT_P12_PASSWORD"} if beside else set()
    assert named | beside | left == SETTINGS


@pytest.mark.parametrize("path", ENV_FILES, ids=lambda path: path.parent.name)
def test_an_environment_file_states_the_defaults_of_the_settings(path: Path, tmp_path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    written = dict(line.removeprefix("#").split("=", 1) for line in lines if re.match(r"#?KONKURS_", line))
    certificate = {"KONKURS_CLIENT_P12": "c.p12", "KONKURS_CLIENT_P12_PASSWORD": "x"}
    commented = {line[1:].split("=")[0] for line in lines if line.startswith("#KONKURS_")}
    plain = {name: value for name, value in written.items() if name not in commented}
    nowhere = tmp_path / "none"
    assert load_settings({**certificate, **plain}, dotenv=nowhere) == load_settings(
        {**{name: value for name, value in written.items() if value}, **certificate}, dotenv=nowhere
    )


def test_the_helm_values_set_existing_settings_only() -> None:
    (deployment,) = loaded(DEPLOY / "helm" / "values.yaml")["dagster-user-deployments"]["deployments"]
    assert set(deployment["env"]) <= SETTINGS


def test_every_deployment_runs_jobs_as_processes_beside_the_code_server() -> None:
    """A run in a pod or container of its own has neither the data volume nor the certificate."""
    values = loaded(DEPLOY / "helm" / "values.yaml")
    assert values["runLauncher"]["config"]["customRunLauncher"]["class"] == "DefaultRunLauncher"
    assert loaded(DEPLOY / "containers" / "dagster.yaml")["run_launcher"]["class"] == "DefaultRunLauncher"
    writers = [name for name, service in services().items() if "data:/var/lib/konkurs" in service.get("volumes", [])]
    assert writers == ["code"]


def test_the_instance_for_postgresql_differs_from_the_projects_in_its_storage_only(tmp_path: Path) -> None:
    mine, theirs = loaded(DEPLOY / "containers" / "dagster.yaml"), loaded(PROJECT / "dagster.yaml")
    assert mine.pop("storage")["postgres"]["postgres_db"]["scheme"] == "postgresql+psycopg2"
    assert {name: mine[name] for name in theirs} == theirs
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(mine), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert type(instance.run_launcher).__name__ == "DefaultRunLauncher"


def test_the_workspaces_name_the_servers_that_are_started() -> None:
    (unit,) = [words for words in commands() if "--socket" in words]
    (container,) = [words for words in commands() if "--port" in words and "api" in words]
    socket = loaded(DEPLOY / "systemd" / "workspace.yaml")["load_from"][0]["grpc_server"]
    port = loaded(DEPLOY / "containers" / "workspace.yaml")["load_from"][0]["grpc_server"]
    assert (socket["socket"], socket["location_name"]) == (unit[unit.index("--socket") + 1], unit[-1])
    assert (str(port["port"]), port["host"]) == (container[container.index("--port") + 1], "code")


def test_the_postgresql_lock_fits_the_projects_dagster() -> None:
    versions = dict(re.findall(r"^([a-z0-9-]+)==([0-9.]+)", _locks(), flags=re.MULTILINE))
    _, minor, patch = versions["dagster"].split(".")
    # Dagster numbers its libraries so: 1.13.27 goes with 0.29.27.
    assert versions["dagster-postgres"] == f"0.{int(minor) + 16}.{patch}"
    assert "--hash=sha256:" in (DEPLOY / "containers" / "requirements.lock").read_text(encoding="utf-8")


def _locks() -> str:
    files = (PROJECT / "requirements.lock", DEPLOY / "containers" / "requirements.lock")
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_the_backstop_goes_by_the_time_since_boot_and_polls_only_if_no_poll_is_recent() -> None:
    timer = (DEPLOY / "systemd" / "konkurs-poll.timer").read_text(encoding="utf-8")
    assert "OnCalendar" not in timer, "it must not wait for a clock that jumped"
    (condition,) = values_of(DEPLOY / "systemd" / "konkurs-poll.service", "ExecCondition")
    assert "! /opt/konkurs/.venv/bin/konkurs status --max-age 20m" in condition


@pytest.mark.parametrize(
    "path",
    [*DEPLOY.rglob("entrypoint.sh"), *SCRIPTS],
    ids=lambda path: str(path.relative_to(DEPLOY)),
)
def test_a_script_is_an_executable_shell_script(path: Path) -> None:
    assert os.access(path, os.X_OK)
    subprocess.run(["/bin/sh", "-n", str(path)], check=True)  # noqa: S603


@pytest.mark.parametrize(
    ("script", "arguments"),
    [("systemd/install", ()), ("many/systemd/install", ()), ("many/systemd/add-bank", ("ALPHA",))],
)
def test_an_install_script_uses_existing_files_and_keeps_settings_private(
    script: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """Each command is a stand-in that records its arguments, so the test changes nothing on the machine."""
    for name in ("useradd", "groupadd", "install", "systemctl", "id", "getent", "python3"):
        command = tmp_path / name
        fails = "exit 1" if name in ("id", "getent") else ""
        command.write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/done\n{fails}\n', encoding="utf-8")
        command.chmod(0o755)
    subprocess.run(  # noqa: S603
        [str(DEPLOY / script), *arguments], check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True
    )
    done = (tmp_path / "done").read_text(encoding="utf-8").splitlines()
    taken = [Path(word) for line in done for word in line.split() if word.startswith(f"{DEPLOY}/")]
    assert all(path.exists() for path in taken)
    settings = [line for line in done if re.search(r"(konkurs|postgres)\.env\b", line)]
    assert settings
    assert all("-m 0640 -g konkurs" in line or "-m 0600" in line for line in settings)
