"""What the chart installs: rights, probes, rooms to write, settings, and who may connect."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from deploy.helm.settings import CHART, setting_names
from tests.architecture.sources import ROOT
from tests.deploy.charts import (
    KUBERNETES,
    VALUES,
    environment_of,
    of_kind,
    pods_of,
    rendered,
    run_helm,
)

EVERY_MAKER = {"billing-fluxrate-api", "billing-fluxrate-worker", "billing-fluxrate-migration"}


@pytest.fixture(params=VALUES)
def example(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_helm_finds_nothing_to_say_against_it(example: str) -> None:
    values = str(CHART / "ci" / f"{example}-values.yaml")
    done = run_helm(
        "lint", "--strict", "--kube-version", KUBERNETES, "--values", values, str(CHART)
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_helm_refuses_values_that_are_missing_or_unknown() -> None:
    done = run_helm("template", "billing", str(CHART), "--kube-version", KUBERNETES, "--set", "a=b")

    assert done.returncode == 1
    for place in ("publicUrl", "temporal/address", "database/existingSecret", "'a' not allowed"):
        assert place in done.stderr


@pytest.mark.parametrize("version", ["1.27", "1.33", "1.36"])
def test_manifests_are_those_that_kubernetes_knows(example: str, version: str) -> None:
    judge = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate is not installed: `make chart` does"
    )
    for one in rendered(example):
        if one["kind"] != "ServiceMonitor":  # it is of the Prometheus Operator
            judge.validate(one, version, strict=True)


def test_pods_have_no_right_and_one_place_to_write(example: str) -> None:
    pods = pods_of(example)

    assert set(pods) >= EVERY_MAKER
    for name, pod in pods.items():
        [container] = pod["spec"]["containers"]
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True, name
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        written = [one for one in container["volumeMounts"] if not one.get("readOnly")]
        assert written == [{"name": "tmp", "mountPath": "/tmp"}]
        assert set(container["resources"]) == {"requests", "limits"}
        assert "memory" in container["resources"]["limits"]


def test_certificates_for_temporal_are_where_settings_look_for_them() -> None:
    for name, pod in pods_of("full").items():
        [container] = pod["spec"]["containers"]
        mounted = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
        given = {one["name"]: one.get("value") for one in container.get("env", [])}
        if "TEMPORAL_ADDRESS" in given:
            place = mounted["temporal-tls"]
            assert given["FLUXRATE_TEMPORAL_TLS"] == "true", name
            assert given["FLUXRATE_TEMPORAL_TLS_NAME"] == "temporal.internal"
            assert given["FLUXRATE_TEMPORAL_TLS_CA"] == f"{place}/ca.crt"
            assert given["FLUXRATE_TEMPORAL_TLS_CERTIFICATE"] == f"{place}/tls.crt"
            assert given["FLUXRATE_TEMPORAL_TLS_KEY"] == f"{place}/tls.key"
            volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
            assert volumes["temporal-tls"]["secret"]["secretName"] == "fluxrate-temporal"


def test_pods_run_as_the_account_of_the_image(example: str) -> None:
    user = pods_of(example)["billing-fluxrate-api"]["spec"]["securityContext"]["runAsUser"]

    assert f"USER {user}" in (ROOT / "Dockerfile").read_text()


def test_commands_are_those_of_compose(example: str) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    pods = pods_of(example)
    for service, maker in (("api", "api"), ("worker", "worker"), ("migrate", "migration")):
        [container] = pods[f"billing-fluxrate-{maker}"]["spec"]["containers"]
        command = compose[service]["command"]
        assert container["args"][: len(command)] == command


def test_processes_have_the_settings_of_compose() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    pods = pods_of("minimal")
    for service, maker in (("api", "api"), ("worker", "worker"), ("migrate", "migration")):
        environment = environment_of(pods[f"billing-fluxrate-{maker}"])
        # What may be left out in the one is left out in the other.
        needed = {
            name
            for name, value in compose[service]["environment"].items()
            if not str(value).startswith("${") or ":?" in str(value)
        }
        assert needed <= set(environment)
        assert environment["FLUXRATE_PRODUCTION"] == "true"
        assert set(environment) <= setting_names()


def test_secrets_are_named_and_only_the_job_has_the_owner_of_the_tables(example: str) -> None:
    secret = {"DATABASE_URL", "FLUXRATE_SECRET_KEY", "FLUXRATE_OPERATOR_TOKEN"}
    for name, pod in pods_of(example).items():
        environment = environment_of(pod)
        if not environment:
            continue
        assert all("secretKeyRef" in environment[one] for one in secret)
        assert ("FLUXRATE_MIGRATION_DATABASE_URL" in environment) is name.endswith("-migration")


def test_settings_of_the_operator_reach_every_process() -> None:
    for name, pod in pods_of("full").items():
        if name.endswith("-ready"):
            continue
        environment = environment_of(pod)
        assert environment["FLUXRATE_SIGNUP"] == "closed"
        assert environment["FLUXRATE_DATABASE_POOL_SIZE"] == "12"
        [container] = pod["spec"]["containers"]
        names = [one["name"] for one in container["env"]]
        assert len(names) == len(set(names)), "a name twice is one that kubectl cannot merge"


def test_api_is_asked_whether_it_lives_and_whether_it_is_ready(example: str) -> None:
    [container] = pods_of(example)["billing-fluxrate-api"]["spec"]["containers"]

    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_migrations_come_first_and_need_nothing_of_the_release(example: str) -> None:
    job = of_kind(example, "Job")["billing-fluxrate-migration"]

    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert "serviceAccountName" not in job["spec"]["template"]["spec"]


def test_selectors_find_their_pods_and_no_others(example: str) -> None:
    pods = pods_of(example)
    selectors = {
        one["metadata"]["name"] + "/" + one["kind"]: selector_of(one)
        for one in rendered(example)
        if selector_of(one)
    }
    found = {
        name: {maker for maker, pod in pods.items() if selector.items() <= labels_of(pod).items()}
        for name, selector in selectors.items()
        if "egress" not in name  # by a list of components
    }

    assert found["billing-fluxrate-api/Service"] == {"billing-fluxrate-api"}
    assert found["billing-fluxrate-api/PodDisruptionBudget"] == {"billing-fluxrate-api"}
    assert found["billing-fluxrate-worker/Deployment"] == {"billing-fluxrate-worker"}
    assert all(found.values())


def selector_of(manifest: dict[str, Any]) -> dict[str, str]:
    spec = manifest.get("spec", {})
    if manifest["kind"] == "Service":
        return dict(spec["selector"])
    if manifest["kind"] == "ServiceMonitor":  # it selects Services
        return {}
    selector = spec.get("podSelector", spec.get("selector", {}))
    return dict(selector.get("matchLabels", {}))


def labels_of(pod: dict[str, Any]) -> dict[str, str]:
    return dict(pod["metadata"]["labels"])


def test_installation_is_tried_past_its_own_policies() -> None:
    policies = of_kind("full", "NetworkPolicy")
    tried = labels_of(pods_of("full")["billing-fluxrate-ready"])
    [bounded] = policies["billing-fluxrate-egress"]["spec"]["podSelector"]["matchExpressions"]
    [rule] = policies["billing-fluxrate-api"]["spec"]["ingress"]
    peers = [one["podSelector"]["matchLabels"] for one in rule["from"] if "podSelector" in one]
    spaces = [one["namespaceSelector"] for one in rule["from"] if "namespaceSelector" in one]

    assert tried["app.kubernetes.io/component"] not in bounded["values"]
    assert [one for one in peers if one.items() <= tried.items()]
    # Who comes in from outside, and Prometheus, which reads metrics of the API too.
    assert [one["matchLabels"]["kubernetes.io/metadata.name"] for one in spaces] == [
        "ingress-nginx",
        "monitoring",
    ]


def test_what_leaves_goes_to_names_database_temporal_and_public_addresses() -> None:
    policy = of_kind("minimal", "NetworkPolicy")["billing-fluxrate-egress"]["spec"]
    rules = [([one["port"] for one in rule["ports"]], rule.get("to")) for rule in policy["egress"]]

    assert [ports for ports, _ in rules] == [[53, 53], [5432], [7233], [443, 465, 587]]
    public = rules[-1][1][0]["ipBlock"]
    assert public["cidr"] == "0.0.0.0/0"
    assert {"10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16"} <= set(public["except"])


def test_ingress_is_of_the_public_address_without_its_port() -> None:
    ingress = of_kind("full", "Ingress")["billing-fluxrate"]["spec"]

    assert ingress["rules"][0]["host"] == "billing.example.com"
    assert ingress["tls"] == [
        {"hosts": ["billing.example.com"], "secretName": "billing-certificate"}
    ]
    assert of_kind("minimal", "Ingress") == {}


def test_replicas_are_left_to_the_autoscaler_where_there_is_one() -> None:
    assert "replicas" not in of_kind("full", "Deployment")["billing-fluxrate-api"]["spec"]
    assert of_kind("full", "HorizontalPodAutoscaler")["billing-fluxrate-api"]
    assert of_kind("minimal", "Deployment")["billing-fluxrate-api"]["spec"]["replicas"] == 2


def test_prometheus_shows_the_token_and_finds_both() -> None:
    monitors = of_kind("full", "ServiceMonitor")
    services = of_kind("full", "Service")

    assert set(monitors) == {"billing-fluxrate-api", "billing-fluxrate-worker"}
    for name, monitor in monitors.items():
        [endpoint] = monitor["spec"]["endpoints"]
        assert endpoint["authorization"]["credentials"] == {
            "name": "fluxrate",
            "key": "operator-token",
        }
        labels = monitor["spec"]["selector"]["matchLabels"]
        matched = {
            one
            for one, service in services.items()
            if labels.items() <= service["metadata"]["labels"].items()
        }
        assert matched == {name}
        assert endpoint["port"] in {one["name"] for one in services[name]["spec"]["ports"]}
