from __future__ import annotations

from datetime import timedelta

from builders import START
from unit.alerts.rules.example import Example

from voc_stream.alerts.detection.detector import Suspicion
from voc_stream.alerts.model import Subject
from voc_stream.alerts.rule import Context, Facts
from voc_stream.alerts.rules.experiences.key_experience_dropped import NAME, RULE, Drop, Drops
from voc_stream.catalogue.load import load_catalogue

CATALOGUE = load_catalogue()
OVERALL = Subject(NAME, "overall", "site", "s-1")


def drop(points: float) -> Drop:
    since = START - timedelta(hours=5)
    suspicion = Suspicion(0, 1.0, 30, 8.0 - points, points, points - 0.5, points + 0.5, since)
    return Drop(OVERALL, suspicion, 8.0, ("employee", "ann"), {"explained_by": "ann"})


EXAMPLE = Example(starts=Facts(Drops([drop(1.2)], [])), ends=Facts(Drops([], [])), now=START)


def test_a_drop_is_told_with_its_numbers_and_who_explains_it() -> None:
    """In both languages; critical at twice the drop of the catalogue."""
    context = Context(CATALOGUE, START, {})
    limit = CATALOGUE.experience["overall"].alert.drop
    small, large = (
        RULE.judge(Facts(Drops([drop(points)], [])), context).findings[0]
        for points in (1.5 * limit, 2 * limit)
    )
    assert (small.severity, large.severity) == ("warning", "critical")
    assert (small.evidence["horizon"], small.evidence["n"]) == ("24h", 30)
    assert small.evidence["explained_by"] == "ann"
    assert "mostly employee ann" in small.summary
    assert "主要来自员工 ann" in small.summary


def test_a_drop_with_too_few_scores_to_tell_is_held() -> None:
    """No data is no good news."""
    assert RULE.judge(Facts(Drops([], [OVERALL])), Context(CATALOGUE, START, {})) == ([], [OVERALL])
