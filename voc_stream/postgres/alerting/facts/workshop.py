"""Reads the orders in the workshop that a rule may find, and the follow-ups that fell due."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.alerts.facts.open_orders import MINUTE, OpenOrder
from voc_stream.alerts.facts.stage_times import StageTimes
from voc_stream.alerts.facts.workshop_facts import FollowUps, WorkshopFacts
from voc_stream.alerts.model import MOST_IDS
from voc_stream.alerts.rules.workshop.promise_at_risk import longest_left
from voc_stream.alerts.rules.workshop.repair_stage_stuck import GIVEN_UP_AFTER
from voc_stream.domain.calendar import calendars_of
from voc_stream.domain.entities.order import FOLLOW_UP_WITHIN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from voc_stream.alerts.facts.stage_times import StageLimit
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.calendar import Calendar, Calendars
    from voc_stream.postgres.alerting.facts.reading import Reading
    from voc_stream.postgres.session.cursor import Cursor

FOLLOW_UPS_OVER = timedelta(days=7)
_GIVEN_UP_MINUTES = GIVEN_UP_AFTER / MINUTE
_ROUNDING = timedelta(seconds=1)
"""Sums of minutes that were added in another order differ by less than this."""
# One scan of the orders serves all facts. A hundred thousand orders may be in the workshop: all are
# counted, but only those that a rule may find are listed.
_FACTS = f"""
WITH chosen AS MATERIALIZED (
    SELECT order_id, site_id, product, current_stage, promised_at, follow_up_due_at, followed_up_at,
           CASE WHEN delivered_at IS NULL THEN in_stage_since END AS entered,
           follow_up_attempts, first_attempt_at, last_attempt_outcome
    FROM repair_order
    WHERE (delivered_at IS NULL AND current_stage IS NOT NULL)
       OR (follow_up_due_at >= %(due_earliest)s AND follow_up_due_at < %(now)s)
)
SELECT site_id, current_stage, product, order_id, entered, promised_at,
       NULL::bigint AS count, NULL::bigint AS overdue, NULL::text[] AS ids,
       NULL::bigint AS never_tried, NULL::bigint AS not_reached, NULL::bigint AS refused,
       NULL::bigint AS tried_in_time
FROM chosen
JOIN unnest(%(stages)s::text[], %(entered_until)s::timestamptz[], %(promised_until)s::timestamptz[])
     AS watched (stage, entered_until, promised_until) ON stage = current_stage
WHERE follow_up_due_at IS NULL
  AND ((entered >= %(entered_from)s AND entered <= entered_until)
    OR (promised_at > %(now)s AND promised_at <= promised_until))
UNION ALL
SELECT site_id, current_stage, product, NULL, NULL, NULL, count(*), NULL, NULL, NULL, NULL, NULL,
       NULL
FROM chosen
WHERE follow_up_due_at IS NULL AND entered >= %(entered_from)s
GROUP BY site_id, current_stage, product
UNION ALL
SELECT site_id, NULL, NULL, NULL, NULL, NULL,
       count(*), count(*) FILTER (WHERE followed_up_at IS NULL),
       (array_agg(order_id ORDER BY last_attempt_outcome = 'refused' NULLS FIRST, follow_up_due_at,
                  order_id)
        FILTER (WHERE followed_up_at IS NULL))[1:{MOST_IDS}],
       count(*) FILTER (WHERE followed_up_at IS NULL AND follow_up_attempts = 0),
       count(*) FILTER (WHERE followed_up_at IS NULL AND last_attempt_outcome = 'no_answer'),
       count(*) FILTER (WHERE followed_up_at IS NULL AND last_attempt_outcome = 'refused'),
       count(*) FILTER (WHERE followed_up_at IS NULL AND first_attempt_at <= follow_up_due_at)
FROM chosen
LEFT JOIN unnest(%(own_sites)s::text[], %(own_from)s::timestamptz[], %(own_until)s::timestamptz[])
     AS own (own_site, due_from, due_until) ON own_site = site_id
WHERE follow_up_due_at >= coalesce(due_from, %(due_from)s)
  AND follow_up_due_at < coalesce(due_until, %(due_until)s)
GROUP BY site_id
"""


class WorkshopReader:
    """Reads the workshop.

    How long the rest of an order can take is remembered with the stage times.
    """

    def __init__(self) -> None:
        self._times: StageTimes | None = None
        self._longest_left: Mapping[str, float] = {}

    def __call__(self, reading: Reading) -> WorkshopFacts:
        """The orders that a rule may find, the count of all, and the follow-ups that fell due."""
        catalogue, now, _ = reading.context
        times = reading[StageTimes]
        if times is not self._times:
            self._longest_left = longest_left(times, catalogue)
            self._times = times
        limits = times.limits(catalogue)
        return read_facts(reading.cursor, catalogue, limits, self._longest_left, now)


def read_facts(
    cursor: Cursor,
    catalogue: Catalogue,
    limits: Mapping[str, StageLimit],
    longest_minutes_left: Mapping[str, float],
    now: datetime,
) -> WorkshopFacts:
    """The orders that may be found stuck or late, and the follow-ups that fell due within a week.

    It also says how many orders there are in all. A follow-up is due when its 72 hours have passed:
    at the last moment of the 72nd it may still be made. Days on which the site is closed do not
    count, because nobody is there to call.

    Args:
        cursor: of a transaction.
        catalogue: the stages, and how long before a promise its order is watched.
        limits: by stage, how long an order may be in it; a stage without a limit is never too long.
        longest_minutes_left: by stage, how long the rest can take; a promise farther off is not at
            risk.
        now: the time of the evaluation.
    """
    watched_until = now + timedelta(minutes=catalogue.limits.promise_watch_minutes)
    # However long a limit is, an order that is in its stage longer than GIVEN_UP_AFTER is not
    # listed.
    stuck_after = {
        stage: timedelta(minutes=min(limit.minutes, _GIVEN_UP_MINUTES))
        for stage, limit in limits.items()
    }
    promised_until = [
        now + timedelta(minutes=longest_minutes_left.get(stage, 0.0)) + _ROUNDING
        for stage in catalogue.flow.stages
    ]
    cursor.execute(
        _FACTS,
        {
            "now": now,
            **_due_windows(calendars_of(catalogue), now),
            "entered_from": now - GIVEN_UP_AFTER,
            "stages": list(catalogue.flow.stages),
            "entered_until": [
                now - stuck_after[stage] + _ROUNDING if stage in stuck_after else None
                for stage in catalogue.flow.stages
            ],
            "promised_until": [min(moment, watched_until) for moment in promised_until],
        },
    )
    orders, follow_ups = [], []
    in_stage: dict[tuple[str, str], dict[str | None, int]] = defaultdict(dict)
    for site_id, stage, product, order_id, entered, promised_at, count, *follow_up in cursor:
        if stage is None:
            overdue, ids, *tried = follow_up
            follow_ups.append(FollowUps(site_id, count, overdue, ids or (), *tried))
        elif order_id is None:
            in_stage[site_id, stage][product] = count
        else:
            orders.append(OpenOrder(order_id, site_id, product, stage, entered, promised_at))
    return WorkshopFacts(orders, in_stage, follow_ups)


def _due_windows(calendars: Calendars, now: datetime) -> dict[str, object]:
    """Which follow-ups are looked at, by when they fell due: the usual window, and those of sites.

    The 72 hours, and the days over which it looks, are those on which the site is open.
    """
    default = _due_window(calendars.default, now)
    own = {site_id: _due_window(one, now) for site_id, one in calendars.of_sites.items()}
    return {
        "due_from": default[0],
        "due_until": default[1],
        "due_earliest": min(first for first, _ in (default, *own.values())),
        "own_sites": list(own),
        "own_from": [first for first, _ in own.values()],
        "own_until": [last for _, last in own.values()],
    }


def _due_window(calendar: Calendar, now: datetime) -> tuple[datetime, datetime]:
    until = calendar.before(now, FOLLOW_UP_WITHIN)
    first = calendar.before(until, FOLLOW_UPS_OVER)
    return first + FOLLOW_UP_WITHIN, until + FOLLOW_UP_WITHIN
