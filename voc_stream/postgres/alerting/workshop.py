"""The facts behind the alerts about the workshop: stuck vehicles, promises at risk, follow-ups overdue."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.alerts.finding import MOST_IDS, Verdict
from voc_stream.domain.alerts.follow_ups import FollowUps, judge_follow_ups
from voc_stream.domain.alerts.promises import judge_promises
from voc_stream.domain.alerts.stage_times import StageTimes, minutes_experience
from voc_stream.domain.alerts.stuck import GIVEN_UP_AFTER, judge_stuck
from voc_stream.domain.alerts.workshop import OpenOrder
from voc_stream.domain.order import EPOCH, MICROSECOND, STAGES
from voc_stream.postgres.alerting.site_activity import SiteActivity
from voc_stream.postgres.measures import BINS

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

    from voc_stream.catalogue import Catalogue
    from voc_stream.domain.alerts.finding import Subject

STAGE_TIMES_READ_EVERY = timedelta(hours=1)
STAGE_TIMES_OVER = timedelta(days=28)
FOLLOW_UPS_OVER = timedelta(days=7)
_STAGE_OF = {minutes_experience(stage): stage for stage in STAGES}
# One scan of the orders for all. What lies in fold_state is looked up only for those that are in the workshop: microseconds since 1970.
_ORDERS = f"""
WITH chosen AS MATERIALIZED (
    SELECT order_id, site_id, product, current_stage, promised_at, follow_up_due_at, followed_up_at,
           CASE WHEN delivered_at IS NULL AND fold_state -> 'exited' -> current_stage IS NULL
                THEN (fold_state -> 'entered' ->> current_stage)::bigint END AS entered
    FROM repair_order
    WHERE (delivered_at IS NULL AND current_stage IS NOT NULL) OR (follow_up_due_at >= %(due_from)s AND follow_up_due_at < %(now)s)
)
SELECT site_id, order_id, product, current_stage, entered, promised_at, NULL::bigint AS due, NULL::bigint AS overdue, NULL::text[] AS ids
FROM chosen
WHERE follow_up_due_at IS NULL AND (entered >= %(entered_from)s OR (promised_at > %(now)s AND promised_at <= %(watched_until)s))
UNION ALL
SELECT site_id, NULL, NULL, NULL, NULL, NULL, count(*), count(*) FILTER (WHERE followed_up_at IS NULL),
       (array_agg(order_id ORDER BY follow_up_due_at, order_id) FILTER (WHERE followed_up_at IS NULL))[1:{MOST_IDS}]
FROM chosen
WHERE follow_up_due_at IS NOT NULL
GROUP BY site_id
"""


class Workshop:
    """Judges the workshop. What its stages usually take is read once an hour: four weeks of the cube are much to read."""

    def __init__(self) -> None:
        self._times = StageTimes({})
        self._read_at: datetime | None = None
        self._activity = SiteActivity()

    def judge(self, cursor: Cursor, catalogue: Catalogue, now: datetime, open_subjects: Collection[Subject]) -> Verdict:
        """What is found by the rules VocRepairStageStuck, VocPromiseAtRisk and VocFollowUpOverdue."""
        if self._read_at is None or not timedelta(0) <= now - self._read_at < STAGE_TIMES_READ_EVERY:
            self._times = read_stage_times(cursor, now)
            self._read_at = now
        orders, follow_ups = read_orders(cursor, catalogue, now)
        limits, active = self._times.limits(catalogue), self._activity.until(cursor, now)
        verdicts = [
            judge_stuck(orders, limits, active, catalogue, now, open_subjects=open_subjects),
            judge_promises(orders, self._times, catalogue, now),
            judge_follow_ups(follow_ups, catalogue, open_subjects),
        ]
        return Verdict(
            frozenset().union(*(verdict.rules for verdict in verdicts)),
            [finding for verdict in verdicts for finding in verdict.findings],
            {subject for verdict in verdicts for subject in verdict.holding},
        )


def read_orders(cursor: Cursor, catalogue: Catalogue, now: datetime) -> tuple[list[OpenOrder], list[FollowUps]]:
    """The orders in the workshop, and by site the follow-ups that fell due within a week.

    Left out are orders that are neither in a stage since at most 30 days nor promised for soon. A follow-up is due when its 72 hours have
    passed: at the last moment of the 72nd it may still be made.
    """
    cursor.execute(
        _ORDERS,
        {
            "now": now,
            "due_from": now - FOLLOW_UPS_OVER,
            "entered_from": (now - GIVEN_UP_AFTER - EPOCH) // MICROSECOND,
            "watched_until": now + timedelta(minutes=catalogue.limits.promise_watch_minutes),
        },
    )
    orders, follow_ups = [], []
    for site_id, order_id, product, stage, entered, promised_at, due, overdue, ids in cursor:
        if order_id is None:
            follow_ups.append(FollowUps(site_id, due, overdue, ids or ()))
        else:
            entered_at = None if entered is None else EPOCH + entered * MICROSECOND
            orders.append(OpenOrder(order_id, site_id, product, stage, entered_at, promised_at))
    return orders, follow_ups


def read_stage_times(cursor: Cursor, now: datetime) -> StageTimes:
    """How long orders took in each stage in the last four weeks. What has not been merged yet, which is seconds old, is not missed."""
    cursor.execute(
        f"SELECT coalesce(site_id, ''), experience, {', '.join(f'sum({name})::bigint' for name in BINS)} FROM experience_cube"
        # A site that is unknown is no site of its own.
        " WHERE day > %s AND experience = ANY(%s) GROUP BY GROUPING SETS ((experience), (site_id, experience))"
        " HAVING site_id IS DISTINCT FROM '' ",
        ((now - STAGE_TIMES_OVER).date(), list(_STAGE_OF)),
    )
    return StageTimes({(site_id, _STAGE_OF[experience]): counts for site_id, experience, *counts in cursor})
