"""Declares the type of an option that is a finite number within bounds."""

from __future__ import annotations

import math

import click


class FiniteRange(click.FloatRange):
    """Like click's range, which lets `nan` through because it compares false with every bound."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number, or a usage error."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number
