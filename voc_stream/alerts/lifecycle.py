"""Decides which alerts start, go on with new evidence, and end.

It compares what is open with what was found now.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from voc_stream.alerts.model import Finding, OpenAlert, Reason, Severity, Subject, Verdict

RENEW_AFTER = timedelta(minutes=5)
"""How old the evidence of an open alert may get, unless it became more severe."""
HEARD_WITHIN = timedelta(minutes=30)
"""Without any event for so long, no alert ends: no data is no good news."""
KEPT = ("horizon", "department", "explained_by", "explained_dimension", "mix")
"""Parts of the evidence that stay as they were at the start.

Prometheus identifies an alert by them, and the last part says what the third is.
"""


class Changes(NamedTuple):
    """What is to be written.

    Attributes:
        starts: findings whose subject had no open alert.
        updates: alerts that go on, with their new evidence.
        ends: ids of alerts that are over.
        unfounded: alerts that end for another reason than a recovery, and the reason.
    """

    starts: Sequence[Finding]
    updates: Sequence[tuple[str, Finding]]
    ends: Sequence[str]
    unfounded: Sequence[tuple[OpenAlert, Reason]] = ()


def is_heard(heard_at: datetime | None, now: datetime) -> bool:
    """Whether events arrive; `heard_at` is when they were last taken in."""
    return heard_at is not None and now - heard_at < HEARD_WITHIN


def keep_confirmed(
    verdict: Verdict, before: Collection[Subject], open_subjects: Collection[Subject]
) -> Verdict:
    """The verdict without what was found for the first time.

    An alert starts when the next evaluation finds the same. While a history or a late export is
    taken in, orders and complaints look for a moment as if nobody had gone on with them.
    """
    return verdict._replace(
        findings=[
            each
            for each in verdict.findings
            if each.subject in before or each.subject in open_subjects
        ]
    )


def changes(
    open_alerts: Sequence[OpenAlert],
    verdicts: Mapping[str, Verdict],
    now: datetime,
    *,
    may_end: bool,
    reasons: Mapping[Subject, Reason] | None = None,
) -> Changes:
    """What this evaluation changes.

    An alert becomes more severe while it is open, never less, so that people are not told the same
    twice.

    Args:
        open_alerts: of all rules.
        verdicts: by rule; open alerts of other rules stay as they are.
        now: the time of the evaluation.
        may_end: whether alerts end. They do not while no events arrive, or not yet all of them.
        reasons: of subjects whose alert ends without a recovery, why.
    """
    found = {
        finding.subject: finding for verdict in verdicts.values() for finding in verdict.findings
    }
    holding = {subject for verdict in verdicts.values() for subject in verdict.holding}
    known = {alert.subject for alert in open_alerts}
    updates, ends, unfounded = [], [], []
    for alert in open_alerts:
        finding = found.get(alert.subject)
        if finding is not None:
            if _is_worse(finding.severity, alert.severity) or now - alert.updated_at >= RENEW_AFTER:
                updates.append((alert.alert_id, _continue(alert, finding)))
        elif may_end and alert.subject.rule in verdicts and alert.subject not in holding:
            if (reason := (reasons or {}).get(alert.subject)) is not None:
                unfounded.append((alert, reason))
            else:
                ends.append(alert.alert_id)
    return Changes(
        [finding for subject, finding in found.items() if subject not in known],
        updates,
        ends,
        unfounded,
    )


def _is_worse(severity: Severity, before: Severity) -> bool:
    return severity == "critical" and before == "warning"


def _continue(alert: OpenAlert, finding: Finding) -> Finding:
    kept = {name: alert.evidence.get(name) for name in KEPT}
    # A sentence would contradict the alert if it names another reason than the alert is known by.
    is_same = finding.evidence.get("explained_by", kept["explained_by"]) == kept["explained_by"]
    summary = finding.summary if is_same else alert.summary
    severity = finding.severity if _is_worse(finding.severity, alert.severity) else alert.severity
    return finding._replace(
        severity=severity, summary=summary, evidence={**alert.evidence, **finding.evidence, **kept}
    )
