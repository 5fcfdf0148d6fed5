"""Reads what the tables say at a glance, for `up` and `status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from voc_stream.domain.churn.hazard import AT_RISK_BANDS, BASE
from voc_stream.domain.entities.complaint import OPEN_STATES
from voc_stream.pipeline.ports import Partition
from voc_stream.postgres.session.connection import asking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

# A day is the shortest horizon in which each shown experience has enough samples to be worth a
# look.
HORIZON = "24h"
SHOWN = 3
SHOWN_CUSTOMERS = 5


class ExperienceSummary(NamedTuple):
    """One key experience over the horizon of the summary.

    Attributes:
        experience: its key.
        label_en: its English label.
        label_zh: its Chinese label.
        n: samples.
        mean: as stored, on its scale.
        low: lower end of its 95 % interval.
        high: its upper end.
        satisfaction: experience minus expectation, on the same scale.
        expectation_n: how many of the samples state an expectation; the rest is the catalogue's.
        scale: name of its scale, of `domain/scale.py`.
    """

    experience: str
    label_en: str
    label_zh: str
    n: int
    mean: float
    low: float | None
    high: float | None
    satisfaction: float | None
    expectation_n: int
    scale: str


class Summary(NamedTuple):
    """What the tables say, at a glance. None is no data.

    Attributes:
        events: accepted events.
        dead_letters: refused messages.
        orders: repair orders, of which `orders_open` are not yet delivered.
        on_time_n: delivered orders that had a promise.
        on_time_share: the share of these that was on time.
        complaints_open: complaints whose state is open.
        customers: customers, of whom `customers_at_risk` are in the bands high and critical.
        value_at_risk: annual value times risk, summed over all customers.
        horizon: of the experiences, as in `rolling_satisfaction`.
        best: key experiences with the greatest satisfaction, best first.
        worst: those with the least, worst first; none that is in `best`.
        as_of: when the experiences were last refreshed.
    """

    events: int
    dead_letters: int
    orders: int
    orders_open: int
    on_time_n: int
    on_time_share: float | None
    complaints_open: int
    customers: int
    customers_at_risk: int
    value_at_risk: float | None
    horizon: str
    best: Sequence[ExperienceSummary]
    worst: Sequence[ExperienceSummary]
    as_of: datetime | None


class PartitionStatus(NamedTuple):
    """How far an input partition is contained in the tables."""

    topic: str
    partition: int
    next_offset: int
    event_time: datetime | None
    updated_at: datetime


class CustomerAtRisk(NamedTuple):
    """A customer whom to call, and why: the strongest driver besides the base."""

    customer_id: str
    risk: float
    band: str
    value_at_risk: float | None
    strongest_driver: str | None


class FiringAlert(NamedTuple):
    """An alert that has not ended."""

    rule: str
    severity: str
    scope_type: str
    scope: str
    started_at: datetime
    summary: str


class Status(NamedTuple):
    """Everything that the command `status` shows.

    `histories_pending`: customers whose earlier events are, in part, still counted under another
    segment or region.
    """

    summary: Summary
    partitions: Sequence[PartitionStatus]
    customers_at_risk: Sequence[CustomerAtRisk]
    alerts: Sequence[FiringAlert]
    histories_pending: int

    @property
    def positions(self) -> Mapping[Partition, int]:
        """The position that each partition has in the tables."""
        return {Partition(row.topic, row.partition): row.next_offset for row in self.partitions}


def read_summary(database_url: str) -> Summary:
    """The summary as of now.

    Raises StoreUnavailableError if the database or its tables are not there.
    """
    with asking(database_url) as connection:
        return _summary(connection)


def read_status(database_url: str) -> Status:
    """The status as of now.

    Raises StoreUnavailableError if the database or its tables are not there.
    """
    with asking(database_url) as connection:
        return Status(
            _summary(connection),
            [
                PartitionStatus(*row)
                for row in connection.execute(
                    text(
                        "SELECT topic, partition, next_offset, event_time, updated_at FROM"
                        " stream_position ORDER BY 1, 2"
                    )
                )
            ],
            [
                CustomerAtRisk(*row)
                for row in connection.execute(
                    text(
                        "SELECT customer_id, risk, band, value_at_risk, (SELECT d ->> 'driver' FROM"
                        " jsonb_array_elements(drivers) d"
                        " WHERE d ->> 'driver' <> :base AND (d ->> 'contribution')::float8 > 0"
                        " ORDER BY (d ->> 'contribution')::float8 DESC LIMIT 1)"
                        " FROM churn_risk WHERE band = ANY(:bands)"
                        " ORDER BY value_at_risk DESC NULLS LAST, risk DESC, customer_id LIMIT"
                        " :shown"
                    ),
                    {"shown": SHOWN_CUSTOMERS, "base": BASE, "bands": list(AT_RISK_BANDS)},
                )
            ],
            [
                FiringAlert(*row)
                for row in connection.execute(
                    text(
                        "SELECT rule, severity, scope_type, scope, started_at, summary FROM alert"
                        " WHERE ended_at IS NULL ORDER BY 5"
                    )
                )
            ],
            connection.execute(text("SELECT count(*) FROM customer_move")).scalar_one(),
        )


def _summary(connection: Connection) -> Summary:
    counts = connection.execute(
        text(
            "SELECT (SELECT count(*) FROM touchpoint_event), (SELECT count(*) FROM dead_letter),"
            " o.orders, o.open, o.on_time_n, o.on_time_share,"
            " (SELECT count(*) FROM complaint WHERE state = ANY(:open_states)),"
            " (SELECT count(*) FROM customer), r.at_risk, r.value_at_risk,"
            " (SELECT as_of FROM rolling_clock WHERE refresh = 'sites')"
            " FROM (SELECT count(*) AS orders, count(*) FILTER (WHERE delivered_at IS NULL) AS"
            " open, count(on_time) AS on_time_n, avg(on_time::int)::float8 AS on_time_share"
            " FROM repair_order) o,"
            "      (SELECT count(*) FILTER (WHERE band = ANY(:bands)) AS at_risk,"
            " sum(value_at_risk) AS value_at_risk"
            "       FROM churn_risk) r"
        ),
        {"open_states": list(OPEN_STATES), "bands": list(AT_RISK_BANDS)},
    ).one()
    (
        events,
        dead_letters,
        orders,
        orders_open,
        on_time_n,
        on_time,
        complaints,
        customers,
        at_risk,
        value,
        as_of,
    ) = counts
    ranked = [
        ExperienceSummary(*row)
        for row in connection.execute(
            text(
                "SELECT r.experience, e.label_en, e.label_zh, r.n, r.experience_mean, r.ci_low,"
                " r.ci_high, r.satisfaction, r.expectation_n, e.scale"
                " FROM rolling_satisfaction r JOIN experience e USING (experience)"
                " WHERE r.horizon = :horizon AND r.scope_type = 'all' AND r.is_key ORDER BY"
                # A scale of two points against one of ten, so that they can be ranked.
                " r.satisfaction * CASE e.scale WHEN 'nps' THEN 5 ELSE 1 END DESC NULLS LAST,"
                " r.experience"
            ),
            {"horizon": HORIZON},
        )
    ]
    best, worst = _ends(ranked)
    return Summary(
        events,
        dead_letters,
        orders,
        orders_open,
        on_time_n,
        on_time,
        complaints,
        customers,
        at_risk,
        value,
        HORIZON,
        best,
        worst,
        as_of,
    )


def _ends(ranked: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The first few and, in reverse, the last few of a ranking; nothing is in both.

    >>> _ends("abcdefgh"), _ends("abc")
    ((['a', 'b', 'c'], ['h', 'g', 'f']), (['a', 'b'], ['c']))
    """
    shown = min(SHOWN, (len(ranked) + 1) // 2)
    return list(ranked[:shown]), list(reversed(ranked[max(shown, len(ranked) - SHOWN) :]))
