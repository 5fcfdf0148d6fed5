"""Key ratings that are below what customers expect.

The words and the judgement are those of `alerts/levels.py`, which three rules share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.levels import BELOW_EXPECTATION, CRITICAL, ENDS, STARTS, Levels, judge_of
from voc_stream.alerts.rule import Figure, Rule, Words

if TYPE_CHECKING:
    from voc_stream.alerts.model import Verdict
    from voc_stream.alerts.rule import Context, Facts


def judge(facts: Facts, context: Context) -> Verdict:
    """Which key ratings are below what customers expect."""
    return judge_of(BELOW_EXPECTATION, facts, context)


RULE = Rule(
    name=BELOW_EXPECTATION,
    title=Words("customers get less than they expect", "体验低于期望"),
    headline=Words(
        "{experience} is below what customers expect at {place}", "“{experience}”低于客户期望"
    ),
    description="Customers got less than they expect{horizon}.",
    figures=(
        Figure(
            "max(voc_satisfaction_score{experience=%q,site=%q,horizon=%q})",
            ("experience", "site", "horizon"),
            "Experienced: {} of 10.",
            'printf "%.2f"',
        ),
        Figure(
            "max(voc_satisfaction_samples{experience=%q,site=%q,horizon=%q})",
            ("experience", "site", "horizon"),
            "Answers: {}.",
            'printf "%.0f"',
        ),
        Figure(
            "max(voc_satisfaction_expected{experience=%q,site=%q,horizon=%q})",
            ("experience", "site", "horizon"),
            "Expected: {} of 10.",
            'printf "%.2f"',
        ),
        Figure(
            "max(voc_satisfaction_expected_samples{experience=%q,site=%q,horizon=%q})",
            ("experience", "site", "horizon"),
            "Customers who said what they expect: {}.",
            'printf "%.0f"',
        ),
    ),
    one_per="key rating, at all sites or one",
    starts=STARTS,
    critical=CRITICAL,
    ends=ENDS,
    needs=(Levels,),
    judge=judge,
)
