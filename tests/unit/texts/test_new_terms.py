from __future__ import annotations

import random
from fractions import Fraction
from math import comb

import pytest

from voc_stream.texts.new_terms import binomial_tail, new_terms


@pytest.mark.parametrize("trials", [1, 2, 7, 60])
@pytest.mark.parametrize("share", [Fraction(1, 4), Fraction(1, 2), Fraction(99, 100)])
def test_the_tail_is_that_of_the_binomial(trials: int, share: Fraction) -> None:
    """Every count, against exact fractions."""
    for count in range(trials + 1):
        exact = sum(
            comb(trials, number) * share**number * (1 - share) ** (trials - number)
            for number in range(count, trials + 1)
        )
        assert binomial_tail(count, trials, float(share)) == pytest.approx(float(exact), rel=1e-11)


def test_many_trials_are_quick_and_right() -> None:
    """Half a million of a million: just over a half, as the middle term is."""
    assert binomial_tail(500_000, 1_000_000, 0.5) == pytest.approx(0.5 + 0.000398942, abs=1e-8)


def test_few_terms_are_called_new_if_nothing_changes() -> None:
    """Of 100 quiet months with 200 terms each, at most 5 in 100 call any term new, give or take."""
    chance = random.Random(1)
    wrong = 0
    for _ in range(100):
        said = {
            f"term {number}": (
                sum(chance.random() < 0.05 for _ in range(100)),
                sum(chance.random() < 0.05 for _ in range(300)),
            )
            for number in range(200)
        }
        wrong += any(one.is_new for one in new_terms(said, 100, 300).values())
    assert wrong <= 10


def test_without_a_quarter_before_nothing_is_new() -> None:
    """In the first months of a service every term would be."""
    assert new_terms({"late": (9, 0)}, 10, 0) == {}
