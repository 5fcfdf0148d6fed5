"""Steps of the process that are left out too often.

The words and the judgement are those of `alerts/levels.py`, which three rules share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.levels import CRITICAL, ENDS, PROCESS_ITEM_MISSED, STARTS, Levels, judge_of
from voc_stream.alerts.rule import Figure, Rule, Words

if TYPE_CHECKING:
    from voc_stream.alerts.model import Verdict
    from voc_stream.alerts.rule import Context, Facts


def judge(facts: Facts, context: Context) -> Verdict:
    """Which steps of the process are left out too often."""
    return judge_of(PROCESS_ITEM_MISSED, facts, context)


RULE = Rule(
    name=PROCESS_ITEM_MISSED,
    title=Words("a step is left out", "流程项未执行"),
    headline=Words("{experience} is too often left out at {place}", "流程项“{experience}”未执行"),
    description="A step of the process is left out too often{horizon}.",
    figures=(
        Figure(
            "max(voc_satisfaction_score{experience=%q,site=%q,horizon=%q}) / 10",
            ("experience", "site", "horizon"),
            "Done for {} of the customers.",
            "humanizePercentage",
        ),
        Figure(
            "max(voc_satisfaction_samples{experience=%q,site=%q,horizon=%q})",
            ("experience", "site", "horizon"),
            "Answers: {}.",
            'printf "%.0f"',
        ),
    ),
    one_per="process item, at all sites or one",
    starts=STARTS,
    critical=CRITICAL,
    ends=ENDS,
    needs=(Levels,),
    judge=judge,
)
