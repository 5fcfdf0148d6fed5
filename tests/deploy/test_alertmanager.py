from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from deploy.alerting import ALERTMANAGER, alerts, find, load, run

from voc_stream.embedded.processes.tcp_ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.deploy

DEADLINE_SECONDS = 30.0
ROUTES = [
    ("kind=domain severity=warning site=s1", "customer-experience"),
    ("kind=domain severity=warning site=s1 department=workshop", "customer-experience"),
    ("kind=domain severity=warning site=s1 department=service", "service-department"),
    ("kind=domain severity=warning site=s1 department=call_centre", "call-centre"),
    ("kind=domain severity=critical site=s1", "customer-experience-on-call,customer-experience"),
    (
        "kind=domain severity=critical site=s1 department=service",
        "customer-experience-on-call,service-department",
    ),
    ("kind=service severity=warning", "platform"),
    ("kind=service severity=critical", "platform-on-call"),
    ("kind=watchdog severity=none", "dead-mans-switch"),
]


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    """URL of a real Alertmanager with the shipped configuration."""
    url = f"http://127.0.0.1:{free_port()}"
    with (tmp_path / "log").open("wb") as log:
        command = [
            find("prometheus-alertmanager"),
            f"--config.file={ALERTMANAGER}",
            f"--storage.path={tmp_path}",
            "--cluster.listen-address=",
        ]
        process = subprocess.Popen(
            [*command, f"--web.listen-address={url.removeprefix('http://')}"],
            stdout=log,
            stderr=log,
        )
        try:
            yield url
        finally:
            process.terminate()
            process.wait(DEADLINE_SECONDS)


def ask(url: str, body: object = None) -> Any:
    """Answer of the API, asked again until the deadline while nothing listens yet."""
    data = None if body is None else json.dumps(body).encode()
    end = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                request, timeout=5
            ) as answer:
                return json.loads(answer.read() or b"null")
        except (urllib.error.URLError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)  # nothing tells when it listens


def states(url: str, *labels: dict[str, str]) -> dict[str, str]:
    """Send alerts, and return their states by name and severity.

    It waits until Alertmanager has decided on all of them.
    """
    ask(f"{url}/api/v2/alerts", [{"labels": each} for each in labels])
    end = time.monotonic() + DEADLINE_SECONDS
    while True:
        found = {
            each["labels"]["alertname"]: each["status"]["state"]
            for each in ask(f"{url}/api/v2/alerts")
        }
        if len(found) == len(labels) and "unprocessed" not in found.values():
            return found
        assert time.monotonic() < end, f"Alertmanager has not decided: {found}"
        time.sleep(0.05)  # nothing tells when it has decided


def test_the_configuration_is_valid() -> None:
    """Alertmanager must accept what is shipped."""
    run("amtool", "check-config", ALERTMANAGER)


@pytest.mark.parametrize(("labels", "receivers"), ROUTES)
def test_alerts_go_to_those_who_can_do_something(labels: str, receivers: str) -> None:
    """By kind, severity and department.

    A department without a route of its own is not forgotten.
    """
    assert (
        run(
            "amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels.split()
        ).splitlines()[-1]
        == receivers
    )


def test_messages_are_grouped_by_cause_at_a_site() -> None:
    """A bad day at one site is one message and not twenty, and so is one cause."""
    grouped = load(ALERTMANAGER)["route"]["group_by"]
    assert grouped == ["kind", "site", "department", "explained_by", "mix"]


def test_inhibition_names_alerts_that_exist() -> None:
    """A misspelt name would mute nothing.

    What mutes domain alerts is of the service and has a critical form.
    """
    critical = {
        alert.name for alert in alerts() if alert.rule["labels"].get("severity") == "critical"
    }
    names = {alert.name for alert in alerts()}
    for rule in load(ALERTMANAGER)["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            for listed in re.findall(r'alertname=~"(.*)"', matcher):
                assert set(listed.split("|")) <= (
                    critical if matcher in rule["source_matchers"] else names
                )


def test_receivers_tell_the_end_and_hold_no_secret() -> None:
    """Who was told of an alert is told of its end; what is secret lies in files."""
    configuration = load(ALERTMANAGER)
    for receiver in configuration["receivers"]:
        for webhook in receiver["webhook_configs"]:
            assert webhook["send_resolved"] is (receiver["name"] != "dead-mans-switch")
            assert webhook["http_config"] == {
                "authorization": {"credentials_file": "/run/secrets/webhook_token"}
            }


def test_domain_alerts_are_muted_while_the_service_is_not_well(alertmanager: str) -> None:
    """What is not known is not told: messages are muted, and the alert stays where it is."""
    dropped = {
        "alertname": "VocKeyExperienceDropped",
        "kind": "domain",
        "severity": "critical",
        "site": "s1",
    }
    stale = {"alertname": "VocEvaluatorStale", "kind": "service", "severity": "critical"}
    postgres = {
        "alertname": "VocPostgresUnavailable",
        "kind": "service",
        "severity": "critical",
        "instance": "worker-1:6066",
    }
    assert states(alertmanager, postgres, stale, dropped) == {
        "VocKeyExperienceDropped": "suppressed",
        "VocEvaluatorStale": "suppressed",  # by its cause
        "VocPostgresUnavailable": "active",
    }


def test_nothing_mutes_the_dead_mans_switch(alertmanager: str) -> None:
    """Its silence means that nobody watches, and nothing else."""
    switch = {"alertname": "VocDeadMansSwitch", "kind": "watchdog", "severity": "none"}
    down = {"alertname": "VocWorkerDown", "kind": "service", "severity": "critical"}
    assert states(alertmanager, down, switch)["VocDeadMansSwitch"] == "active"
    route = next(
        route
        for route in load(ALERTMANAGER)["route"]["routes"]
        if route["receiver"] == "dead-mans-switch"
    )
    assert (route["group_interval"], route["repeat_interval"]) == ("1m", "1m")


def test_domain_alerts_are_not_muted_by_a_warning(alertmanager: str) -> None:
    """One worker of several that is down makes no figure wrong."""
    dropped = {
        "alertname": "VocKeyExperienceDropped",
        "kind": "domain",
        "severity": "warning",
        "site": "s1",
    }
    down = {
        "alertname": "VocWorkerDown",
        "kind": "service",
        "severity": "warning",
        "instance": "worker-1:6066",
    }
    assert set(states(alertmanager, down, dropped).values()) == {"active"}
