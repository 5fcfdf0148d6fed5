"""Declares of how many each mean and each share tells: no such number leaves without that.

A test finds all numbers with decimals that readers see, and each of them stands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_SCORES = ("n",)
_AGAINST_EXPECTATION = ("n", "expectation_n")
_OF_MOMENTS = ("moments_n",)
_PERCENTILES = dict.fromkeys(("p50", "p90", "p95"), ("n",))

OF_HOW_MANY: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "rolling_satisfaction": {
        "experience_mean": _OF_SCORES,
        "expectation_mean": ("expectation_n",),
        "satisfaction": _AGAINST_EXPECTATION,
        "satisfaction_ratio": _AGAINST_EXPECTATION,
        "importance": ("importance_n",),
        "weighted_satisfaction": (*_AGAINST_EXPECTATION, "importance_n"),
        **dict.fromkeys(
            (
                *("gap", "stddev", "ci_low", "ci_high"),
                *("top_box_share", "top_box_low", "top_box_high"),
                *("bottom_box_share", "bottom_box_low", "bottom_box_high"),
            ),
            _OF_SCORES,
        ),
    },
    "repair_order": dict.fromkeys(
        ("peak_score", "end_score", "memory_score", "mean_score"), _OF_MOMENTS
    ),
    "complaint_iceberg": {
        **dict.fromkeys(("unhappy_share", "unhappy", "unhappy_low", "unhappy_high"), _OF_SCORES),
        "unhappy_per_complaint": ("n", "complaints"),
    },
    "derived_importance": {
        **dict.fromkeys(
            (
                *("correlation", "beta", "weight", "weight_low", "weight_high", "share"),
                *("r_squared", "penalty", "reward", "asymmetry_low", "asymmetry_high"),
            ),
            _OF_SCORES,
        ),
        "importance": ("importance_n",),
    },
    "complaint_pareto": dict.fromkeys(("share", "cumulative_share"), ("n", "n_all")),
    "complaint_term": {"p_value": ("n", "complaints", "complaints_before")},
    "theme_impact": dict.fromkeys(("theme_mean", "mean", "mean_without", "impact"), ("n", "n_all")),
    "duration_daily": _PERCENTILES,
    "duration_rolling": _PERCENTILES,
}
"""By table or view, and column: the columns beside it that say of how many it tells.

An expectation or importance that nobody stated is the catalogue's, and its count is 0.
"""

OF_ONE_THING: Mapping[str, frozenset[str]] = {
    # phi is of the eight weeks of a site, not of the samples of the row.
    "rolling_satisfaction": frozenset({"ideal", "phi"}),
    "repair_order": frozenset({"estimated_amount", "final_amount"}),
    "repair_stage": frozenset({"minutes", "opening_minutes"}),
    "complaint": frozenset({"minutes_to_resolve", "opening_minutes_to_resolve", "compensation"}),
    "complaint_suggestion": frozenset({"category_margin"}),
    "customer": frozenset({"annual_value"}),
    "churn_risk": frozenset({"risk", "value_at_risk"}),
    "churn_model": frozenset({"exposure_months"}),
    "churn_told": frozenset({"risk_sum"}),
    "churn_history": frozenset({"risk"}),
    "experience": frozenset(
        {
            *("expectation", "importance", "ideal", "shown_times"),
            *("drop_threshold", "satisfaction_threshold", "weighted_satisfaction_threshold"),
        }
    ),
    "experience_daily": frozenset({"score_sq_sum"}),
}
"""Numbers with decimals that are no means: of one order, complaint or customer, stated, or sums."""
