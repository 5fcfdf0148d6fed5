"""Reads what the churn model learns from: time of customers, and who left.

`churn_cell` holds the sums of intervals that are over, by months. What is still open lies in
`churn_history`. So a time until T, which is the start of a month, is known exactly.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.churn_model.cells import DAYS_A_MONTH, Cell, CellKey
from voc_stream.churn_model.learning import Group
from voc_stream.churn_model.stated_risk import risk_of
from voc_stream.domain.churn.hazard import hazard_of
from voc_stream.domain.churn.signals import SIGNALS
from voc_stream.domain.lives.exposure import COUNTED_FROM

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voc_stream.domain.churn.risk_model import RiskModel
    from voc_stream.postgres.session.cursor import Cursor

MICROSECONDS_A_MONTH = DAYS_A_MONTH * 86_400_000_000
STEPS = 1000
"""Stated risks are grouped in so many steps, each with its mean: a customer has one of few."""
_CELLS = """
SELECT tenure_band, signals, sum(leavers)::bigint, sum(microseconds)
FROM (
    SELECT tenure_band, signals, leavers, microseconds FROM churn_cell WHERE month < %(until)s::date
    UNION ALL
    SELECT tenure_band, signals, 0,
        extract(epoch FROM %(until)s - greatest(since, %(from)s)) * 1000000
    FROM churn_history WHERE until IS NULL AND since < %(until)s
) found
GROUP BY tenure_band, signals ORDER BY tenure_band, signals
"""
# Who left within the horizon has an interval that ended in it because of that.
_GROUPS = """
SELECT h.tenure_band, h.signals, h.model_version, avg(h.risk), count(*), count(l.customer_id)
FROM churn_history h
LEFT JOIN (
    SELECT DISTINCT customer_id FROM churn_history
    WHERE has_left AND until > %(landmark)s AND until <= %(end)s
) l USING (customer_id)
WHERE h.since <= %(landmark)s AND (h.until IS NULL OR h.until > %(landmark)s)
GROUP BY h.tenure_band, h.signals, h.model_version, floor(h.risk * %(steps)s)
ORDER BY h.tenure_band, h.signals, h.model_version, 4
"""


def names_of(signals: int) -> frozenset[str]:
    """The names in a stored set of signals.

    >>> sorted(names_of(0b11))
    ['open_complaint_major', 'open_complaint_minor']
    """
    return frozenset(signal.name for signal in SIGNALS if signals >> signal.bit & 1)


def read_cells(cursor: Cursor, until: datetime) -> Sequence[Cell]:
    """The cells of all time until the start of a month."""
    cursor.execute(_CELLS, {"until": until, "from": COUNTED_FROM})
    return [
        Cell(CellKey(band, names_of(signals)), leavers, float(microseconds) / MICROSECONDS_A_MONTH)
        for band, signals, leavers, microseconds in cursor
    ]


def read_groups(
    cursor: Cursor, landmark: datetime, horizon_days: int, active: RiskModel
) -> Sequence[Group]:
    """The customers of a moment, and who of them had left when the horizon was over.

    What the active model said is what the history says if that names this model. Otherwise it is
    what the model says of their signals.
    """
    end = landmark + timedelta(days=horizon_days)
    cursor.execute(_GROUPS, {"landmark": landmark, "end": end, "steps": STEPS})
    months = horizon_days / DAYS_A_MONTH
    found = []
    for band, signals, version, risk, customers, left in cursor:
        names = names_of(signals)
        stated = risk if version == active.version else None
        hazard = hazard_of(band, names, active, stated)
        found.append(Group(CellKey(band, names), risk_of(hazard, months), customers, left))
    return found
