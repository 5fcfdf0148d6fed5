from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from deploy.alerting import (
    CASES,
    RULES,
    TARGET_LABELS,
    alerts,
    labels_of_metrics,
    load,
    metrics_in,
    rules,
    run,
)
from deploy.tools import DEPLOY

from voc_stream.alerts.registry import RULES as DOMAIN_RULES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.deploy

DOMAIN = {rule.name for rule in DOMAIN_RULES}
CONTRACT = {
    "VocKeyExperienceDropped", "VocExperienceBelowExpectation", "VocOnTimeDeliveryLow",
    "VocRepairStageStuck", "VocPromiseAtRisk", "VocFollowUpOverdue", "VocComplaintAgeing",
    "VocComplaintSurge", "VocChurnRiskRising", "VocHighValueAtRisk", "VocProcessItemMissed",
    "VocTouchpointSilent",
}  # fmt: skip
ALWAYS = "VocDeadMansSwitch"
SERVICE = {
    "VocPipelineStalled",
    "VocLagGrowing",
    "VocDeadLetterRatioHigh",
    "VocPostgresUnavailable",
    "VocEvaluatorStale",
}


def recorded() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}


def cases() -> Iterator[tuple[str, bool]]:
    """Alert name and whether it is expected to fire, of each promtool case."""
    for path in CASES:
        for test in load(path)["tests"]:
            for case in test.get("alert_rule_test", ()):
                yield case["alertname"], bool(case["exp_alerts"])


def test_rules_and_configuration_are_valid() -> None:
    """Prometheus must accept what is shipped, with the rules that it names."""
    run("promtool", "check", "rules", *RULES)
    checked = run("promtool", "check", "config", DEPLOY / "prometheus/prometheus.yaml")
    assert f"{len(RULES)} rule files found" in checked


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_rules_do_what_their_cases_say(path: Path) -> None:
    """Each alert fires when it should, and only then; having no data ends none."""
    assert "SUCCESS" in run("promtool", "test", "rules", path)


def test_every_alert_of_the_contract_exists() -> None:
    """Names are fixed: runbooks, routes and people rely on them.

    Domain alerts are exactly those that the evaluator decides.
    """
    assert DOMAIN >= CONTRACT
    kinds = {(alert.name, alert.rule["labels"]["kind"]) for alert in alerts()}
    assert {name for name, kind in kinds if kind == "domain"} == DOMAIN
    assert {name for name, kind in kinds if kind == "service"} >= SERVICE


def test_every_alert_has_a_case_that_fires_and_one_that_is_quiet() -> None:
    """An alert that nobody has seen fire, or has not seen quiet, is not trusted."""
    names, found = {alert.name for alert in alerts()}, set(cases())
    assert {(name, fires) for name in names for fires in (True, False)} - {(ALWAYS, False)} == found


def test_domain_alerts_have_no_thresholds() -> None:
    """The catalogue and the evaluator alone decide.

    A rule only passes on the alerts of its own name.
    """
    for name, rule in alerts():
        if name in DOMAIN:
            assert (
                rule["expr"] == f'max without (rule) (alert:voc_alert_firing:held{{rule="{name}"}})'
            )
            assert "severity" not in rule["labels"], "the severity is the evaluator's"


def test_every_series_exists() -> None:
    """A rule or case about a series that no worker shows would be quiet for ever."""
    known = set(labels_of_metrics()) | recorded()
    texts = [str(rule["expr"]) + str(rule.get("annotations", "")) for rule in rules()]
    texts += [
        series["series"]
        for path in CASES
        for test in load(path)["tests"]
        for series in test["input_series"]
    ]
    for text in texts:
        assert metrics_in(text) <= known, text
    assert {
        "up",
        "voc_alert_firing",
        "process_start_time_seconds",
        "alert:voc_alert_firing:held",
    } <= metrics_in(" ".join(texts))


def test_cases_use_the_labels_that_workers_use() -> None:
    """A case with other labels than the worker's would prove nothing."""
    known = labels_of_metrics()
    for path in CASES:
        for test in load(path)["tests"]:
            for series in test["input_series"]:
                name, labels = re.fullmatch(r"(\w+)\{(.*)\}", series["series"]).groups()  # type: ignore[union-attr]  # else the test fails
                assert set(re.findall(r"(\w+)=", labels)) <= known[name] | TARGET_LABELS, series[
                    "series"
                ]


def test_every_alert_tells_people_what_they_need() -> None:
    """In both languages, with its runbook, and with the labels by which it is routed."""
    for name, rule in alerts():
        annotations, labels = rule["annotations"], rule["labels"]
        assert set(annotations) == {"summary", "summary_zh", "description", "runbook_url"}, name
        assert re.search(r"[\u4e00-\u9fff]", annotations["summary_zh"]), name
        assert annotations["runbook_url"] == "{{ $externalLabels.runbooks }}/" + name + ".md"
        assert (
            labels["team"]
            == {"domain": "customer-experience", "service": "platform", "watchdog": "platform"}[
                labels["kind"]
            ]
        )
        assert name in DOMAIN or labels["severity"] in (
            {"none"} if name == ALWAYS else {"critical", "warning"}
        )


def test_the_rules_select_the_job_that_is_scraped() -> None:
    """The rules ask for workers by the job's name."""
    asked = {name for rule in rules() for name in re.findall(r'job="([^"]*)"', rule["expr"])}
    for path in ("prometheus/prometheus.yaml", "prometheus/kubernetes.yaml"):
        jobs = load(DEPLOY / path)["scrape_configs"]
        assert asked == {jobs[0]["job_name"]}
