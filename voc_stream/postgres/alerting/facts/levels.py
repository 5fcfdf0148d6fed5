"""Reads how experiences stand over the last seven days, for the rules about levels."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.alerts.explanation import against, department_of, explained, mostly, shown
from voc_stream.alerts.rules.below_expectation import HORIZON, Level, judge_levels, rule_of
from voc_stream.postgres.alerting.facts.evidence import read_event_ids, read_groups
from voc_stream.postgres.alerting.facts.time_limited_query import TimeLimitedQuery

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from voc_stream.alerts.model import Finding, Json, Subject, Verdict
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

SINCE = timedelta(days=6)
"""Before today: the seven days of the horizon."""


def judge_levels_of(
    cursor: Cursor, catalogue: Catalogue, now: datetime, open_subjects: Collection[Subject]
) -> Verdict:
    """What lies below what the catalogue asks for, at all sites together and at each."""
    judged = [key for key, experience in catalogue.experience.items() if rule_of(key, experience)]
    cursor.execute(
        "SELECT experience, scope_type, scope, r.n, experience_mean, stddev, expectation_mean, importance, coalesce(p.expectation_n, 0)"
        " FROM rolling_satisfaction r LEFT JOIN ("
        "  SELECT scope_type, scope, experience, sum(expectation_n)::int AS expectation_n FROM pane"
        "  WHERE resolution = 1440 AND start > %(now)s - interval '7 days' AND scope_type IN ('all', 'site')"
        "  AND experience = ANY(%(judged)s)"
        "  GROUP BY scope_type, scope, experience"
        " ) p USING (scope_type, scope, experience)"
        " WHERE horizon = %(horizon)s AND scope_type IN ('all', 'site') AND experience = ANY(%(judged)s)",
        {"now": now, "judged": judged, "horizon": HORIZON},
    )
    verdict = judge_levels(
        [Level._make(row) for row in cursor.fetchall()], catalogue, open_subjects
    )
    query = TimeLimitedQuery(cursor)
    findings = [
        found if found.subject in open_subjects else _explained(query, found, now)
        for found in verdict.findings
    ]
    return verdict._replace(findings=findings)


def _explained(query: TimeLimitedQuery, finding: Finding, now: datetime) -> Finding:
    """The finding with who explains it; that is expensive to read, so only for one that starts."""
    since = now - SINCE
    limit = finding.evidence["limit"]
    if not isinstance(limit, int | float):
        raise TypeError("the evidence of a level holds its limit as a number")
    explanations = explained(against(float(limit), read_groups(query, finding.subject, since, now)))
    most = mostly(explanations)
    more: dict[str, Json] = {
        "department": department_of(explanations),
        "explained_by": most.value if most else None,
        "explained_dimension": most.dimension if most else None,
        "explanations": shown(explanations),
        "event_ids": read_event_ids(
            query, finding.subject, most, since, below=float(limit), now=now
        ),
    }
    return finding._replace(evidence={**finding.evidence, **more})
