from __future__ import annotations

from builders import START
from unit.alerts.rules.example import Example

from voc_stream.alerts.levels import Level, Levels
from voc_stream.alerts.rule import Context, Facts
from voc_stream.alerts.rules.experiences.on_time_delivery_low import RULE
from voc_stream.catalogue.load import load_catalogue


def level(mean: float, experience: str = "on_time_delivery") -> Level:
    return Level(experience, "site", "s-1", 100, mean, 2.0, 8.7, 9.0)


EXAMPLE = Example(starts=Facts(Levels([level(4.0)])), ends=Facts(Levels([level(8.7)])), now=START)


def test_it_finds_only_what_it_is_about() -> None:
    """Levels of all kinds are believed together, and each is told by the rule of its kind."""
    others = {"overall", "on_time_delivery", "cost_estimated"} - {"on_time_delivery"}
    levels = Levels([level(2.0, experience) for experience in sorted(others)])
    context = Context(load_catalogue(), START, {})
    assert RULE.judge(Facts(levels), context) == ([], set())
    both = Levels([*levels.levels, level(4.0)])
    [finding] = RULE.judge(Facts(both), context).findings
    assert (finding.subject.rule, finding.subject.experience) == (RULE.name, "on_time_delivery")
