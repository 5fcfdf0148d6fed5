"""Works out once what decides risks: a catalogue, or the numbers of a fitted model."""

from __future__ import annotations

from datetime import timedelta
from math import log
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.churn.courses import RISING_PARTS, Terms
from voc_stream.domain.churn.fitted import FittedNumbers, calibrated
from voc_stream.domain.churn.signals import SIGNALS, further_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.churn.courses import Courses
    from voc_stream.domain.churn.signals import Further

# No part of it may be shorter than the least time that there is.
_LEAST_LIMIT = RISING_PARTS * timedelta.resolution


class Weighed(NamedTuple):
    """A signal with the logarithms of what it multiplies by at weight 0 and at weight 1."""

    name: str
    courses: Courses
    group: str | None
    least: float
    most: float
    bit: int


Present = tuple[Weighed, "Sequence[float]"]
"""A signal that is there, with the weights of all that it speaks of."""


class RiskModel(NamedTuple):
    """What decides risks, worked out once for all customers.

    Attributes:
        version: of the numbers: the catalogue's, or that of the fitted model.
        horizon_months: over which a risk runs.
        terms: what the catalogue says about signals.
        bases: the logarithms of the base hazards, by band of tenure; a catalogue has one.
        signals: those that have a multiplier, in the order of drivers.
        others: those that say nothing of the risk.
        bands: with their lower bounds, the highest first.
        is_fitted: whether each signal counts whole and once.
        further: the facts to be read beside the common ones.
    """

    version: str
    horizon_months: float
    terms: Terms
    bases: Sequence[float]
    signals: Sequence[Weighed]
    others: Sequence[Weighed]
    bands: Sequence[tuple[float, str]]
    is_fitted: bool = False
    further: frozenset[Further] = frozenset()


def risk_model(catalogue: Catalogue, fitted: FittedNumbers | None = None) -> RiskModel:
    """What decides risks: the catalogue, with the numbers of a fitted model if there is one.

    Signals without a multiplier are left out, and those of further facts that multiply by 1.
    """
    churn, limits = catalogue.churn, catalogue.limits.resolve_minutes
    terms = Terms(
        timedelta(days=churn.signal_days),
        churn.low_score * 100,
        {
            severity: max(timedelta(minutes=minutes), _LEAST_LIMIT)
            for severity, minutes in (("major", limits.major), ("minor", limits.minor))
        },
        frozenset(key for key, one in catalogue.experience.items() if one.factor == "price"),
    )
    numbers = (
        FittedNumbers(churn.version, [churn.base_hazard_per_month], churn.multipliers)
        if fitted is None
        else calibrated(fitted, churn.horizon_months)
    )
    logs = {name: log(multiplier) for name, multiplier in numbers.multipliers.items()}
    counted = {
        signal.name
        for signal in SIGNALS
        if signal.name in logs and not (signal.reads and logs[signal.name] == 0)
    }
    signals = [
        Weighed(
            signal.name,
            signal.courses,
            signal.group,
            logs.get(signal.rises_from or "", 0.0),
            logs.get(signal.name, 0.0),
            signal.bit,
        )
        for signal in SIGNALS
    ]
    bands = sorted(((bound, band) for band, bound in churn.bands.items()), reverse=True)
    return RiskModel(
        numbers.version,
        churn.horizon_months,
        terms,
        [log(hazard) for hazard in numbers.hazards_per_month],
        [signal for signal in signals if signal.name in counted],
        [signal for signal in signals if signal.name not in counted],
        bands,
        fitted is not None,
        further_facts(numbers.multipliers),
    )
