from __future__ import annotations

import numpy as np
import pytest

from voc_stream.churn_model.calibration import calibrate
from voc_stream.churn_model.gate import Pair, believed, judge
from voc_stream.churn_model.outcome import Told


def test_a_model_that_says_more_truth_is_activated() -> None:
    """The active one said the same of all."""
    pairs = [Pair(0.05, 0.15, 4000, 200), Pair(0.35, 0.15, 2000, 700)]
    verdict = judge(pairs, [Told(0.05, 4000, 200), Told(0.35, 2000, 700)])
    assert verdict.activate
    assert verdict.gain is not None
    assert verdict.gain > 0
    assert verdict.slope == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("pairs", "because"),
    [
        ([Pair(0.1, 0.5, 100, 19)], "too few left to judge: 19 of at least 20"),
        ([Pair(0.1, 0.1, 4000, 400), Pair(0.2, 0.2, 4000, 800)], "is not smaller"),
        ([Pair(0.02, 0.6, 4000, 200), Pair(0.5, 0.6, 4000, 800)], "too bold: the slope"),
        ([Pair(0.10, 0.6, 4000, 100), Pair(0.14, 0.6, 4000, 900)], "too shy: the slope"),
    ],
)
def test_what_is_not_better_is_not_activated(pairs: list[Pair], because: str) -> None:
    """Of few customers, no better than before, too sure of itself, or not sure enough."""
    verdict = judge(pairs, [Told(one.candidate_risk, one.customers, one.left) for one in pairs])
    assert not verdict.activate
    assert because in verdict.because


def test_a_model_of_chance_passes_in_one_of_twenty_at_most() -> None:
    """Risks that differ from those of the active model by noise only."""
    random = np.random.default_rng(11)
    passed = 0
    for _ in range(200):
        true = random.uniform(0.02, 0.3, 200)
        noisy = np.clip(true * np.exp(random.normal(0.0, 0.1, 200)), 0.001, 0.9)
        left = random.binomial(20, true)
        pairs = [
            Pair(float(one), float(other), 20, int(gone))
            for one, other, gone in zip(noisy, true, left, strict=True)
        ]
        told = [Told(one.candidate_risk, one.customers, one.left) for one in pairs]
        passed += judge(pairs, told).activate
    assert passed <= 10


def test_a_line_that_bends_risks_is_not_believed() -> None:
    """A slope of chance would turn signals round; the line of the gate stands in its place."""
    told = [Told(0.05, 40, 12), Told(0.1, 40, 8), Told(0.3, 10, 1)]
    bent, straight = calibrate(told), calibrate([])
    assert bent.line.slope < 0
    assert believed({90: straight, 365: bent}, 90) == {90: straight, 365: straight}
    assert believed({90: straight, 365: straight}, 90)[365] is straight
