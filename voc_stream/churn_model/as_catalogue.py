"""Writes a fitted model as the `[churn]` table of a catalogue, with how sure each number is."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from voc_stream.churn_model.fit import Fit

Z = 1.959964


def interval(value: float, error_of_log: float) -> tuple[float, float]:
    """The 95 % interval of a value whose logarithm has a standard error.

    >>> [round(bound, 2) for bound in interval(2.0, 0.1)]
    [1.64, 2.43]
    """
    return exp(log(value) - Z * error_of_log), exp(log(value) + Z * error_of_log)


def as_catalogue(model: Fit, usable: Collection[str]) -> str:
    """The lines that go into a catalogue, of a model with one band.

    Signals that a catalogue does not know (`usable`) stand there as comments.
    """
    [base] = model.hazards_per_month.values()
    low, high = interval(base, model.hazard_errors[0])
    lines = [
        f"# Fitted to {model.leavers:,} leavers in {model.exposure_months:,.0f} customer months.",
        "[churn]",
        f"base_hazard_per_month = {base:.6f}  # {low:.6f} to {high:.6f}",
        "",
        "[churn.multipliers]",
    ]
    for name, multiplier in sorted(model.multipliers.items()):
        low, high = interval(multiplier, model.multiplier_errors[name])
        line = f"{name} = {multiplier:.3f}  # {low:.3f} to {high:.3f}"
        if name not in usable:
            line = f"# {line}; no signal of voc_stream has this name"
        lines.append(line)
    return "\n".join(lines)
