"""The risk that a customer leaves: a base hazard times the multipliers of the signals that are active.

A proportional hazard with a constant base (piecewise exponential model): over a horizon of H months
risk = 1 - exp(-H * base * product of multipliers). The logarithms of base and multipliers add up to the log of the hazard,
so they explain the risk exactly. Signals switch on and off at known moments, so the next moment at which the risk changes by
the mere passing of time is known too.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import exp, log
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voc_stream.catalogue.model import ChurnModel

COMPLAINT_AGES_HOURS = (168, 72, 24)
INACTIVE_DAYS = (365, 180)
QUICKLY = timedelta(hours=24)
NEUTRAL_MEMORY = 500
RESOLVED_STATES = ("resolved", "informed", "closed")
BASE = "base"
"""The driver that every customer has, which explains nothing."""
AT_RISK_BANDS = ("high", "critical")
"""The bands in which a customer counts as at risk."""


class OrderFacts(NamedTuple):
    """What the risk needs of an order; scores in hundredths."""

    order_id: str
    delivered_at: datetime | None
    on_time: bool | None
    last_moment_at: datetime | None
    memory: float | None


class ComplaintFacts(NamedTuple):
    """What the risk needs of a complaint."""

    complaint_id: str
    severity: str
    state: str
    is_open: bool
    opened_at: datetime | None
    resolved_at: datetime | None
    time_to_resolve: timedelta | None


class Score(NamedTuple):
    """A customer's latest score for one experience, in hundredths."""

    at: datetime
    score: int


class CustomerFacts(NamedTuple):
    """All that the risk of one customer depends on; money in hundredths."""

    customer_id: str
    last_seen_at: datetime
    annual_value: int | None
    attitude: Score | None
    outcome: Score | None
    orders: Sequence[OrderFacts]
    complaints: Sequence[ComplaintFacts]


class Driver(NamedTuple):
    """A summand of the log-hazard (per month)."""

    driver: str
    contribution: float


class ChurnRisk(NamedTuple):
    """The risk of one customer at one moment; `next_change_at` is when the passing of time alone will change it (None: never)."""

    customer_id: str
    risk: float
    band: str
    drivers: tuple[Driver, ...]
    value_at_risk: float | None
    model_version: str
    as_of: datetime
    next_change_at: datetime | None


class Signal(NamedTuple):
    """An active signal's name, and when it ends or gives way to another by the passing of time."""

    name: str
    until: datetime | None


def assess(facts: CustomerFacts, model: ChurnModel, as_of: datetime) -> ChurnRisk:
    """The risk of leaving within the model's horizon, with its drivers.

    >>> from datetime import UTC
    >>> from voc_stream.catalogue.load import load_catalogue
    >>> now = datetime(2026, 1, 5, tzinfo=UTC)
    >>> calm = assess(CustomerFacts("c", now, 100_000, None, None, (), ()), load_catalogue().churn, now)
    >>> round(calm.risk, 4), calm.band, [driver.driver for driver in calm.drivers]
    (0.0937, 'low', ['base'])
    """
    boundaries: list[datetime] = []
    drivers = [Driver(BASE, log(model.base_hazard_per_month))]
    for name, until in signals(facts, model, as_of, boundaries):
        if until is not None:
            boundaries.append(until)
        multiplier = model.multipliers.get(name)
        if multiplier is not None:
            drivers.append(Driver(name, log(multiplier)))
    hazard_per_month = exp(sum(driver.contribution for driver in drivers))
    risk = 1 - exp(-model.horizon_months * hazard_per_month)
    return ChurnRisk(
        customer_id=facts.customer_id,
        risk=risk,
        band=band_of(risk, model),
        drivers=tuple(drivers),
        value_at_risk=None if facts.annual_value is None else risk * facts.annual_value / 100,
        model_version=model.version,
        as_of=as_of,
        next_change_at=min((moment for moment in boundaries if moment > as_of), default=None),
    )


def band_of(risk: float, model: ChurnModel) -> str:
    """The highest band whose lower bound the risk reaches."""
    band = "low"
    for name, bound in sorted(model.bands.items(), key=lambda item: item[1]):
        if risk >= bound:
            band = name
    return band


def signals(
    facts: CustomerFacts, model: ChurnModel, as_of: datetime, boundaries: list[datetime]
) -> Iterator[Signal]:
    """The active signals. `boundaries` takes the moments at which an inactive one will become active."""
    window = timedelta(days=model.signal_days)
    yield from _complaint_signals(facts.complaints, window, as_of, boundaries)
    late = [
        order.delivered_at + window
        for order in facts.orders
        if order.on_time is False and order.delivered_at is not None
    ]
    if late and max(late) > as_of:
        yield Signal("broken_promise", max(late))
    low_score = model.low_score * 100
    for name, latest in (("low_attitude", facts.attitude), ("low_outcome", facts.outcome)):
        if latest is not None and latest.score < low_score and latest.at + window > as_of:
            yield Signal(name, latest.at + window)
    remembered = [
        (order.last_moment_at, order.order_id, order.memory)
        for order in facts.orders
        if order.last_moment_at is not None
    ]
    if remembered:
        last_moment_at, _, memory = max(remembered, key=lambda order: order[:2])
        if memory is not None and memory < NEUTRAL_MEMORY and last_moment_at + window > as_of:
            yield Signal("bad_memory", last_moment_at + window)
    longest = _longest(
        facts.last_seen_at, [timedelta(days=days) for days in INACTIVE_DAYS], as_of, boundaries
    )
    if longest is not None:
        yield Signal(f"inactive_{longest.days}d", None)


def _complaint_signals(
    complaints: Sequence[ComplaintFacts],
    window: timedelta,
    as_of: datetime,
    boundaries: list[datetime],
) -> Iterator[Signal]:
    still_open = [complaint for complaint in complaints if complaint.is_open]
    if still_open:
        yield Signal(
            "open_complaint_major"
            if any(one.severity == "major" for one in still_open)
            else "open_complaint_minor",
            None,
        )
        opened = [
            complaint.opened_at for complaint in still_open if complaint.opened_at is not None
        ]
        if opened:
            longest = _longest(
                min(opened),
                [timedelta(hours=hours) for hours in COMPLAINT_AGES_HOURS],
                as_of,
                boundaries,
            )
            if longest is not None:
                yield Signal(f"complaint_open_{longest // timedelta(hours=1)}h", None)
        return
    resolved = [
        (complaint.resolved_at, complaint.complaint_id, complaint)
        for complaint in complaints
        if complaint.state in RESOLVED_STATES and complaint.resolved_at is not None
    ]
    if not resolved:
        return
    resolved_at, _, latest = max(resolved, key=lambda item: item[:2])
    if resolved_at + window > as_of:
        quickly = latest.time_to_resolve is not None and latest.time_to_resolve <= QUICKLY
        yield Signal(
            f"{'resolved_quickly' if quickly else 'resolved_complaint'}_{latest.severity}",
            resolved_at + window,
        )


def _longest(
    since: datetime, durations: Sequence[timedelta], as_of: datetime, boundaries: list[datetime]
) -> timedelta | None:
    """The longest of the durations (longest first) that has passed; those that have not are boundaries."""
    for duration in durations:
        if as_of - since >= duration:
            return duration
        boundaries.append(since + duration)
    return None
