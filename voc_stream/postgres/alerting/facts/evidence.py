"""Reads evidence for an alert about scores.

Evidence is groups that may explain the alert, and a few telling events.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from voc_stream.alerts.explanation.groups import Group
from voc_stream.alerts.model import MOST_IDS
from voc_stream.domain.dimensions import TELLING
from voc_stream.postgres.alerting.facts.event_scores import SCORES
from voc_stream.postgres.schema.expressions.watched import WATCHED_DAILY_SQUARES, WATCHED_DAILY_SUM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.alerts.explanation.parts import Explanation
    from voc_stream.alerts.model import Subject
    from voc_stream.postgres.alerting.facts.time_limited_query import TimeLimitedQuery

BEFORE = timedelta(days=28)
EVENTS_WITHIN = timedelta(days=2)
"""How far back events are looked for.

Events are indexed by time only, and in coarse blocks; looking farther back would read too many.
"""
EVENTS_SECONDS = 1.5
"""How long the events since a drop began are looked for; then its whole days are taken."""
_STAGES_SHOWN = 3
_SLOWER_BY = 1.1
"""By how much a stage must be slower than before, as a factor; less tells nothing."""
_NONE = (0, 0.0, 0.0)
_DIMENSIONS = {name: each.column for name, each in TELLING.items()}


def read_groups(
    query: TimeLimitedQuery, subject: Subject, since: datetime, now: datetime
) -> list[Group]:
    """Read the scores of the subject by each dimension.

    The scores are those since `since`, and those of the four weeks before that day. What is long
    ago, or takes too long to read, counts by whole days.
    """
    # At one site the site explains everything.
    dimensions = {
        name: column
        for name, column in _DIMENSIONS.items()
        if name != "site" or subject.scope_type == "all"
    }
    groups = _groups_by_day(query, subject, dimensions, since)
    if now - since > EVENTS_WITHIN or subject.experience == "on_time_delivery":
        return groups
    # In the morning of the same day all may have been well, or somebody else's fault.
    exact = _scores_since(query, subject, dimensions, since)
    if not exact:
        return groups
    before = {
        (group.dimension, group.value): (
            group.scores_before,
            group.total_before,
            group.squares_before,
        )
        for group in groups
    }
    return [
        Group._make((*key, *exact.get(key, _NONE), *before.get(key, _NONE)))
        for key in sorted(before.keys() | exact.keys())
    ]


def _scores_since(
    query: TimeLimitedQuery, subject: Subject, dimensions: Mapping[str, str], since: datetime
) -> dict[tuple[str, str], tuple[int, float, float]]:
    """Number, total and total of squares, in points, of the scores of each group, from events.

    Nothing if that takes too long.
    """
    rows = query.ask(
        f"SELECT {_name_of(dimensions)}, coalesce({', '.join(dimensions.values())}), count(*),"
        f" sum(score), sum(score * score)"
        f" FROM ({SCORES} {_in_scope(subject)}) scores"
        f" GROUP BY GROUPING SETS ({', '.join(f'({column})' for column in dimensions.values())})",
        {"since": since, "experience": subject.experience, "scope": subject.scope},
        EVENTS_SECONDS,
    )
    return {
        (dimension, value): (int(n), float(total), float(squares))
        for dimension, value, n, total, squares in rows
    }


def _name_of(dimensions: Mapping[str, str]) -> str:
    """SQL of the dimension of a row of grouping sets: the column that is not NULL."""
    cases = (f"WHEN {column} IS NOT NULL THEN {name!r}" for name, column in dimensions.items())
    return f"CASE {' '.join(cases)} END"


def _groups_by_day(
    query: TimeLimitedQuery, subject: Subject, dimensions: Mapping[str, str], since: datetime
) -> list[Group]:
    first = since.date()
    now, before = "day >= %(first)s", "day < %(first)s"
    sums = [
        f"coalesce(sum({of_row}) FILTER (WHERE {when}), 0)"
        for when in (now, before)
        for of_row in ("n", WATCHED_DAILY_SUM, WATCHED_DAILY_SQUARES)
    ]
    rows = query.ask(
        f"SELECT {_name_of(dimensions)}, coalesce({', '.join(dimensions.values())}),"
        f" {', '.join(sums)}"
        " FROM experience_daily p JOIN experience e USING (experience)"
        " WHERE experience = %(experience)s AND day >= %(start)s"
        f" {_in_scope(subject)} GROUP BY GROUPING SETS"
        f" ({', '.join(f'({column})' for column in dimensions.values())})",
        {
            "first": first,
            "start": first - BEFORE,
            "experience": subject.experience,
            "scope": subject.scope,
        },
    )
    return [
        Group(dimension, value, *_in_points(*sums[:3]), *_in_points(*sums[3:]))
        for dimension, value, *sums in rows
    ]


def _in_points(n: int, hundredths: float, squares: float) -> tuple[int, float, float]:
    return int(n), float(hundredths) / 100, float(squares) / 10_000


def _in_scope(subject: Subject) -> str:
    return "" if subject.scope_type == "all" else "AND site_id = %(scope)s"


def read_event_ids(
    query: TimeLimitedQuery,
    subject: Subject,
    explanation: Explanation | None,
    since: datetime,
    *,
    below: float,
    now: datetime,
) -> list[str]:
    """Ids of a few events with the lowest scores, of the group that explains them if there is one.

    No event has `below` points or more.
    """
    if subject.experience == "on_time_delivery":
        return _late_deliveries(query, subject, since, now)
    of_group = (
        "" if explanation is None else f"AND {_DIMENSIONS[explanation.dimension]} = %(value)s"
    )
    rows = query.ask(
        f"SELECT event_id FROM (SELECT event_id, occurred_at, min(score) AS score FROM ({SCORES}"
        f" {_in_scope(subject)}) scores"
        f"   WHERE score < %(below)s {of_group} GROUP BY 1, 2) s"
        " ORDER BY score, occurred_at DESC, event_id LIMIT %(limit)s",
        {
            "experience": subject.experience,
            "scope": subject.scope,
            "value": explanation.value if explanation else None,
            "since": max(since, now - EVENTS_WITHIN),
            "limit": MOST_IDS,
            "below": below,
        },
    )
    return [event_id for (event_id,) in rows]


def _late_deliveries(
    query: TimeLimitedQuery, subject: Subject, since: datetime, now: datetime
) -> list[str]:
    """Ids of the deliveries that were the latest."""
    rows = query.ask(
        "SELECT e.event_id FROM (SELECT order_id, delivered_at, delivered_at - promised_at AS late"
        " FROM repair_order"
        f"  WHERE on_time = false AND delivered_at >= %(since)s AND delivered_at <= %(now)s"
        f" {_in_scope(subject)}"
        "  ORDER BY late DESC, order_id LIMIT %(limit)s) o"
        " JOIN touchpoint_event e ON e.occurred_at = o.delivered_at AND e.order_id = o.order_id AND"
        " e.type = 'repair_step'"
        " ORDER BY o.late DESC, e.event_id LIMIT %(limit)s",
        {
            "scope": subject.scope,
            "since": max(since, now - EVENTS_WITHIN),
            "now": now,
            "limit": MOST_IDS,
        },
    )
    return [event_id for (event_id,) in rows]


def read_slower_stages(
    query: TimeLimitedQuery, subject: Subject, since: datetime
) -> list[dict[str, str | float]]:
    """Stages that take longer there than in the four weeks before, in minutes.

    The stage with the largest increase comes first.
    """
    rows = query.ask(
        "SELECT substr(experience, 15),"
        " sum(score_sum) FILTER (WHERE start >= %(since)s) / nullif(sum(n) FILTER (WHERE start >="
        " %(since)s), 0),"
        " sum(score_sum) FILTER (WHERE start < %(since)s) / nullif(sum(n) FILTER (WHERE start <"
        " %(since)s), 0)"
        " FROM pane WHERE resolution = 60 AND start >= %(start)s AND scope_type = %(scope_type)s"
        " AND scope = %(scope)s"
        " AND experience LIKE 'stage\\_minutes.%%' GROUP BY experience",
        {
            "since": since,
            "start": since - BEFORE,
            "scope_type": subject.scope_type,
            "scope": subject.scope,
        },
    )
    slower = [
        (float(now) / 100, float(before) / 100, stage)
        for stage, now, before in rows
        if now is not None and before is not None
    ]
    slower.sort(key=lambda each: each[1] - each[0])
    return [
        {"stage": stage, "minutes": round(now, 1), "baseline_minutes": round(before, 1)}
        for now, before, stage in slower[:_STAGES_SHOWN]
        if now > _SLOWER_BY * before
    ]
