"""Finds who explains what was found about scores.

That is expensive to read, so it is read only for alerts that start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.explanation import (
    compare_with_limit,
    department_of,
    explain_drop,
    main_explanation,
    show_largest,
)
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
    explanations = explain_drop(
        compare_with_limit(limit, read_groups(query, finding.subject, since, now))
    )
    main = main_explanation(explanations)
    more: dict[str, Json] = {
        "department": department_of(explanations),
        "explained_by": main.value if main else None,
        "explained_dimension": main.dimension if main else None,
        "explanations": show_largest(explanations),
        "event_ids": read_event_ids(query, finding.subject, main, since, below=limit, now=now),
    }
    return finding._replace(evidence={**finding.evidence, **more})
