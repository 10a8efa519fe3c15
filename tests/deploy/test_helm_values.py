"""The Helm values, held against what else is in deploy/. The chart itself is not here."""

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


def test_the_chart_is_told_the_same_instance_as_the_containers_have() -> None:
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
    assert theirs == {}, "what stands there, the values should say too"


def test_the_code_servers_service_makes_no_variable_that_the_settings_would_refuse() -> None:
    """Kubernetes sets NAME_SERVICE_HOST, NAME_PORT and more in every pod of the namespace."""
    assert not f"{CODE['name']}_".upper().replace("-", "_").startswith(PREFIX)


def test_the_daemon_and_the_web_server_find_the_code_server_under_the_locations_name() -> None:
    arguments = CODE["dagsterApiGrpcArgs"]
    location = arguments[arguments.index("--location-name") + 1]
    assert WEBSERVER["workspace"] == {
        "enabled": True,
        "servers": [{"host": CODE["name"], "port": CODE["port"], "name": location}],
    }


def test_the_web_server_is_asked_at_its_own_port_whether_it_is_ready() -> None:
    """The chart's default is 80, whatever the service's port is; `http` is the name that it gives that port."""
    assert WEBSERVER["readinessProbe"]["httpGet"]["port"] in {"http", WEBSERVER["service"]["port"]}


def test_there_is_one_writer_at_a_time() -> None:
    assert CODE["deploymentStrategy"]["type"] == "Recreate"
    assert CODE.get("replicaCount", 1) == 1


def test_every_file_that_is_named_lies_where_something_is_mounted() -> None:
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


def test_the_pods_are_as_the_image_is() -> None:
    assert VALUES["global"]["dagsterHome"] in re.findall(r"DAGSTER_HOME=(\S+)", DOCKERFILE)
    for pod in (CODE, DAEMON, WEBSERVER):
        assert str(pod["podSecurityContext"]["runAsUser"]) in re.findall(r"^USER (\d+)", DOCKERFILE, flags=re.MULTILINE)
        assert pod["securityContext"]["readOnlyRootFilesystem"]
        assert "/tmp" in {mount["mountPath"] for mount in pod["volumeMounts"]}  # noqa: S108


def test_the_secrets_that_are_used_are_the_ones_that_the_reader_is_told_to_make() -> None:
    told = set(re.findall(r"create secret generic (\S+)", VALUES_FILE.read_text(encoding="utf-8")))
    mounted = {volume["secret"]["secretName"] for volume in CODE["volumes"] if "secret" in volume}
    assert told == mounted | {VALUES["global"]["postgresqlSecretName"]}


def test_the_chart_is_the_one_that_goes_with_dagster() -> None:
    assert set(re.findall(r"1\.\d+\.\d+", VALUES_FILE.read_text(encoding="utf-8"))) == {version("dagster")}
