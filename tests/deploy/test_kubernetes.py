"""The Kubernetes manifests, as kustomize makes them. Nothing is applied: that needs a cluster."""

from __future__ import annotations

import re
from typing import Any

import pytest
from deploy.alerting import RULES, load
from deploy.tools import DEPLOY, documents, run, tool, values_of

from voc_stream.cli import COMMANDS
from voc_stream.kafka.worker.run import STOP_DEADLINE_SECONDS
from voc_stream.settings import Settings, load_settings

FOLDERS = ("base", "overlays/production")
MONITORING = {"PodMonitor", "PrometheusRule"}
JOB = "voc-worker"
Manifest = dict[str, Any]


@pytest.fixture(scope="module", params=FOLDERS)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """Everything that one folder makes."""
    kubectl = tool("kubectl", "what kustomize makes of the manifests")
    return documents(run([kubectl, "kustomize", DEPLOY / "kubernetes" / request.param]))


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def pods(manifests: list[Manifest]) -> list[Manifest]:
    found = [
        manifest["spec"]["template"]["spec"]
        for kind in ("Deployment", "Job")
        for manifest in of_kind(manifests, kind)
    ]
    assert len(found) == 2
    return found


def test_all_is_there(manifests: list[Manifest]) -> None:
    """Workers, `init`, and what keeps them apart from others and available.

    All in one namespace.
    """
    kinds = {manifest["kind"] for manifest in manifests} - MONITORING
    assert kinds == {
        "Namespace", "ServiceAccount", "ConfigMap", "Service", "Deployment", "Job",
        "PodDisruptionBudget", "NetworkPolicy",
    }  # fmt: skip
    assert {manifest["metadata"].get("namespace", "voc-stream") for manifest in manifests} == {
        "voc-stream"
    }
    labels = of_kind(manifests, "Namespace")[0]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_pods_keep_to_the_restricted_standard(manifests: list[Manifest]) -> None:
    """Containers have no rights that they do not need.

    Not root, no more rights than at the start, no capabilities, the usual system calls, nothing
    writable, no token of Kubernetes.
    """
    for pod in pods(manifests):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"].keys() == {"requests", "limits"}
        assert all(part.keys() == {"cpu", "memory"} for part in container["resources"].values())
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys()
        assert [volume for volume in pod["volumes"] if "secret" not in volume] == []


def test_no_secret_is_in_the_manifests(manifests: list[Manifest]) -> None:
    """Secrets are named, each by the one pod that may read it, and their values are nowhere."""
    assert of_kind(manifests, "Secret") == []
    text = str(manifests)
    assert not re.search(r"postgresql://|VOC_DATABASE_URL|(?i:password)", text)
    named = [
        [found["secretName"] for found in values_of(pod, "secret") if isinstance(found, dict)]
        for pod in pods(manifests)
    ]
    assert named == [["voc-stream-writer"], ["voc-stream-owner"]]


def test_a_worker_is_watched_and_has_time_to_stop(manifests: list[Manifest]) -> None:
    """A worker that waits for Kafka is not restarted, and one that hangs is.

    One that stops is killed later than it ends by itself.
    """
    ((pod),) = [
        manifest["spec"]["template"]["spec"] for manifest in of_kind(manifests, "Deployment")
    ]
    (worker,) = pod["containers"]
    pages = {
        probe: worker[probe]["httpGet"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert {probe: page["path"] for probe, page in pages.items()} == {
        "startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz",
    }  # fmt: skip
    assert {page["port"] for page in pages.values()} == {"web"}
    assert worker["ports"] == [{"name": "web", "containerPort": Settings().web_port}]
    assert pod["terminationGracePeriodSeconds"] > STOP_DEADLINE_SECONDS
    assert pod.get("restartPolicy", "Always") == "Always"
    assert pod["enableServiceLinks"] is False


def test_settings_are_known(manifests: list[Manifest]) -> None:
    """The program accepts every setting, and the commands exist."""
    (settings,) = of_kind(manifests, "ConfigMap")
    assert load_settings(settings["data"]).kafka_bootstrap
    for pod in pods(manifests):
        (container,) = pod["containers"]
        assert container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
        assert container["args"][0] in COMMANDS


def test_there_are_several_workers_on_several_nodes(manifests: list[Manifest]) -> None:
    """Two workers at least, spread over nodes, and no more than there are partitions.

    One at a time may be taken away.
    """
    (deployment,), (budget,), (settings,) = (
        of_kind(manifests, kind) for kind in ("Deployment", "PodDisruptionBudget", "ConfigMap")
    )
    assert 2 <= deployment["spec"]["replicas"] <= int(settings["data"]["VOC_PARTITIONS"])
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]
    spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in spread} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }
    assert all(each["labelSelector"] == deployment["spec"]["selector"] for each in spread)


def test_names_meet(manifests: list[Manifest]) -> None:
    """What selects workers selects them: labels of the pods and the service."""
    template = of_kind(manifests, "Deployment")[0]["spec"]["template"]["metadata"]
    (service,) = of_kind(manifests, "Service")
    assert service["spec"]["selector"].items() <= template["labels"].items()


def test_the_job_can_be_applied_again(manifests: list[Manifest]) -> None:
    """A job cannot be changed.

    Tools that apply it again and again make it anew, and it does not remove itself under their
    hands.
    """
    (job,) = of_kind(manifests, "Job")
    annotations = job["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/hook"] == "Sync"
    assert annotations["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
    assert annotations["kustomize.toolkit.fluxcd.io/force"] == "enabled"
    assert "ttlSecondsAfterFinished" not in job["spec"]


@pytest.fixture(scope="module")
def production() -> list[Manifest]:
    """What an operator of a cluster applies."""
    kubectl = tool("kubectl", "what kustomize makes of the manifests")
    return documents(run([kubectl, "kustomize", DEPLOY / "kubernetes/overlays/production"]))


def test_the_operator_scrapes_the_workers_under_the_name_that_the_rules_ask_for(
    production: list[Manifest],
) -> None:
    """The monitor selects the workers' pods and their port, and names the job.

    Without it every rule would be quiet, or fire for ever.
    """
    template = of_kind(production, "Deployment")[0]["spec"]["template"]
    (monitor,) = of_kind(production, "PodMonitor")
    assert (
        monitor["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    )
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] in [port["name"] for port in template["spec"]["containers"][0]["ports"]]
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": JOB}]


def test_a_prometheus_without_the_operator_scrapes_the_same(production: list[Manifest]) -> None:
    """The job that is shipped for it keeps the workers' pods and port, under the same name."""
    template = of_kind(production, "Deployment")[0]["spec"]["template"]
    (job,) = load(DEPLOY / "prometheus/kubernetes.yaml")["scrape_configs"]
    assert job["job_name"] == JOB
    labels, port = (rule for rule in job["relabel_configs"] if rule.get("action") == "keep")
    names = [name.removeprefix("__meta_kubernetes_pod_label_") for name in labels["source_labels"]]
    own = {
        re.sub(r"\W", "_", name): value for name, value in template["metadata"]["labels"].items()
    }
    assert ";".join(own[name] for name in names) == labels["regex"]
    assert port["regex"] in [each["name"] for each in template["spec"]["containers"][0]["ports"]]


def test_the_operators_rules_are_the_shipped_ones(production: list[Manifest]) -> None:
    """deploy/make-prometheusrule was run after the last change of a rule."""
    (rule,) = of_kind(production, "PrometheusRule")
    assert rule["spec"]["groups"] == [group for path in RULES for group in load(path)["groups"]]


def test_the_network_is_closed_but_for_what_is_needed(manifests: list[Manifest]) -> None:
    """Nothing in or out, but names, Kafka and PostgreSQL out, and Prometheus in."""
    policies = {
        policy["metadata"]["name"]: policy["spec"] for policy in of_kind(manifests, "NetworkPolicy")
    }
    assert policies["deny-all"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    out = {
        port["port"]
        for rule in policies["to-kafka-and-postgres"]["egress"]
        for port in rule["ports"]
    }
    assert out == {53, 9092, 5432}
    (into,) = policies["from-prometheus"]["ingress"]
    assert [port["port"] for port in into["ports"]] == [Settings().web_port]
    assert into["from"]
