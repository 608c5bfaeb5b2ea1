"""The deployment files fit the program and each other: settings, commands, images, ports, names.

What each file must look like by itself, linters know: ``scripts/check_deployment.py``.
"""

import fnmatch
import os
import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

import gateway
from gateway.cli import main
from gateway.environment import load_settings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
Node = dict[str, Any]


class Strict(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping, where the last would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if key.value != "<<"]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"{node.start_mark}: {twice} stands twice")
        return super().construct_mapping(node, deep)


def documents(path: Path) -> list[Node]:
    loaded = yaml.load_all(path.read_text(encoding="utf-8"), Strict)
    return [document for document in loaded if document]


COMPOSE = documents(ROOT / "compose.yaml")[0]
OBJECTS = [found for path in MANIFESTS for found in documents(path)]


def objects(kind: str) -> list[Node]:
    return [found for found in OBJECTS if found["kind"] == kind]


def pods() -> dict[str, Node]:
    """The pod template of each workload, by the workload's name."""
    kinds = ("Deployment", "StatefulSet", "Job")
    return {
        found["metadata"]["name"]: found["spec"]["template"] for k in kinds for found in objects(k)
    }


def image_environment() -> dict[str, str]:
    stage = DOCKERFILE[DOCKERFILE.index("AS runtime") :]
    return dict(
        re.findall(r"\b([A-Z_]+)=(\S+)", stage[stage.index("ENV ") : stage.index("VOLUME")])
    )


def compose_roles() -> dict[str, dict[str, str]]:
    """The environment of each command that compose.yaml runs in the gateway's image."""
    return {
        service["command"][0]: service["environment"]
        for service in COMPOSE["services"].values()
        if service["image"].startswith("contract-gateway:")
    }


def kubernetes_roles() -> dict[str, dict[str, str]]:
    """The environment of each command that the manifests run in the gateway's image."""
    data = {found["metadata"]["name"]: found["data"] for found in objects("ConfigMap")}
    keys = {found["metadata"]["name"]: found["stringData"] for found in objects("Secret")}
    found = {}
    for template in pods().values():
        for container in template["spec"]["containers"]:
            if "/contract-gateway:" not in container["image"]:
                continue
            env = dict(data[container["envFrom"][0]["configMapRef"]["name"]])
            for variable in container["env"]:
                reference = variable["valueFrom"]["secretKeyRef"]
                env[variable["name"]] = keys[reference["name"]][reference["key"]]
            found[container["args"][0]] = env
    return found


def environments() -> list[Any]:
    """What each role is told, with what the image says, as parameters of a test."""
    return [
        pytest.param(image_environment() | env, id=f"{where}-{role}")
        for where, roles in (("compose", compose_roles()), ("kubernetes", kubernetes_roles()))
        for role, env in roles.items()
    ]


later = pytest.mark.skipif(
    not {"worker", "migrate"} <= set(main.list_commands(click.Context(main))),
    reason="the roles beside serve are not on this branch yet",
)


@later
@pytest.mark.parametrize("env", environments())
def test_the_gateway_accepts_the_settings_that_a_role_is_given(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        monkeypatch.delenv(name)
    for name, value in env.items():
        if name.startswith("GATEWAY_"):
            monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.host == "0.0.0.0"  # noqa: S104 what a container has to listen on
    kind, _, variable = settings.root_key.partition(":")
    assert kind == "env"
    assert variable in env


@later
def test_both_deployments_run_the_same_roles_and_each_is_a_command() -> None:
    assert set(compose_roles()) == set(kubernetes_roles()) == {"serve", "worker", "migrate"}
    assert set(compose_roles()) <= set(main.list_commands(click.Context(main)))


def test_all_roles_run_the_image_of_this_version() -> None:
    services = [service["image"] for service in COMPOSE["services"].values()]
    containers = [c["image"] for pod in pods().values() for c in pod["spec"]["containers"]]
    tags = {image.rsplit("/", 1)[-1] for image in services + containers}
    version = gateway.__version__
    ours = {f"contract-gateway:{version}", f"contract-gateway-example:{version}"}
    assert {tag for tag in tags if not tag.startswith("postgres:")} == ours
    assert len({tag for tag in tags if tag.startswith("postgres:")}) == 1
    assert [job["metadata"]["name"] for job in objects("Job")] == [
        f"migrate-{version.replace('.', '-')}"
    ]


def test_the_image_is_the_gateway_unless_another_stage_is_asked_for() -> None:
    stages = re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE)
    assert stages[-1] == "gateway"
    targets = {s["build"]["target"] for s in COMPOSE["services"].values() if "build" in s}
    assert targets == {"gateway", "example"}
    assert targets <= set(stages)


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = [source.rstrip("/") for line in copied for source in line.split()]
    assert {"gateway", "requirements", "examples/support_service"} <= set(sources)
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [rule.removeprefix("!").rstrip("/") for rule in rules if rule.startswith("!")]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [
        source
        for source in sources
        if not any(fnmatch.fnmatch(at, rule) for rule in kept for at in (source, folder_of(source)))
    ] == []


def folder_of(source: str) -> str:
    """The first folder of a path: with it all that is in it is kept."""
    return source.partition("/")[0]


def test_probes_and_services_meet_the_port_that_the_gateway_listens_on() -> None:
    port = int(image_environment()["GATEWAY_PORT"])
    assert objects("ConfigMap")[0]["data"]["GATEWAY_PORT"] == str(port)
    assert COMPOSE["services"]["gateway"]["ports"][0].endswith(f":{port}")
    routes = set(re.findall(r'Route\("(/\w+)"', (ROOT / "gateway/serving.py").read_text("utf-8")))
    for role in ("gateway", "worker"):
        container = pods()[role]["spec"]["containers"][0]
        assert container["ports"] == [{"name": "http", "containerPort": port}]
        asked = {
            name: container[name]["httpGet"]
            for name in ("startupProbe", "livenessProbe", "readinessProbe")
        }
        assert {ask["port"] for ask in asked.values()} == {"http"}
        assert {ask["path"] for ask in asked.values()} == {"/healthz", "/readyz"} <= routes
        assert asked["readinessProbe"]["path"] == "/readyz"  # what must not start a process anew
    service = next(s for s in objects("Service") if s["metadata"]["name"] == "gateway")
    assert service["spec"]["ports"][0]["targetPort"] == "http"


def test_no_service_of_the_cluster_turns_into_a_setting() -> None:
    assert pods()
    assert {
        name: pod["spec"]["enableServiceLinks"] for name, pod in pods().items()
    } == dict.fromkeys(pods(), False)


def test_the_folders_of_the_gateway_are_made_by_itself_inside_a_volume() -> None:
    # A volume of the cluster is open to its group, and a key folder that is open is refused.
    data = objects("ConfigMap")[0]["data"]
    for role in ("gateway", "worker", "migrate-0-1-0"):
        mounts = {m["mountPath"] for m in pods()[role]["spec"]["containers"][0]["volumeMounts"]}
        for folder in (data["GATEWAY_DATA_DIR"], data["GATEWAY_KEY_DIR"]):
            assert folder not in mounts
            assert str(Path(folder).parent) in mounts


def test_a_pod_has_time_to_stop_in() -> None:
    for role, most in (("gateway", 30), ("worker", 45)):
        spec = pods()[role]["spec"]
        hook = spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {})
        assert spec["terminationGracePeriodSeconds"] - hook.get("seconds", 0) >= most


def labels_of_pods() -> list[Node]:
    return [pod["metadata"]["labels"] for pod in pods().values()]


def is_met(selector: Node) -> bool:
    """Whether some pod has the labels that ``selector`` names."""
    wanted = selector.get("matchLabels", {}).items()
    among = {rule["key"]: rule["values"] for rule in selector.get("matchExpressions", [])}
    return any(
        wanted <= labels.items() and all(labels.get(key) in some for key, some in among.items())
        for labels in labels_of_pods()
    )


def test_every_selector_meets_a_pod() -> None:
    selectors = [
        (found["kind"], found["metadata"]["name"], found["spec"].get(key))
        for kind, key in (
            *(("Deployment", "selector"), ("StatefulSet", "selector")),
            *(("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")),
        )
        for found in objects(kind)
    ]
    selectors += [
        ("Service", found["metadata"]["name"], {"matchLabels": found["spec"]["selector"]})
        for found in objects("Service")
    ]
    assert len(selectors) >= 10
    assert [found for found in selectors if not is_met(found[2])] == []


def test_every_deployment_has_replicas_spread_and_a_disruption_budget() -> None:
    budgets = [found["spec"]["selector"] for found in objects("PodDisruptionBudget")]
    deployments = objects("Deployment")
    assert [found["metadata"]["name"] for found in deployments] == ["gateway", "worker"]
    for found in deployments:
        spec = found["spec"]
        assert spec["replicas"] >= 2
        assert spec["selector"] in budgets
        spread = spec["template"]["spec"]["topologySpreadConstraints"]
        assert [rule["labelSelector"] for rule in spread] == [spec["selector"]] * 2


def test_all_objects_lie_in_the_namespace() -> None:
    name = objects("Namespace")[0]["metadata"]["name"]
    inside = [found for found in OBJECTS if found["kind"] != "Namespace"]
    assert {found["metadata"]["namespace"] for found in inside} == {name}


def test_no_file_holds_a_secret() -> None:
    assert {value for found in objects("Secret") for value in found["stringData"].values()} == {""}
    named = re.compile(r"(?i)pass|root_key$|secret|token")
    told = [
        (name, value)
        for service in COMPOSE["services"].values()
        for name, value in service.get("environment", {}).items()
        if named.search(name) and not name.startswith("GATEWAY_")
    ]
    assert {name for name, _ in told} == {"PGPASSWORD", "POSTGRES_PASSWORD", "ROOT_KEY"}
    assert [pair for pair in told if not re.fullmatch(r"\$\{\w+:\?[^}]+\}", pair[1])] == []


def test_everything_that_compose_refers_to_is_there() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", {})) <= set(services)
        mounted = [volume.split(":")[0] for volume in service.get("volumes", [])]
        assert set(mounted) <= set(COMPOSE["volumes"])
    origins = services["worker"]["environment"]["GATEWAY_ACTION_ORIGINS"]
    assert origins.endswith("//support:8900")
    assert "EXPOSE 8900" in DOCKERFILE


def test_every_check_that_is_skipped_has_its_reason_beside_it() -> None:
    skips = [
        value
        for found in OBJECTS
        for name, value in found["metadata"].get("annotations", {}).items()
        if name.startswith("checkov.io/")
    ]
    skips += re.findall(r"checkov:skip=(.+)", DOCKERFILE)
    assert skips
    assert [skip for skip in skips if len(re.split("[=:]", skip, maxsplit=1)[-1]) < 20] == []


def test_the_page_tells_of_every_manifest() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert [path.name for path in MANIFESTS if path.name not in page] == []
