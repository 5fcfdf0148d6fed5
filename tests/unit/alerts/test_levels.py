from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from voc_stream.alerts.levels import (
    BELOW_EXPECTATION,
    ON_TIME_LOW,
    PROCESS_ITEM_MISSED,
    Level,
    judge_levels,
)
from voc_stream.alerts.model import Subject
from voc_stream.catalogue.load import load_catalogue

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

CATALOGUE: Catalogue = load_catalogue()
OVERALL = Subject(BELOW_EXPECTATION, "overall", "site", "s-1")


def level(mean: float, scores: int = 100, experience: str = "overall", **fields: float) -> Level:
    stated = {"deviation": 2.0, "expectation": 7.0, "importance": 9.0, **fields}
    return Level(
        experience,
        "site",
        "s-1",
        scores,
        mean,
        stated["deviation"],
        stated["expectation"],
        stated["importance"],
    )


def test_below_the_limit_by_more_than_chance_starts() -> None:
    """Satisfaction below the catalogue's limit, here 0, is an alert.

    As expected or a little below is none.
    """
    [finding] = judge_levels([level(5.5)], CATALOGUE, set()).findings
    assert finding.subject == OVERALL
    assert finding.evidence["satisfaction"] == -1.5
    assert judge_levels([level(7.0)], CATALOGUE, set()).findings == []
    assert judge_levels([level(6.9)], CATALOGUE, set()).findings == []


def test_it_goes_on_until_the_mean_is_back() -> None:
    """Start and end have different limits, so that it does not flutter."""
    verdict = judge_levels([level(6.9)], CATALOGUE, {OVERALL})
    assert [finding.subject for finding in verdict.findings] == [OVERALL]
    verdict = judge_levels([level(7.0)], CATALOGUE, {OVERALL})
    assert (verdict.findings, verdict.holding) == ([], set())


@pytest.mark.parametrize(
    "levels", [[], [level(1.0, scores=3)]], ids=["no answers", "three answers"]
)
def test_too_few_answers_neither_start_nor_end_anything(levels: list[Level]) -> None:
    """No data is no good news, and three answers are no news."""
    assert judge_levels(levels, CATALOGUE, set()).findings == []
    assert judge_levels(levels, CATALOGUE, {OVERALL}).holding == {OVERALL}


def test_severity_follows_what_it_weighs() -> None:
    """Below the catalogue's weighted satisfaction it is critical.

    At importance 9 and a limit of -9 that is one point.
    """
    [mild] = judge_levels(
        [level(6.2, experience="advisor_service", importance=9.0)], CATALOGUE, set()
    ).findings
    [bad] = judge_levels(
        [level(5.8, experience="advisor_service", importance=9.0)], CATALOGUE, set()
    ).findings
    assert (mild.severity, bad.severity) == ("warning", "critical")


@pytest.mark.parametrize(
    ("experience", "expectation", "rule"),
    [
        ("on_time_delivery", 8.7, ON_TIME_LOW),
        ("cost_estimated", 9.0, PROCESS_ITEM_MISSED),
        ("overall", 7.0, BELOW_EXPECTATION),
    ],
)
def test_each_kind_has_its_rule(experience: str, expectation: float, rule: str) -> None:
    """Different things are different alerts with different runbooks.

    What was promised, what was to be done, and what was experienced.
    """
    [finding] = judge_levels(
        [level(4.0, experience=experience, expectation=expectation)], CATALOGUE, set()
    ).findings
    assert finding.subject.rule == rule


def test_an_expectation_that_was_stated_is_uncertain_by_as_much_as_it_counts() -> None:
    """Twenty customers count as much as the catalogue, and may have said too much by chance.

    Two hardly count, and two thousand are sure of it.
    """
    low = level(6.4)
    assert judge_levels([low], CATALOGUE, set()).findings
    assert judge_levels([low._replace(expectation_n=2)], CATALOGUE, set()).findings
    assert judge_levels([low._replace(expectation_n=20)], CATALOGUE, set()).findings == []
    assert judge_levels([low._replace(expectation_n=2000)], CATALOGUE, set()).findings


def test_evidence_says_how_many_stated_what_it_rests_on() -> None:
    """How many were asked, how many of them said what they expect and what matters to them."""
    [finding] = judge_levels(
        [level(4.0)._replace(expectation_n=7, importance_n=3)], CATALOGUE, set()
    ).findings
    assert [finding.evidence[key] for key in ("n", "expectation_n", "importance_n")] == [100, 7, 3]


def test_ratings_that_are_not_key_and_minutes_are_not_judged() -> None:
    """Only key experiences wake somebody; minutes are no scores."""
    others = [
        level(0.0, experience="lounge_comfort"),
        level(900.0, experience="stage_minutes.work"),
    ]
    assert judge_levels(others, CATALOGUE, set()).findings == []


def test_many_keys_are_judged_together() -> None:
    """What chance shows in one of a hundred starts nothing among three hundred that are fine.

    One key alone would show it.
    """
    doubtful = level(6.5, deviation=2.0)._replace(scope="s-doubtful")  # 2.5 standard errors
    fine = [level(7.5)._replace(scope=f"s-{number}") for number in range(300)]
    assert judge_levels([doubtful], CATALOGUE, set()).findings
    assert judge_levels([doubtful, *fine], CATALOGUE, set()).findings == []
