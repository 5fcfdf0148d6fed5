from __future__ import annotations

from datetime import UTC, datetime, timedelta

from voc_stream.alerts.lifecycle import HEARD_WITHIN, RENEW_AFTER, Changes, is_heard
from voc_stream.alerts.lifecycle import changes as changes_of
from voc_stream.alerts.model import Finding, OpenAlert, Severity, Subject, Verdict

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
SUBJECT = Subject("VocX", None, "site", "s-1")


def changes(open_alerts: list[OpenAlert], verdict: Verdict, *, may_end: bool = True) -> Changes:
    return changes_of(open_alerts, {"VocX": verdict}, NOW, may_end=may_end)


def finding(severity: Severity = "warning", **evidence: str | int) -> Finding:
    return Finding(SUBJECT, severity, evidence, "words / 文字")


def opened(
    severity: Severity = "warning", updated_at: datetime = NOW, **evidence: str | int
) -> OpenAlert:
    return OpenAlert("a-1", SUBJECT, severity, evidence, "at the start / 开始时", NOW, updated_at)


def test_what_was_found_starts_unless_it_is_open() -> None:
    """Of two alerts about the same at most one is open."""
    assert changes([], Verdict([finding()])).starts == [finding()]
    found = changes([opened()], Verdict([finding()]))
    assert (found.starts, found.updates, found.ends) == ([], [], [])


def test_what_is_neither_found_nor_held_ends() -> None:
    """An alert goes on while its rule finds it or holds it."""
    assert changes([opened()], Verdict([])).ends == ["a-1"]
    assert changes([opened()], Verdict([], {SUBJECT})).ends == []


def test_rules_that_were_not_evaluated_end_nothing() -> None:
    """Not every evaluation looks at every rule."""
    assert changes_of([opened()], {"VocY": Verdict([])}, NOW, may_end=True).ends == []


def test_nothing_ends_while_nothing_is_heard() -> None:
    """No data is no good news, whatever the rules say; neither where nothing was ever heard."""
    assert changes([opened()], Verdict([]), may_end=False).ends == []
    assert not is_heard(None, NOW)
    assert not is_heard(NOW - HEARD_WITHIN, NOW)
    assert is_heard(NOW - HEARD_WITHIN + timedelta(seconds=1), NOW)


def test_it_may_become_more_severe_but_not_less() -> None:
    """People are told when it gets worse, and not twice of the same."""
    [(alert_id, worse)] = changes([opened()], Verdict([finding("critical")])).updates
    assert (alert_id, worse.severity) == ("a-1", "critical")
    old = opened("critical", NOW - RENEW_AFTER)
    [(_, better)] = changes([old], Verdict([finding("warning")])).updates
    assert better.severity == "critical"


def test_evidence_is_renewed_but_not_what_prometheus_knows_it_by() -> None:
    """Labels stay as they were at the start: others would be another alert to Prometheus."""
    old = opened(
        "warning",
        NOW - RENEW_AFTER,
        horizon="1h",
        explained_by="ann",
        count=3,
        told="at the start only",
    )
    [(_, renewed)] = changes(
        [old], Verdict([finding(horizon="7d", explained_by="bob", count=5)])
    ).updates
    assert renewed.evidence == {
        "horizon": "1h",
        "explained_by": "ann",
        "explained_dimension": None,
        "mix": None,
        "department": None,
        "count": 5,
        "told": "at the start only",
    }


def test_the_sentence_does_not_name_another_reason_than_the_alert_is_known_by() -> None:
    """The sentence of the start stays with the label of the start.

    Also if the reason has changed meanwhile.
    """
    old = opened("warning", NOW - RENEW_AFTER, explained_by="ann")
    [(_, renewed)] = changes([old], Verdict([finding(explained_by="bob")])).updates
    assert renewed.summary == "at the start / 开始时"
    [(_, renewed)] = changes([old], Verdict([finding(explained_by="ann")])).updates
    assert renewed.summary == "words / 文字"
