"""Reads gauges from the tables, for Prometheus."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.entities.complaint import OPEN_STATES
from voc_stream.pipeline.ports import GaugeSample

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.catalogue.flow import Flow
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor


UNFOUNDED_COUNTED_FOR = timedelta(days=7)
ENDED_SHOWN = timedelta(hours=24)
"""How long an alert that ended is shown as 0, so that its end is not taken for missing data."""


def read_gauges(cursor: Cursor, catalogue: Catalogue, now: datetime) -> list[GaugeSample]:
    """All gauges but those of `CustomerGauges`; a gauge without data has no sample."""
    return [
        *_experiences(cursor),
        *_satisfaction(cursor),
        *_drops(cursor),
        *_orders(cursor, catalogue.flow, now),
        *_follow_ups(cursor),
        *_complaints(cursor, now),
        *_histories(cursor),
        *_alerts(cursor, now),
        *_retractions(cursor),
        *_churn_model(cursor),
    ]


def _retractions(cursor: Cursor) -> list[GaugeSample]:
    cursor.execute("SELECT sum(cardinality(event_ids)) FROM retraction_pending HAVING count(*) > 0")
    return [GaugeSample("voc_retractions_pending", (), pending) for (pending,) in cursor]


def _churn_model(cursor: Cursor) -> list[GaugeSample]:
    cursor.execute("SELECT version FROM churn_model WHERE state = 'active'")
    return [GaugeSample("voc_churn_model_info", (version,), 1) for (version,) in cursor]


def _experiences(cursor: Cursor) -> list[GaugeSample]:
    cursor.execute(
        "SELECT experience, label_en, label_zh, scale, shown_unit, difference_unit, shown_times"
        " FROM experience"
    )
    found = []
    for experience, label_en, label_zh, *scale, times in cursor:
        found += [
            GaugeSample("voc_experience_info", (experience, label_en, label_zh), 1),
            GaugeSample("voc_experience_scale", (experience, *scale), times),
        ]
    return found


def _satisfaction(cursor: Cursor) -> list[GaugeSample]:
    # Sites are shown only for key experiences. That bounds the number of series by what somebody is
    # woken for.
    cursor.execute(
        "SELECT experience, scope, horizon, experience_mean, n, ci_low, ci_high, expectation_mean,"
        " expectation_n FROM rolling_satisfaction"
        # The first condition stands by itself, so that PostgreSQL does not sum up other scopes only
        # to leave them out.
        " WHERE scope_type IN ('all', 'site') AND (scope_type = 'all' OR is_key)"
    )
    found = []
    for experience, site, horizon, mean, samples, low, high, expected, stated in cursor:
        labels = (experience, site, horizon)
        found += [
            GaugeSample("voc_satisfaction_score", labels, mean),
            GaugeSample("voc_satisfaction_samples", labels, samples),
        ]
        if low is not None:
            found += [
                GaugeSample("voc_satisfaction_score_low", labels, low),
                GaugeSample("voc_satisfaction_score_high", labels, high),
            ]
        if expected is not None:
            found += [
                GaugeSample("voc_satisfaction_expected", labels, expected),
                GaugeSample("voc_satisfaction_expected_samples", labels, stated),
            ]
    return found


def _drops(cursor: Cursor) -> list[GaugeSample]:
    """How far key experiences lie below their own four weeks before the horizon.

    Both spans must have enough samples to be compared.
    """
    cursor.execute(
        "SELECT r.experience, r.scope, r.horizon, CASE r.kind WHEN 'nps' THEN (p.top_n -"
        " p.bottom_n)::float8 / p.n"
        " ELSE p.score_sum::float8 / p.n / 100 END - r.experience_mean, r.n, p.n"
        " FROM rolling_satisfaction r JOIN experience e USING (experience)"
        # Whole days that end before the horizon begins.
        " JOIN (SELECT h.horizon, d.scope_type, d.scope, d.experience, sum(d.n) AS n,"
        " sum(d.score_sum) AS score_sum,"
        "   sum(d.top_n) AS top_n, sum(d.bottom_n) AS bottom_n"
        "   FROM (VALUES ('24h', interval '24 hours'), ('7d', interval '7 days')) h (horizon,"
        " length)"
        "   CROSS JOIN rolling_clock c JOIN pane d ON d.resolution = 1440 AND d.start <= c.as_of -"
        " h.length - interval '1 day'"
        "   AND d.start > c.as_of - h.length - interval '29 days' AND d.scope_type IN ('all',"
        " 'site')"
        "   WHERE c.refresh = 'sites' AND d.experience IN (SELECT experience FROM experience WHERE"
        " is_key)"
        "   GROUP BY h.horizon, d.scope_type, d.scope, d.experience) p USING (horizon, scope_type,"
        " scope, experience)"
        " WHERE r.is_key AND r.scope_type IN ('all', 'site') AND r.horizon IN ('24h', '7d')"
        " AND r.n >= e.minimum_samples AND p.n >= e.minimum_samples"
    )
    found = []
    for *labels, points, samples, before in cursor:
        found += [
            GaugeSample("voc_key_experience_drop", tuple(labels), points),
            GaugeSample("voc_key_experience_drop_samples", tuple(labels), samples),
            GaugeSample("voc_key_experience_drop_baseline_samples", tuple(labels), before),
        ]
    return found


def _orders(cursor: Cursor, flow: Flow, now: datetime) -> list[GaugeSample]:
    cursor.execute(
        "SELECT scope, experience_mean / 10, n FROM rolling_satisfaction"
        " WHERE experience = 'on_time_delivery' AND horizon = '7d' AND scope_type IN ('all',"
        " 'site')"
    )
    found = []
    for site, share, samples in cursor:
        labels = (site, flow.delivered or "")
        found += [
            GaugeSample("voc_on_time_delivery_ratio", labels, share),
            GaugeSample("voc_on_time_delivery_samples", labels, samples),
        ]
    # Bounded to a year: an order that old was given up, not delayed.
    cursor.execute(
        "SELECT coalesce(site_id, ''), coalesce(current_stage, ''), count(*) FROM repair_order"
        " WHERE delivered_at IS NULL AND promised_at < %s AND promised_at > %s - interval '365"
        " days' GROUP BY 1, 2",
        (now, now),
    )
    return found + [
        GaugeSample("voc_repair_orders_overdue", (site, stage), count)
        for site, stage, count in cursor
    ]


def _follow_ups(cursor: Cursor) -> list[GaugeSample]:
    """What the open alerts say: counting them anew would read every order of a week."""
    cursor.execute(
        "SELECT scope, tried, (evidence ->> key)::int FROM alert CROSS JOIN (VALUES"
        " ('never', 'never_tried'), ('not_reached', 'not_reached'), ('refused', 'refused'))"
        " AS v (tried, key)"
        " WHERE ended_at IS NULL AND evidence ? 'never_tried' AND evidence ? key"
    )
    return [GaugeSample("voc_follow_ups_overdue", (site, tried), n) for site, tried, n in cursor]


def _complaints(cursor: Cursor, now: datetime) -> list[GaugeSample]:
    cursor.execute(
        "SELECT site_id, severity, count(*), min(opened_at) FROM complaint WHERE state = ANY(%s)"
        " GROUP BY 1, 2",
        (list(OPEN_STATES),),
    )
    found = []
    for site, severity, count, opened_at in cursor:
        found.append(GaugeSample("voc_complaints_open", (site, severity), count))
        if opened_at is not None:
            found.append(
                GaugeSample(
                    "voc_complaint_oldest_age_seconds",
                    (site, severity),
                    (now - opened_at).total_seconds(),
                )
            )
    return found


def _histories(cursor: Cursor) -> list[GaugeSample]:
    cursor.execute("SELECT count(*) FROM customer_move")
    return [GaugeSample("voc_histories_pending", (), count) for (count,) in cursor]


def _alerts(cursor: Cursor, now: datetime) -> list[GaugeSample]:
    cursor.execute(
        "SELECT rule, severity, count(*) FROM alert WHERE ended_at IS NULL GROUP BY 1, 2"
    )
    found = [
        GaugeSample("voc_alert_active", (rule, severity), count) for rule, severity, count in cursor
    ]
    cursor.execute(
        "SELECT count(*) FROM alert WHERE ended_at > %s AND evidence ->> 'ended_because' ="
        " 'not_borne_out' HAVING count(*) > 0",
        (now - UNFOUNDED_COUNTED_FOR,),
    )
    found += [GaugeSample("voc_alerts_not_borne_out", (), count) for (count,) in cursor]
    cursor.execute(
        "SELECT rule, severity, coalesce(experience, ''), scope, coalesce(evidence ->> 'horizon',"
        " ''),"
        " coalesce(evidence ->> 'department', ''), coalesce(evidence ->> 'explained_by', ''),"
        " coalesce(evidence ->> 'mix', ''),"
        " (count(*) > count(ended_at))::int"
        " FROM alert WHERE ended_at IS NULL OR ended_at > %s GROUP BY 1, 2, 3, 4, 5, 6, 7, 8",
        (now - ENDED_SHOWN,),
    )
    found += [GaugeSample("voc_alert_firing", tuple(labels), firing) for *labels, firing in cursor]
    cursor.execute("SELECT as_of FROM evaluation_clock")
    return found + [
        GaugeSample("voc_evaluator_last_success_timestamp_seconds", (), as_of.timestamp())
        for (as_of,) in cursor
    ]
