"""Finds who explains what was found about scores.

That is expensive to read, so it is read only for alerts that start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.explanation.groups import compare_with_limit
from voc_stream.alerts.explanation.reason import find_reason, reason_as_evidence
from voc_stream.postgres.alerting.facts.evidence import read_event_ids, read_groups

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.alerts.model import Finding, Json
    from voc_stream.postgres.alerting.facts.time_limited_query import TimeLimitedQuery


def explain_start(query: TimeLimitedQuery, finding: Finding, now: datetime) -> Finding:
    """The finding with who explains it, if it is about scores that are too low."""
    if finding.unexplained is None:
        return finding
    over, limit = finding.unexplained
    since = now - over
    reason = find_reason(compare_with_limit(limit, read_groups(query, finding.subject, since, now)))
    event_ids = read_event_ids(query, finding.subject, reason.named, since, below=limit, now=now)
    more: dict[str, Json] = {**reason_as_evidence(reason), "event_ids": event_ids}
    return finding._replace(evidence={**finding.evidence, **more})
