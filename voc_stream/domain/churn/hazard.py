"""Computes the risk that a customer leaves.

The hazard is a base hazard times what the signals multiply it by: a proportional hazard with a
constant base (piecewise exponential model). Over a horizon of H months risk = 1 - exp(-H * base *
product). The logarithms of base and multipliers add up to the log of the hazard, so they explain
the risk exactly. A signal that weighs w has its multiplier to the power of w.

Three rules keep one trouble from counting twice, and two from counting once:

- Each complaint is a cause of leaving by itself. Causes add their excess hazards, so that the
  shares of customers who stay multiply: of two complaints, each of which 70 % forgive, 49 % forgive
  both. Their drivers share the logarithm of the sum by their excess. A complaint that lowers the
  hazard is no such cause: of these, the one that lowers it most counts, once.
- What one visit was worth is told by several scores, and of these the strongest counts.
- All else multiplies.

A fitted model (`domain/churn/fitted.py`) knows no weights: it was fitted to signals that are there
or not. So each of its signals counts whole and once while it is there, and all of them multiply.
Its base is that of the customer's band of tenure.

Weights change in steps, at known moments. So the next moment at which the risk changes because time
passes is known, too.
"""

from __future__ import annotations

from math import exp, expm1, log1p
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.churn.tenure import tenure_at

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from voc_stream.domain.churn.courses import Terms
    from voc_stream.domain.churn.facts import CustomerFacts
    from voc_stream.domain.churn.risk_model import Present, RiskModel, Weighed

_CERTAIN = 1 - 1e-12
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

    `next_change_at` is when the passing of time alone may change it (None: never); before, it does
    not.
    """

    customer_id: str
    risk: float
    band: str
    drivers: tuple[Driver, ...]
    value_at_risk: float | None
    model_version: str
    as_of: datetime
    next_change_at: datetime | None


def assess(facts: CustomerFacts, model: RiskModel, as_of: datetime) -> ChurnRisk:
    """The risk of leaving within the model's horizon, with its drivers.

    >>> from datetime import UTC, datetime
    >>> from voc_stream.catalogue.load import load_catalogue
    >>> from voc_stream.domain.churn.facts import CustomerFacts
    >>> from voc_stream.domain.churn.risk_model import risk_model
    >>> now = datetime(2026, 1, 5, tzinfo=UTC)
    >>> facts = CustomerFacts("c", now, 100_000, None, None, (), ())
    >>> calm = assess(facts, risk_model(load_catalogue()), now)
    >>> round(calm.risk, 4), calm.band, [driver.driver for driver in calm.drivers]
    (0.0894, 'low', ['base'])
    """
    present, next_change_at = present_at(facts, model.signals, model.terms, as_of)
    return judge(facts, present, model, as_of)._replace(next_change_at=next_change_at)


def present_at(
    facts: CustomerFacts, signals: Sequence[Weighed], terms: Terms, as_of: datetime
) -> tuple[Sequence[Present], datetime | None]:
    """The signals that are there, and when the weight of any changes next (None: never)."""
    next_change_at: datetime | None = None
    present: list[Present] = []
    for signal in signals:
        weights = []
        for course in signal.courses(facts, terms):
            weight, changes_at = course.at(as_of)
            if changes_at is not None and (next_change_at is None or changes_at < next_change_at):
                next_change_at = changes_at
            if weight is not None:
                weights.append(weight)
        if weights:
            present.append((signal, weights))
    return present, next_change_at


def judge(
    facts: CustomerFacts, present: Sequence[Present], model: RiskModel, as_of: datetime
) -> ChurnRisk:
    """The risk of a customer of whom these signals are there."""
    base = model.bases[min(facts.tenure_band, len(model.bases) - 1)]
    drivers = (
        Driver(BASE, base),
        *(
            [Driver(signal.name, signal.most) for signal, _ in present]
            if model.is_fitted
            else _weighed(present)
        ),
    )
    hazard_per_month = exp(sum(driver.contribution for driver in drivers))
    risk = 1 - exp(-model.horizon_months * hazard_per_month)
    return ChurnRisk(
        customer_id=facts.customer_id,
        risk=risk,
        band=band_of(risk, model),
        drivers=drivers,
        value_at_risk=None if facts.annual_value is None else risk * facts.annual_value / 100,
        model_version=model.version,
        as_of=as_of,
        next_change_at=None,
    )


def assess_since(
    facts: CustomerFacts, model: RiskModel, as_of: datetime, first_seen_at: datetime | None
) -> ChurnRisk:
    """The risk of who has been a customer since then, which also changes with the tenure."""
    if first_seen_at is None:
        return assess(facts, model, as_of)
    band, changes_at = tenure_at(first_seen_at, as_of)
    risk = assess(facts._replace(tenure_band=band), model, as_of)
    changes = filter(None, (risk.next_change_at, changes_at))
    return risk._replace(next_change_at=min(changes, default=None))


def hazard_of(
    tenure_band: int, signals: Collection[str], model: RiskModel, stated: float | None
) -> float:
    """The hazard a month behind a stated risk; if none was stated, that of signals that are there.

    >>> from voc_stream.catalogue.load import load_catalogue
    >>> from voc_stream.domain.churn.risk_model import risk_model
    >>> model = risk_model(load_catalogue())
    >>> round(hazard_of(0, [], model, None), 6), round(hazard_of(0, [], model, 0.0894), 6)
    (0.0078, 0.007804)
    """
    if stated is not None:
        return -log1p(-min(stated, _CERTAIN)) / model.horizon_months
    return exp(
        model.bases[min(tenure_band, len(model.bases) - 1)]
        + sum(signal.most for signal in model.signals if signal.name in signals)
    )


def _weighed(present: Sequence[Present]) -> list[Driver]:
    """The drivers by a catalogue: complaints, the strongest judgement, and all else."""
    found: list[Driver] = []
    complaints: dict[str, list[float]] = {}
    strongest: Driver | None = None
    for (name, _, group, least, most, _), weights in present:
        for weight in weights:
            contribution = least + weight * (most - least)
            if group == "complaint":
                complaints.setdefault(name, []).append(contribution)
            elif group != "judgement":
                found.append(Driver(name, contribution))
            elif strongest is None or contribution > strongest.contribution:
                strongest = Driver(name, contribution)
    return [
        *(_of_causes(complaints) if complaints else ()),
        *(() if strongest is None else (strongest,)),
        *found,
    ]


def _of_causes(causes: Mapping[str, Sequence[float]]) -> list[Driver]:
    """The drivers of causes that add up, each given as the logarithm of what it alone multiplies.

    Of those that lower the hazard one multiplies it: the lowest, of equals the first by name.

    >>> from math import log
    >>> _of_causes({"a": [log(3)], "b": [log(2), log(2)]})[0].contribution / log(5)
    0.5
    >>> [driver.driver for driver in _of_causes({"a": [log(0.5), log(0.4)], "b": [log(0.9)]})]
    ['a']
    """
    raising = {name: [each for each in theirs if each >= 0] for name, theirs in causes.items()}
    excess = {name: sum(map(expm1, theirs)) for name, theirs in raising.items() if theirs}
    total = sum(excess.values())
    share = log1p(total) / total if total else 0.0
    found = {name: share * theirs for name, theirs in excess.items()}
    lowering = [(each, name) for name, theirs in causes.items() for each in theirs if each < 0]
    if lowering:
        lowest, name = min(lowering)
        found[name] = found.get(name, 0.0) + lowest
    return [Driver(name, contribution) for name, contribution in found.items()]


def band_of(risk: float, model: RiskModel) -> str:
    """The highest band whose lower bound the risk reaches."""
    for bound, band in model.bands:
        if risk >= bound:
            return band
    return "low"
