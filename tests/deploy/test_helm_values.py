"""The Helm values agree with the other files in deploy/. The chart itself is not part of the project."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it comes with dagster, without stubs

from konkurs_pipeline.settings import PREFIX

DEPLOY = Path(__file__).parents[2] / "deploy"
VALUES_FILE = DEPLOY / "helm" / "values.yaml"
VALUES: dict[str, Any] = yaml.safe_load(VALUES_FILE.read_text(encoding="utf-8"))
DAEMON, WEBSERVER = VALUES["dagsterDaemon"], VALUES["dagsterWebserver"]
(CODE,) = VALUES["dagster-user-deployments"]["deployments"]
DOCKERFILE = (DEPLOY / "containers" / "Dockerfile").read_text(encoding="utf-8")


def in_dagsters_words(value: Any) -> Any:  # noqa: ANN401 -- YAML
    """Return the value with keys like `purge_after_days`; the chart writes `purgeAfterDays`, and has its own `enabled`."""
    if not isinstance(value, dict):
        return value
    return {re.sub("[A-Z]", lambda big: f"_{big[0].lower()}", key): in_dagsters_words(of) for key, of in value.items()}


def without_enabled(block: dict[str, Any]) -> Any:  # noqa: ANN401 -- YAML
    assert block["enabled"], "the chart leaves the block out"
    return in_dagsters_words({key: of for key, of in block.items() if key != "enabled"})


def test_the_chart_configures_the_same_instance_as_the_containers() -> None:
    theirs = yaml.safe_load((DEPLOY / "containers" / "dagster.yaml").read_text(encoding="utf-8"))
    queue = DAEMON["runCoordinator"]["config"]["queuedRunCoordinator"]
    launcher = VALUES["runLauncher"]["config"]["customRunLauncher"]
    made = {
        "run_monitoring": in_dagsters_words(DAEMON["runMonitoring"]),
        "run_retries": in_dagsters_words(DAEMON["runRetries"]),
        "concurrency": without_enabled(VALUES["concurrency"]),
        "retention": without_enabled(VALUES["retention"]),
        "telemetry": VALUES["telemetry"],
        **VALUES["additionalInstanceConfig"],
    }
    assert made == {name: theirs.pop(name) for name in made}
    assert launcher == {**theirs.pop("run_launcher"), "config": {}}
    assert VALUES["computeLogManager"]["type"] == theirs.pop("compute_logs")["class"]
    coordinator = theirs.pop("run_coordinator")
    assert DAEMON["runCoordinator"]["type"] == coordinator["class"]
    assert {"dequeue_interval_seconds": queue["dequeueIntervalSeconds"]} == coordinator["config"]
    assert VALUES["postgresql"]["postgresqlScheme"] == theirs.pop("storage")["postgres"]["postgres_db"]["scheme"]
    assert theirs == {}, "the values set everything that the file sets"


def test_the_name_of_the_code_servers_service_makes_no_variable_that_the_settings_refuse() -> None:
    """Kubernetes sets NAME_SERVICE_HOST, NAME_PORT and more in every pod of the namespace."""
    assert not f"{CODE['name']}_".upper().replace("-", "_").startswith(PREFIX)


def test_the_workspace_names_the_code_server_and_the_location() -> None:
    arguments = CODE["dagsterApiGrpcArgs"]
    location = arguments[arguments.index("--location-name") + 1]
    assert WEBSERVER["workspace"] == {
        "enabled": True,
        "servers": [{"host": CODE["name"], "port": CODE["port"], "name": location}],
    }


def test_the_readiness_probe_uses_the_web_servers_own_port() -> None:
    """The chart's default is port 80 for any port of the service. The chart names the service's port `http`."""
    assert WEBSERVER["readinessProbe"]["httpGet"]["port"] in {"http", WEBSERVER["service"]["port"]}


def test_the_old_pod_ends_before_the_new_one_starts() -> None:
    assert CODE["deploymentStrategy"]["type"] == "Recreate"
    assert CODE.get("replicaCount", 1) == 1


def test_every_named_file_lies_in_a_mounted_folder() -> None:
    volumes = {volume["name"]: volume for volume in CODE["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in CODE["volumeMounts"]}
    paths = [value for value in CODE["env"].values() if value.startswith("/")]
    assert paths
    assert [path for path in paths if not any(path.startswith(f"{mount}/") for mount in mounts)] == []
    claims = {
        volume["persistentVolumeClaim"]["claimName"] for volume in volumes.values() if "persistentVolumeClaim" in volume
    }
    documents = yaml.safe_load_all((DEPLOY / "helm" / "data-volumes.yaml").read_text(encoding="utf-8"))
    assert claims == {document["metadata"]["name"] for document in documents}


def test_the_pods_have_the_user_and_the_folders_of_the_image() -> None:
    assert VALUES["global"]["dagsterHome"] in re.findall(r"DAGSTER_HOME=(\S+)", DOCKERFILE)
    for pod in (CODE, DAEMON, WEBSERVER):
        assert str(pod["podSecurityContext"]["runAsUser"]) in re.findall(r"^USER (\d+)", DOCKERFILE, flags=re.MULTILINE)
        assert pod["securityContext"]["readOnlyRootFilesystem"]
        assert "/tmp" in {mount["mountPath"] for mount in pod["volumeMounts"]}  # noqa: S108


def test_the_values_use_exactly_the_secrets_that_their_head_creates() -> None:
    created = set(re.findall(r"create secret generic (\S+)", VALUES_FILE.read_text(encoding="utf-8")))
    mounted = {volume["secret"]["secretName"] for volume in CODE["volumes"] if "secret" in volume}
    assert created == mounted | {VALUES["global"]["postgresqlSecretName"]}


def test_the_chart_has_the_version_of_dagster() -> None:
    assert set(re.findall(r"1\.\d+\.\d+", VALUES_FILE.read_text(encoding="utf-8"))) == {version("dagster")}
