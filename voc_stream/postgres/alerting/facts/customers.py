"""Reads the facts behind the alerts about customers at risk.

It also keeps their count of each day.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from voc_stream.alerts.model import MOST_IDS
from voc_stream.alerts.rules.customers.churn_risk_rising import (
    COUNTED_EVERY,
    HISTORY_DAYS,
    RiskShares,
    Share,
)
from voc_stream.alerts.rules.customers.high_value_at_risk import AtRisk, HighValueCustomers
from voc_stream.postgres.churn_model.active import active_version
from voc_stream.postgres.schema.expressions.at_risk import AT_RISK

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.postgres.alerting.facts.reading import Reading
    from voc_stream.postgres.session.cursor import Cursor

# value_at_risk is risk x annual_value. So few customers are looked up, and their rows hold the
# exact value.
_HIGH_VALUE = f"""
WITH chosen AS MATERIALIZED (
    SELECT r.customer_id, r.band, r.value_at_risk, r.drivers, coalesce(c.segment, '') AS segment
    FROM churn_risk r JOIN customer c USING (customer_id)
    WHERE r.{AT_RISK} AND r.value_at_risk >= 0.999 * r.risk * %(value)s
      AND c.annual_value >= %(value)s
)
SELECT count(*), count(*) FILTER (WHERE band = 'critical'), sum(value_at_risk),
       (array_agg(customer_id ORDER BY value_at_risk DESC, customer_id))[1:{MOST_IDS}],
       (SELECT json_object_agg(segment, customers)
        FROM (SELECT segment, count(*) AS customers FROM chosen GROUP BY 1 ORDER BY 1) s),
       (SELECT json_object_agg(driver, contribution) FROM (
            SELECT d ->> 'driver' AS driver, sum((d ->> 'contribution')::float8) AS contribution
            FROM chosen, jsonb_array_elements(drivers) d GROUP BY 1) d)
FROM chosen
"""

CUSTOMERS_A_SLICE = 20_000
"""How many customers are counted at a time: no statement takes long."""
_COUNT = f"""
SELECT count(*), max(customer_id), count(*) FILTER (WHERE model_version = %(version)s),
       count(*) FILTER (WHERE model_version = %(version)s AND {AT_RISK})
FROM (SELECT customer_id, model_version, band FROM churn_risk WHERE customer_id > %(last)s
      ORDER BY customer_id LIMIT %(most)s) next
"""


def read_high_value_customers(reading: Reading) -> HighValueCustomers:
    """The customers at risk whose value is high by the catalogue."""
    limit = reading.context.catalogue.limits.high_annual_value
    return HighValueCustomers(read_high_value(reading.cursor, limit))


def read_risk_shares(reading: Reading) -> RiskShares:
    """The shares of customers at risk, if it is time to count all customers again."""
    cursor, now = reading.cursor, reading.context.now
    if not _is_time_to_count(cursor, now):
        return RiskShares(None)
    version = active_version(cursor, reading.context.catalogue)
    today = count_customers(cursor, version, now)
    if today is None:
        return RiskShares(None)
    return RiskShares(today, _days_before(cursor, version, now), _drivers(cursor, version))


def read_high_value(cursor: Cursor, high_annual_value: float | None) -> AtRisk | None:
    """The customers at risk who are worth at least so much a year.

    None if it is not said how much that is.
    """
    if high_annual_value is None:
        return None
    cursor.execute(_HIGH_VALUE, {"value": high_annual_value})
    customers, critical, value, ids, segments, contributions = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
    return AtRisk(customers, critical, value or 0.0, ids or [], segments or {}, contributions or {})


def count_customers(cursor: Cursor, model_version: str, now: datetime) -> Share | None:
    """Count the customers whom this model has assessed, and keep the count as that of today (UTC).

    Returns None if there is none. After a change of the model, customers whom the former model
    assessed do not count: two models are not to be compared.
    """
    last, read, customers, at_risk = "", CUSTOMERS_A_SLICE, 0, 0
    while read == CUSTOMERS_A_SLICE:
        cursor.execute(_COUNT, {"version": model_version, "last": last, "most": CUSTOMERS_A_SLICE})
        read, last, of_model, at_risk_of_model = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
        customers, at_risk = customers + of_model, at_risk + at_risk_of_model
    if not customers:
        return None
    cursor.execute(
        "INSERT INTO risk_daily (day, customers, at_risk, model_version, counted_at) VALUES (%s,"
        " %s, %s, %s, %s)"
        " ON CONFLICT (day) DO UPDATE SET customers = excluded.customers, at_risk ="
        " excluded.at_risk,"
        " model_version = excluded.model_version, counted_at = excluded.counted_at",
        (now.astimezone(UTC).date(), customers, at_risk, model_version, now),
    )
    return Share(customers, at_risk)


def _is_time_to_count(cursor: Cursor, now: datetime) -> bool:
    """Whether it is time to count; counting reads every customer.

    A count in the future was made by a wrong clock: nobody waits for that time to come.
    """
    cursor.execute(
        "SELECT EXISTS (SELECT FROM risk_daily WHERE counted_at > %s AND counted_at <= %s)",
        (now - COUNTED_EVERY, now),
    )
    return not cursor.fetchone()[0]  # type: ignore[index]  # a SELECT without FROM gives one row


def _days_before(cursor: Cursor, model_version: str, now: datetime) -> list[Share]:
    """The days of the last four weeks, without today, on which customers were counted.

    Only customers of this model count.
    """
    today = now.astimezone(UTC).date()
    cursor.execute(
        "SELECT customers, at_risk FROM risk_daily WHERE day >= %s AND day < %s AND model_version ="
        " %s ORDER BY day",
        (today - timedelta(days=HISTORY_DAYS), today, model_version),
    )
    return [Share(*row) for row in cursor]


def _drivers(cursor: Cursor, model_version: str) -> dict[str, int]:
    """How many customers at risk have each driver that raises their risk."""
    cursor.execute(
        "SELECT d ->> 'driver', count(*) FROM churn_risk, jsonb_array_elements(drivers) d"
        f" WHERE {AT_RISK} AND model_version = %s AND (d ->> 'contribution')::float8 > 0"
        f" GROUP BY 1",
        (model_version,),
    )
    return dict(cursor.fetchall())
