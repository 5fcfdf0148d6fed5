from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from builders import START
from unit.alerts.rules.example import Example

from voc_stream.alerts.detection.detector import Suspicion
from voc_stream.alerts.model import Subject
from voc_stream.alerts.rule import Context, Facts
from voc_stream.alerts.rules.experiences.key_experience_dropped import NAME, RULE, Drop, Drops
from voc_stream.catalogue.load import load_catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.alerts.model import Json

CATALOGUE = load_catalogue()
OVERALL = Subject(NAME, "overall", "site", "s-1")


BY_ANN: Mapping[str, Json] = {"explained_by": "ann", "explained_dimension": "employee"}
MIX: Mapping[str, Json] = {
    "mix": "A",
    "mix_change": {
        "dimension": "segment",
        "value": "A",
        "volume_before": 0.9,
        "volume_now": 0.4,
        "n_before": 900,
        "n": 30,
    },
}


def drop(points: float, reason: Mapping[str, Json] = BY_ANN) -> Drop:
    since = START - timedelta(hours=5)
    suspicion = Suspicion(0, 1.0, 30, 8.0 - points, points, points - 0.5, points + 0.5, since)
    return Drop(OVERALL, suspicion, 8.0, 480, 1.5, reason)


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
    assert small.evidence["baseline_n"] == 480
    assert small.evidence["explained_by"] == "ann"
    assert "mostly employee ann" in small.summary
    assert "主要来自员工 ann" in small.summary


def test_a_change_of_mix_is_told_with_its_numbers_and_is_never_critical() -> None:
    """Nobody does worse, so nobody is woken; each share has the number of its answers."""
    limit = CATALOGUE.experience["overall"].alert.drop
    facts = Facts(Drops([drop(4 * limit, MIX)], []))
    [finding] = RULE.judge(facts, Context(CATALOGUE, START, {})).findings
    assert finding.severity == "warning"
    assert (
        "mostly a change of mix: segment A 90 % → 40 % of the answers (900 before, 30 now)"
        in finding.summary
    )
    assert (
        "主要是构成变化：客户群 A 的占比 90% → 40%（此前 900 个样本，现在 30 个）"
        in finding.summary
    )


def test_a_drop_with_too_few_scores_to_tell_is_held() -> None:
    """No data is no good news."""
    assert RULE.judge(Facts(Drops([], [OVERALL])), Context(CATALOGUE, START, {})) == ([], [OVERALL])
