"""A shop gets worse: the right people are told what, where and by whom, and again when it is over.

All parts are real; time is scaled.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from alerting.call_centre import CallCentre
from alerting.stack import DROPPED, Stack
from alerting.stories import EMPLOYEE, EXPERIENCE, SITE, decline
from end_to_end.harness import Service

from voc_stream.catalogue.load import load_catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from alerting.monitoring import Firing
    from alerting.webhook import Told

    from voc_stream.settings import Settings

pytestmark = [pytest.mark.alerts, pytest.mark.slow]

DECLINE_SECONDS = 20.0
FIRES_SECONDS = 90.0
"""Without load it takes twenty."""
TOLD_SECONDS = 30.0
ENDS_SECONDS = 300.0
"""Without load it takes a minute.

What customers of the decline say later, enough answers to believe the recovery, Alertmanager's
delay.
"""
OVERALL = "overall"
"""It falls with the advisor's service, and so because of the same advisor."""
COLUMNS = ("alert_id", "scope_type", "severity", "started_at", "ended_at", "evidence", "summary")


def test_a_drop_is_told_explained_and_taken_back(settings: Settings, tmp_path: Path) -> None:
    """From a worse advisor to the webhook and back.

    Right shop, experience and employee, with evidence; each start and end told once.
    """
    own = replace(settings, evaluation_interval_seconds=1)
    with Service(own, tmp_path) as service, Stack(service, tmp_path) as stack:
        stack.play_history()
        with CallCentre(service, decline(DECLINE_SECONDS)) as centre:
            stack.wait_until(
                lambda: bool(_blamed(stack)),
                FIRES_SECONDS,
                f"{DROPPED} of {EXPERIENCE} fires at {SITE}",
            )
            firing = _blamed(stack)[0]
            _assert_names_the_cause(stack, firing)
            _assert_is_told(stack, firing)
            _assert_one_cause_is_one_message(stack, firing)
            alert = _alerts(stack)[0]
            _assert_evidence(stack, alert)
            assert _announced(stack)[alert["alert_id"]][0] == "started"
            stack.wait_until(
                lambda: _is_over(stack, firing),
                ENDS_SECONDS,
                f"{EXPERIENCE} recovers at {SITE}, and the webhook hears of it",
            )
            centre.stop()
        service.wait_until_caught_up()
        stack.wait_until(
            lambda: not service.query("SELECT FROM outbox WHERE kind = 'alert'"),
            TOLD_SECONDS,
            "every start and end is published",
        )
        _assert_announced_once(stack, alert["alert_id"])
        service.assert_tables_are_right()


def _blamed(stack: Stack) -> list[Firing]:
    return stack.firing(DROPPED, experience=EXPERIENCE, site=SITE)


def _assert_names_the_cause(stack: Stack, firing: Firing) -> None:
    assert firing.labels["explained_by"] == EMPLOYEE
    assert firing.labels["department"] == "service"
    # All shops together may have fallen with it, without the label of a site.
    assert {
        alert.labels.get("site", "") for alert in stack.firing(DROPPED, experience=EXPERIENCE)
    } <= {SITE, ""}


def _assert_is_told(stack: Stack, firing: Firing) -> None:
    """By its labels: the department, and whoever is on call where it is critical."""
    wanted = {"service-department"} | (
        {"customer-experience-on-call"} if firing.labels["severity"] == "critical" else set()
    )

    def told() -> list[Told]:
        return stack.webhook.about(firing.labels, "firing")

    stack.wait_until(
        lambda: {each.receiver for each in told()} == wanted,
        TOLD_SECONDS,
        f"{wanted} are told of {firing.labels}",
    )
    label = load_catalogue().experience[EXPERIENCE].label
    for each in told():
        for language, experience in (("summary", label.en), ("summary_zh", label.zh)):
            assert all(
                name in each.annotations[language] for name in (experience, SITE, EMPLOYEE)
            ), each.annotations[language]
        assert each.annotations["runbook_url"].endswith(f"/{DROPPED}.md")
    known = [alert for alert in stack.alertmanager.known() if alert["labels"] == firing.labels]
    assert [alert["status"]["state"] for alert in known] == ["active"]


def _assert_one_cause_is_one_message(stack: Stack, firing: Firing) -> None:
    """The same advisor lowers what customers think of the whole visit: another line, no message."""
    fallen = {EXPERIENCE, OVERALL}
    cause = {name: firing.labels[name] for name in ("site", "department", "explained_by")}

    def lines() -> list[set[str]]:
        return [
            {each.labels["experience"] for each in message if cause.items() <= each.labels.items()}
            for message in list(stack.webhook.messages)
        ]

    stack.wait_until(
        lambda: any(fallen <= each for each in lines()),
        FIRES_SECONDS,
        lambda: f"one message has {fallen} of {cause}: {lines()}",
    )


def _is_over(stack: Stack, firing: Firing) -> bool:
    """Looked for together.

    While some customers are content and others are not yet, one alert may end and another start.
    """
    told = stack.webhook.about(firing.labels, "resolved")
    return bool(told) and not _blamed(stack) and all(alert["ended_at"] for alert in _alerts(stack))


def _alerts(stack: Stack) -> list[dict[str, Any]]:
    """The alerts about the shop's advisors that there were, oldest first."""
    rows = stack.service.query(
        f"SELECT {', '.join(COLUMNS)} FROM alert WHERE rule = %s AND experience = %s AND scope = %s"
        f" ORDER BY started_at",
        (DROPPED, EXPERIENCE, SITE),
    )
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def _assert_evidence(stack: Stack, alert: Mapping[str, Any]) -> None:
    evidence, experience = alert["evidence"], load_catalogue().experience[EXPERIENCE]
    assert alert["scope_type"] == "site"
    assert (evidence["label_en"], evidence["label_zh"]) == (
        experience.label.en,
        experience.label.zh,
    )
    assert evidence["n"] > 0
    assert 0 <= evidence["mean"] < evidence["baseline_mean"] <= 10
    assert evidence["drop"] == pytest.approx(
        evidence["baseline_mean"] - evidence["mean"], abs=0.011
    )
    assert evidence["drop_low"] < evidence["drop"] < evidence["drop_high"]
    assert (evidence["explained_by"], evidence["department"]) == (EMPLOYEE, "service")
    assert evidence["explained_share"] > 0.5
    [explanation] = [each for each in evidence["explanations"] if each["value"] == EMPLOYEE]
    assert explanation["dimension"] == "employee"
    assert explanation["mean"] < explanation["baseline_mean"]
    assert all(
        name in alert["summary"]
        for name in (experience.label.en, experience.label.zh, SITE, EMPLOYEE)
    ), alert["summary"]
    events = stack.service.query(
        "SELECT event_id, site_id, employee_id FROM touchpoint_event WHERE event_id = ANY(%s)",
        (evidence["event_ids"],),
    )
    assert 1 <= len(evidence["event_ids"]) <= 5
    assert {event_id for event_id, _, _ in events} == set(evidence["event_ids"])
    assert {(site, employee) for _, site, employee in events} == {(SITE, EMPLOYEE)}


def _announced(stack: Stack) -> dict[str, list[str]]:
    """The states that the topic tells of each alert of any rule, in their order."""
    found: dict[str, list[str]] = {}
    for message in stack.announcements():
        found.setdefault(message["alert_id"], []).append(message["state"])
    return found


def _assert_announced_once(stack: Stack, alert_id: str) -> None:
    announced = _announced(stack)
    assert announced[alert_id] == ["started", "ended"]
    rows = stack.service.query("SELECT alert_id, ended_at IS NULL FROM alert")
    assert announced == {
        each: ["started"] if is_open else ["started", "ended"] for each, is_open in rows
    }
