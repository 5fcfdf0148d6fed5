"""Shows the numbers of a fitted model beside those of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.churn_model.as_catalogue import interval
from voc_stream.cli.screen.terminal import table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from voc_stream.churn_model.fit import Fit


def numbers(model: Fit, stated: Mapping[str, float]) -> Table:
    """Each hazard and multiplier with its 95 % interval, beside what the catalogue says."""
    shown = table("parameter 参数", "fitted 拟合值", "95 % interval 区间", "catalogue 目录")
    for band, hazard in model.hazards_per_month.items():
        low, high = interval(hazard, model.hazard_errors[band])
        shown.add_row(f"hazard a month, band {band}", f"{hazard:.6f}", f"{low:.6f} to {high:.6f}")
    for name, multiplier in model.multipliers.items():
        low, high = interval(multiplier, model.multiplier_errors[name])
        shown.add_row(name, f"{multiplier:.3f}", f"{low:.3f} to {high:.3f}", f"{stated[name]:g}")
    return shown
