from __future__ import annotations

from builders import START

from voc_stream.alerts.model import Finding, OpenAlert, Subject
from voc_stream.alerts.same_cause import with_same_cause

RULE = "VocKeyExperienceDropped"


def finding(experience: str, site: str = "s-1", **evidence: str | None) -> Finding:
    return Finding(Subject(RULE, experience, "site", site), "warning", evidence, experience)


def opened(experience: str, **evidence: str) -> OpenAlert:
    start = finding(experience, **evidence)
    return OpenAlert(experience, start.subject, "warning", evidence, "", START, START)


def test_alerts_of_one_cause_at_one_site_name_each_other() -> None:
    """Whoever hears of the second hears that the first is the same advisor's."""
    starts = [
        finding("overall", explained_by="ann"),
        finding("explanation", explained_by="ann"),
        finding("overall", site="s-2", explained_by="ann"),
        finding("service_time", explained_by="bob"),
        finding("fair_charge", explained_by=None, mix="fleet"),
        finding("repair_quality", explained_by=None),
    ]
    found = with_same_cause(starts, [opened("advisor_service", explained_by="ann")])
    assert [start.evidence.get("same_cause") for start in found] == [
        ["advisor_service", "explanation"],
        ["advisor_service", "overall"],
        [],
        [],
        [],
        None,
    ]
    assert [start.subject for start in found] == [start.subject for start in starts]


def test_a_change_of_mix_is_a_cause_of_its_own() -> None:
    """It is no fault of a group that happens to have the same name."""
    start = finding("overall", mix="ann")
    open_alerts = [opened("advisor_service", explained_by="ann"), opened("explanation", mix="ann")]
    [found] = with_same_cause([start], open_alerts)
    assert found.evidence["same_cause"] == ["explanation"]
