"""Learns a model from cells, and judges it by times that it has not seen.

For each horizon the same is done: a model is fitted to the time before a landmark, which lies at
least one horizon ago. Its risks of the customers of that moment are compared with who had left when
the horizon was over. That gives a line of calibration for each horizon. The gate looks at one
horizon.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.churn_model.calibration import CalibrationFit, calibrate
from voc_stream.churn_model.cells import DAYS_A_MONTH, Cell, CellKey
from voc_stream.churn_model.evaluation import Evaluation, evaluate
from voc_stream.churn_model.fit import Fit, Prior, fit
from voc_stream.churn_model.gate import Pair, Verdict, believed, judge
from voc_stream.churn_model.outcome import Told
from voc_stream.churn_model.stated_risk import hazard_per_month, risk_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Group(NamedTuple):
    """Customers of a landmark who had the same signals, and of whom the active model said the same.

    Attributes:
        key: their band of tenure and their signals.
        active_risk: what the active model said of them, over the horizon.
        customers: how many they were.
        left: how many of them had left when the horizon was over.
    """

    key: CellKey
    active_risk: float
    customers: int
    left: int


class Past(NamedTuple):
    """A time that a model has not seen.

    Attributes:
        landmark: when it begins.
        cells: of the time before.
        groups: the customers of that moment.
    """

    landmark: datetime
    cells: Sequence[Cell]
    groups: Sequence[Group]


class Learned(NamedTuple):
    """A model of all cells, and how good models like it were.

    Attributes:
        model: its numbers.
        lines: of calibration, by horizon in days.
        verdict: of the gate.
        landmark: from when on it was judged.
        candidate: how good the risks of a model fitted until then were; None without customers.
        active: the same of the active model.
    """

    model: Fit
    lines: Mapping[int, CalibrationFit]
    verdict: Verdict
    landmark: datetime
    candidate: Evaluation | None
    active: Evaluation | None


def month_start(moment: datetime) -> datetime:
    """The start of the month, in UTC as the moment is.

    >>> month_start(datetime(2026, 3, 5, 9)).isoformat()
    '2026-03-01T00:00:00'
    """
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def landmark_of(until: datetime, horizon_days: int) -> datetime:
    """The latest start of a month whose horizon is over by then.

    >>> landmark_of(datetime(2026, 3, 1), 90).isoformat()
    '2025-12-01T00:00:00'
    """
    return month_start(until - timedelta(days=horizon_days))


def learn(
    cells: Sequence[Cell], pasts: Mapping[int, Past], prior: Prior, gate_days: int
) -> Learned:
    """Fit all cells; judge by the past of each horizon in days.

    `pasts` has one of `gate_days`, which decides.
    """
    every = [*cells, *(cell for past in pasts.values() for cell in past.cells)]
    keys = [
        *(cell.key for cell in every),
        *(group.key for past in pasts.values() for group in past.groups),
    ]
    bands = max((key.band for key in keys), default=0) + 1
    told = {days: _told(past, prior, bands, days) for days, past in pasts.items()}
    decisive, groups = told[gate_days], pasts[gate_days].groups
    pairs = [
        Pair(one.risk, group.active_risk, group.customers, group.left)
        for one, group in zip(decisive, groups, strict=True)
    ]
    lines = {days: calibrate(found) for days, found in told.items()}
    return Learned(
        fit(cells, prior, bands),
        believed(lines, gate_days),
        judge(pairs, decisive),
        pasts[gate_days].landmark,
        evaluate(decisive) if groups else None,
        evaluate([Told(group.active_risk, group.customers, group.left) for group in groups])
        if groups
        else None,
    )


def _told(past: Past, prior: Prior, bands: int, days: int) -> list[Told]:
    """What a model of the time before the landmark says of its customers, and what came of it."""
    model = fit(past.cells, prior, bands)
    return [
        Told(
            risk_of(hazard_per_month(model, key.band, key.signals), days / DAYS_A_MONTH),
            customers,
            left,
        )
        for key, _, customers, left in past.groups
    ]
