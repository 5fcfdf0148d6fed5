"""Counts what came of stated risks, from the histories at the starts of months.

All months of the last two years are counted anew: a late event may change who was there, what was
said and who left. A fitted model is judged only by times that it has not seen.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.churn_model.learning import landmark_of
from voc_stream.churn_model.outcome import Told
from voc_stream.domain.churn.signals import SIGNALS
from voc_stream.postgres.churn_model.active import horizon_days
from voc_stream.postgres.churn_model.command import in_transaction
from voc_stream.postgres.churn_model.fit_model import GATE_DAYS
from voc_stream.postgres.session.locks import Lock, wait_for_lock
from voc_stream.postgres.session.server_clock import server_now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

MONTHS = 24
BINS = 1000
_SIGNALS = ", ".join(f"({1 << signal.bit}::bigint, '{signal.name}')" for signal in SIGNALS)
# A risk is stated over the catalogue's horizon; over another one it is that of the same hazard.
_COUNT = f"""
INSERT INTO churn_told
WITH said AS (
    SELECT h.model_version AS version, h.band, h.signals, l.customer_id IS NOT NULL AS has_left,
           1 - power(1 - least(h.risk, 1 - 1e-12), %(days)s::float8 / %(stated_days)s) AS risk
    FROM churn_history h
    LEFT JOIN (
        SELECT DISTINCT customer_id FROM churn_history
        WHERE has_left AND until > %(landmark)s AND until <= %(end)s
    ) l USING (customer_id)
    LEFT JOIN churn_model m ON m.version = h.model_version
    WHERE h.since <= %(landmark)s AND (h.until IS NULL OR h.until > %(landmark)s)
      AND (m.version IS NULL OR m.fitted_until <= %(landmark)s)
), grouped AS (
    SELECT 'all' AS group_type, '' AS group_name, said.* FROM said
    UNION ALL SELECT 'band', band, said.* FROM said
    UNION ALL SELECT 'signal', s.name, said.* FROM said
    JOIN (VALUES {_SIGNALS}) s (bit, name) ON said.signals & s.bit <> 0
)
SELECT %(landmark)s, %(days)s, version, group_type, group_name, floor(risk * {BINS})::int, count(*),
       count(*) FILTER (WHERE has_left), sum(risk)
FROM grouped GROUP BY version, group_type, group_name, floor(risk * {BINS})
"""
_READ = """
SELECT version, group_type, group_name, sum(risk_sum) / sum(customers), sum(customers)::bigint,
       sum(leavers)::bigint
FROM churn_told WHERE horizon_days = %s GROUP BY version, group_type, group_name, bin
ORDER BY version, group_type, group_name, bin
"""
ToldOf = tuple[str, str, str]
"""A version, a kind of group, and a group."""


def count_told(cursor: Cursor, catalogue: Catalogue, now: datetime) -> None:
    """Count anew what was said at the start of each month whose horizon is over by now."""
    cursor.execute("DELETE FROM churn_told")
    stated_days = horizon_days(catalogue)
    for days in sorted({GATE_DAYS, stated_days}):
        landmark = landmark_of(now, days)
        for _ in range(MONTHS):
            end = landmark + timedelta(days=days)
            cursor.execute(
                _COUNT,
                {"landmark": landmark, "end": end, "days": days, "stated_days": stated_days},
            )
            landmark = landmark_of(landmark, 1)


def read_told(cursor: Cursor, days: int) -> Mapping[ToldOf, Sequence[Told]]:
    """What was said over so many days and what came of it, by version and group."""
    cursor.execute(_READ, (days,))
    found: dict[ToldOf, list[Told]] = {}
    for version, group_type, group_name, risk, customers, left in cursor:
        found.setdefault((version, group_type, group_name), []).append(Told(risk, customers, left))
    return found


def told_now(database_url: str, catalogue: Catalogue, days: int) -> Mapping[ToldOf, Sequence[Told]]:
    """Count and read, for a command. Raises StoreUnavailableError."""
    with in_transaction(database_url, catalogue) as cursor:
        wait_for_lock(cursor, Lock.CHURN_MODEL)
        count_told(cursor, catalogue, server_now(cursor))
        return read_told(cursor, days)
