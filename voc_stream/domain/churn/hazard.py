"""Computes the risk that a customer leaves.

The hazard is a base hazard times the multipliers of the signals that are active: a proportional
hazard with a constant base (piecewise exponential model). Over a horizon of H months risk = 1 -
exp(-H * base * product of multipliers). The logarithms of base and multipliers add up to the log of
the hazard, so they explain the risk exactly. Signals switch on and off at known moments. So the
next moment at which the risk changes because time passes is known, too.
"""

from __future__ import annotations

from datetime import timedelta
from math import exp, log
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.churn.signals import SIGNALS
from voc_stream.domain.churn.spells import Terms

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.catalogue.model import ChurnModel
    from voc_stream.domain.churn.facts import CustomerFacts

BASE = "base"
"""The driver that every customer has, which explains nothing."""
AT_RISK_BANDS = ("high", "critical")
"""The bands in which a customer counts as at risk."""


class Driver(NamedTuple):
    """A term of the log-hazard (per month)."""

    driver: str
    contribution: float


class ChurnRisk(NamedTuple):
    """The risk of one customer at one moment.

    `next_change_at` is when the passing of time alone will change it (None: never).
    """

    customer_id: str
    risk: float
    band: str
    drivers: tuple[Driver, ...]
    value_at_risk: float | None
    model_version: str
    as_of: datetime
    next_change_at: datetime | None


def assess(facts: CustomerFacts, model: ChurnModel, as_of: datetime) -> ChurnRisk:
    """The risk of leaving within the model's horizon, with its drivers.

    >>> from datetime import UTC, datetime
    >>> from voc_stream.catalogue.load import load_catalogue
    >>> from voc_stream.domain.churn.facts import CustomerFacts
    >>> now = datetime(2026, 1, 5, tzinfo=UTC)
    >>> facts = CustomerFacts("c", now, 100_000, None, None, (), ())
    >>> calm = assess(facts, load_catalogue().churn, now)
    >>> round(calm.risk, 4), calm.band, [driver.driver for driver in calm.drivers]
    (0.0937, 'low', ['base'])
    """
    boundaries: list[datetime] = []
    drivers = [Driver(BASE, log(model.base_hazard_per_month))]
    terms = Terms(timedelta(days=model.signal_days), model.low_score * 100)
    for signal in SIGNALS:
        spell = signal.active(facts, terms)
        if spell is None:
            continue
        since, until = spell
        if since is not None and since > as_of:
            boundaries.append(since)
        elif until is None or until > as_of:
            if until is not None:
                boundaries.append(until)
            multiplier = model.multipliers.get(signal.name)
            if multiplier is not None:
                drivers.append(Driver(signal.name, log(multiplier)))
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
        next_change_at=min(boundaries, default=None),
    )


def band_of(risk: float, model: ChurnModel) -> str:
    """The highest band whose lower bound the risk reaches."""
    band = "low"
    for name, bound in sorted(model.bands.items(), key=lambda item: item[1]):
        if risk >= bound:
            band = name
    return band
