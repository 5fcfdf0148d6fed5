from __future__ import annotations

import pytest

from voc_stream.alerts.explanation.groups import Group
from voc_stream.alerts.explanation.mix import find_mixes, main_mix
from voc_stream.alerts.explanation.reason import find_reason, mostly, reason_as_evidence


def group(dimension: str, value: str, now: tuple[int, float], before: tuple[int, float]) -> Group:
    """A group of so many scores with a mean, and with a standard deviation of 1."""

    def sums(number: int, mean: float) -> tuple[int, float, float]:
        return number, number * mean, number * (mean**2 + 1)

    return Group._make((dimension, value, *sums(*now), *sums(*before)))


SEGMENTS = [
    group("segment", "A", (40, 9.0), (900, 9.0)),
    group("segment", "B", (60, 7.0), (100, 7.0)),
]
"""Each is as content as ever; A gives 40 % of the answers instead of 90 %."""


def test_a_change_of_mix_is_the_whole_drop_where_nobody_fell() -> None:
    """By hand: 8.8 before, 7.8 now; 40 (8.8 - 9) + 60 (8.8 - 7) = 100 (8.8 - 7.8)."""
    [mix] = find_mixes(SEGMENTS)
    assert mix.share == pytest.approx(1)
    assert (mix.value, mix.scores_before, mix.scores) == ("A", 1000, 100)
    assert (mix.volume_before, mix.volume_now) == pytest.approx((0.9, 0.4))
    # Who happens to answer has variance .9 x .2^2 + .1 x 1.8^2 = .36 a score, times 100 + 10;
    # the means before have 50^2 / 900 + 50^2 / 100, times the variance within, 1000 / 998.
    variance = 0.36 * 110 + (50**2 / 900 + 50**2 / 100) * 1000 / 998
    assert mix.errors == pytest.approx(100 / variance**0.5)
    assert main_mix([mix]) == mix


def test_where_the_mix_changed_nobody_is_named() -> None:
    """Bea's customers were of A and are of B now: she seems to fall, and did nothing."""
    employees = [
        group("employee", "bea", (50, 7.0), (500, 9.0)),
        group("employee", "cal", (50, 8.6), (500, 8.6)),
    ]
    assert find_reason(employees).named is not None
    reason = find_reason([*SEGMENTS, *employees])
    assert reason.named is None
    evidence = reason_as_evidence(reason)
    assert (evidence["mix"], evidence["mix_share"], evidence["explained_by"]) == ("A", 1.0, None)
    assert mostly(evidence)[0].startswith(", mostly a change of mix: segment A 90 % → 40 %")


def test_a_mix_that_stays_explains_nothing() -> None:
    """All fall by a point, with the shares of before."""
    [mix] = find_mixes(
        [
            group("segment", "A", (90, 8.0), (900, 9.0)),
            group("segment", "B", (10, 6.0), (100, 7.0)),
        ]
    )
    assert mix.share == pytest.approx(0)
    assert main_mix([mix]) is None


def test_a_mix_of_a_few_answers_is_chance() -> None:
    """One of four answers happens to be of the less content tenth."""
    groups = [
        group("segment", "A", (3, 9.0), (900, 9.0)),
        group("segment", "B", (1, 7.0), (100, 7.0)),
    ]
    [mix] = find_mixes(groups)
    assert mix.share == pytest.approx(1)
    assert main_mix([mix]) is None


def test_scores_without_a_value_are_no_group_to_tell_of() -> None:
    """A dimension that nobody states has no mix."""
    assert find_mixes([group("segment", "", (40, 7.0), (400, 8.0))]) == []
