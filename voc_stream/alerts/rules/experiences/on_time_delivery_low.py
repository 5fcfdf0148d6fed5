"""Too few orders that are delivered when they were promised.

The words and the judgement are those of `alerts/levels.py`, which three rules share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.levels import CRITICAL, ENDS, ON_TIME_LOW, STARTS, Levels, judge_of
from voc_stream.alerts.rule import Figure, Rule, Words

if TYPE_CHECKING:
    from voc_stream.alerts.model import Verdict
    from voc_stream.alerts.rule import Context, Facts


def judge(facts: Facts, context: Context) -> Verdict:
    """The sites at which too few orders are delivered on time."""
    return judge_of(ON_TIME_LOW, facts, context)


RULE = Rule(
    name=ON_TIME_LOW,
    title=Words("too few orders on time", "按时交付率偏低"),
    headline=Words("Too few orders are delivered on time at {place}", "按时交付率偏低"),
    description="Too few orders are delivered when they were promised.",
    figures=(
        Figure(
            "max(voc_on_time_delivery_ratio{site=%q})",
            ("site",),
            "Of those of the last 7 days {} were.",
            "humanizePercentage",
        ),
        Figure(
            "max(voc_on_time_delivery_samples{site=%q})",
            ("site",),
            "Orders: {}.",
            'printf "%.0f"',
        ),
    ),
    one_per="`on_time_delivery`, at all sites or one",
    starts=STARTS,
    critical=CRITICAL,
    ends=ENDS,
    needs=(Levels,),
    judge=judge,
)
