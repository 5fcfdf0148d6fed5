"""Gives SQL of what customers expect; `domain/estimates/stated.py` says how it is computed."""

from __future__ import annotations

from voc_stream.domain.estimates.stated import CATALOGUE_WEIGHT


def stated_mean(n: str, total: str, catalogue: str) -> str:
    """SQL of the mean of what was stated, drawn to what the catalogue says.

    Args:
        n: SQL of how many stated it.
        total: SQL of the sum of what they stated, in hundredths.
        catalogue: SQL of what the catalogue says, in points; NULL if it says nothing.
    """
    return (
        f"CASE WHEN {catalogue} IS NULL THEN {total}::float8 / nullif({n}, 0) / 100"
        f" ELSE ({total}::float8 / 100 + {CATALOGUE_WEIGHT} * {catalogue})"
        f" / ({n} + {CATALOGUE_WEIGHT}) END"
    )
