"""deploy/many/: each file names settings that exist, and each bank has a location, a volume and a secret of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it comes with dagster, without stubs

from konkurs_pipeline.settings import Settings, load_settings, variable

MANY = Path(__file__).parents[2] / "deploy" / "many"
SETTINGS = {variable(field) for field in Settings.model_fields}


def loaded(name: str) -> Any:  # noqa: ANN401 -- YAML
    return yaml.safe_load((MANY / name).read_text(encoding="utf-8"))


def test_every_named_setting_exists() -> None:
    for path in MANY.rglob("*"):
        if path.is_file():
            named = set(re.findall(r"\b(KONKURS_[A-Z0-9_]+)\b", path.read_text(encoding="utf-8")))
            assert named <= SETTINGS, path.name


def test_a_bank_has_one_run_at_a_time_and_several_banks_run_at_once() -> None:
    concurrency = loaded("dagster.yaml")["concurrency"]
    assert concurrency["pools"] == {"granularity": "run", "default_limit": 1}
    assert concurrency["runs"]["max_concurrent_runs"] > 1
    helm = loaded("helm-values.yaml")["concurrency"]
    assert helm["pools"] == {"granularity": "run", "defaultLimit": 1}


def test_a_banks_container_shares_no_location_volume_or_secret() -> None:
    compose = loaded("compose.yaml")
    banks = {name: service for name, service in compose["services"].items() if "KONKURS_BANK_ID" in str(service)}
    servers = [one["grpc_server"] for one in loaded("workspace.compose.yaml")["load_from"]]
    locations = {server["host"]: server["location_name"] for server in servers}
    assert {name: service["environment"]["KONKURS_BANK_ID"] for name, service in banks.items()} == locations
    own = [own_of(service) for service in banks.values()]
    assert len(own) == 2
    assert not own[0] & own[1]
    assert all(service["command"][-1] == locations[name] for name, service in banks.items())


def own_of(service: dict[str, Any]) -> set[str]:
    volumes = {each.partition(":")[0] for each in service["volumes"] if not each.startswith(".")}
    return volumes | {each["source"] for each in service["secrets"] if isinstance(each, dict)}


def test_a_banks_pod_shares_no_claim_or_secret() -> None:
    deployments = loaded("helm-values.yaml")["dagster-user-deployments"]["deployments"]
    own = [set(re.findall(r"'(?:claimName|secretName)': '([a-z-]+)'", str(each["volumes"]))) for each in deployments]
    assert [len(each) for each in own] == [3, 3]
    assert not own[0] & own[1]
    servers = loaded("helm-values.yaml")["dagsterWebserver"]["workspace"]["servers"]
    assert [each["env"]["KONKURS_BANK_ID"] for each in deployments] == [server["name"] for server in servers]


def test_a_banks_unit_names_its_own_folders_only() -> None:
    unit = (MANY / "systemd" / "konkurs-code@.service").read_text(encoding="utf-8")
    for folder in re.findall(r"/(?:var/lib|var/spool|run|etc)/konkurs[^\s]*", unit):
        assert "%i" in folder or folder == "/etc/konkurs/postgres.env", folder
    assert "User=konkurs-%i" in unit


def test_a_banks_settings_file_is_complete_so_that_status_all_can_read_it(tmp_path: Path) -> None:
    template = (MANY / "systemd" / "bank.env").read_text(encoding="utf-8")
    file = tmp_path / "konkurs.env"
    file.write_text(re.sub(r"\bBANK\b", "ALPHA", template), encoding="utf-8")
    settings = load_settings({}, dotenv=file)
    assert settings.bank_id == "ALPHA"
    assert settings.many_banks
    unit = (MANY / "systemd" / "konkurs-code@.service").read_text(encoding="utf-8")
    assert "ExecStart=/usr/bin/env KONKURS_MANY_BANKS=true KONKURS_BANK_ID=%i KONKURS_CLIENT_P12=%d/client.p12" in unit
