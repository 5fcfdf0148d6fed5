"""Judges what stands below what the catalogue asks for, whether it fell or was always low.

An alert starts if the mean of the last seven days is below the limit by more than chance explains.
Chance is judged at a false discovery rate over all keys. It goes on until the mean itself is back.
Two limits keep it from fluttering.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.model import Finding, Subject, Unexplained, Verdict, of_rule
from voc_stream.alerts.wording import name_scope
from voc_stream.domain.estimates.stated import CATALOGUE_WEIGHT
from voc_stream.domain.scale import scale_of, show
from voc_stream.domain.statistics import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from voc_stream.alerts.rule import Context, Facts
    from voc_stream.catalogue.model import Catalogue, Experience

HORIZON = "7d"
STARTS = (
    "the mean of 7 days lies below expectation + `satisfaction_below`, or weighted by importance"
    " below `weighted_satisfaction_below`, by more than chance"
)
CRITICAL = "weighted by importance it does"
ENDS = "the mean is back at the limit"
BELOW_EXPECTATION, ON_TIME_LOW, PROCESS_ITEM_MISSED = (
    "VocExperienceBelowExpectation",
    "VocOnTimeDeliveryLow",
    "VocProcessItemMissed",
)
FALSE_DISCOVERY_RATE = 0.01
OVER = timedelta(days=6)
"""The days before today; with today they are the seven days of the horizon."""
_LEAST_DEVIATION = 0.5
"""The least standard deviation, in points.

Answers that are all the same do not prove that the next one is the same.
"""


class Level(NamedTuple):
    """One experience at one scope over the last seven days, in points.

    Expectation and importance are those stated, drawn to the catalogue's; `expectation_n` and
    `importance_n` are how many of the customers stated one.
    """

    experience: str
    scope_type: str
    scope: str
    scores: int
    mean: float
    deviation: float | None
    expectation: float | None
    importance: float | None
    expectation_n: int = 0
    importance_n: int = 0


class Levels(NamedTuple):
    """The levels of all experiences that any rule judges, at all sites together and at each."""

    levels: Sequence[Level]


def judge_of(rule: str, facts: Facts, context: Context) -> Verdict:
    """What one rule finds.

    The false discovery rate is over the levels of all rules: a site low by chance is so in any
    rule.
    """
    found = judge_levels(facts[Levels].levels, context.catalogue, context.open_subjects)
    return Verdict(
        [finding for finding in found.findings if finding.subject.rule == rule],
        of_rule(rule, found.holding),
    )


def rule_of(key: str, experience: Experience) -> str | None:
    """The rule that watches this experience, or None."""
    if key == "on_time_delivery":
        return ON_TIME_LOW
    if experience.kind == "process":
        return PROCESS_ITEM_MISSED
    return BELOW_EXPECTATION if experience.kind == "rating" and experience.key else None


def judge_levels(
    levels: Sequence[Level], catalogue: Catalogue, open_subjects: Collection[Subject]
) -> Verdict:
    """What lies below its limit.

    An alert holds if there are no answers, or too few: no data is no good news. What is not judged
    any more ends.
    """
    judged = [(level, limit) for level in levels if (limit := _limit(level, catalogue)) is not None]
    by_chance = [_chance(level, limit) for level, limit in judged]
    significant = benjamini_hochberg(by_chance, FALSE_DISCOVERY_RATE)
    findings, fine = [], set()
    for (level, limit), believed in zip(judged, significant, strict=True):
        subject = _subject(level, catalogue)
        if level.mean >= limit:
            fine.add(subject)
        elif believed or subject in open_subjects:
            findings.append(_finding(level, limit, subject, catalogue))
    known = {finding.subject for finding in findings}
    return Verdict(
        findings,
        {
            subject
            for subject in open_subjects
            if _is_judged(subject, catalogue) and subject not in fine | known
        },
    )


def _is_judged(subject: Subject, catalogue: Catalogue) -> bool:
    experience = catalogue.experience.get(subject.experience or "")
    return experience is not None and rule_of(subject.experience or "", experience) == subject.rule


def _subject(level: Level, catalogue: Catalogue) -> Subject:
    return Subject(
        rule_of(level.experience, catalogue.experience[level.experience]) or "",
        level.experience,
        level.scope_type,
        level.scope,
    )


def _limit(level: Level, catalogue: Catalogue) -> float | None:
    """The mean that the catalogue asks for; None if it is not judged."""
    experience = catalogue.experience.get(level.experience)
    if (
        experience is None
        or rule_of(level.experience, experience) is None
        or level.expectation is None
    ):
        return None
    if level.scores < experience.alert.minimum_samples:
        return None
    return level.expectation + max(
        experience.alert.satisfaction_below, _weighted_limit(level, experience)
    )


def _weighted_limit(level: Level, experience: Experience) -> float:
    """The satisfaction at which weighted satisfaction reaches its own limit."""
    weighted = experience.alert.weighted_satisfaction_below
    return weighted / level.importance if weighted is not None and level.importance else -math.inf


def _chance(level: Level, limit: float) -> float:
    """The probability of so low a mean if the true mean is at the limit.

    It is one-sided, by the normal distribution. What was stated is uncertain, too, by as much as it
    counts beside the catalogue.
    """
    stated = level.expectation_n / (level.expectation_n + CATALOGUE_WEIGHT) ** 2
    error = max(level.deviation or 0.0, _LEAST_DEVIATION) * math.sqrt(1 / level.scores + stated)
    return 0.5 * math.erfc((limit - level.mean) / error / math.sqrt(2))


def _finding(level: Level, limit: float, subject: Subject, catalogue: Catalogue) -> Finding:
    experience = catalogue.experience[level.experience]
    expectation = level.expectation or 0.0
    satisfaction = level.mean - expectation
    weighted = None if level.importance is None else level.importance * satisfaction
    is_bad = (
        weighted is not None
        and level.importance is not None
        and satisfaction < _weighted_limit(level, experience)
    )
    label = experience.label
    english, chinese = name_scope(level.scope)
    scale = scale_of(experience)
    (mean, mean_chinese), (least, least_chinese) = show(scale, level.mean), show(scale, limit)
    return Finding(
        subject,
        "critical" if is_bad else "warning",
        {
            "label_en": label.en,
            "label_zh": label.zh,
            "scale": scale.name,
            "horizon": HORIZON,
            "n": level.scores,
            "mean": round(level.mean, 2),
            "expectation": round(expectation, 2),
            "expectation_n": level.expectation_n,
            "importance_n": level.importance_n,
            "satisfaction": round(satisfaction, 2),
            "weighted_satisfaction": None if weighted is None else round(weighted, 2),
            "limit": round(limit, 2),
        },
        f"{label.en} at {english}: {mean}, below the limit of {least} ({level.scores} in 7 days)"
        f" / {chinese}：{label.zh} {mean_chinese}，低于限值 {least_chinese}（近7天 {level.scores}"
        " 个样本）",
        Unexplained(OVER, round(limit, 2)),
    )
