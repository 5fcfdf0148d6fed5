from __future__ import annotations

import numpy as np
import pytest
from benchmarks.explanation.bound import best_power, everybody_instead
from benchmarks.explanation.trial import count, told_of
from benchmarks.explanation.worlds import ALL, LEAST_RIGHT, MIX, MOST_WRONG, ONE

from voc_stream.domain.statistics import wilson_interval

RUNS = 40
"""So few tell a promise from one that is missed by far; `make bench-explanation` runs more."""
SEED = 3


@pytest.mark.parametrize("a_day", [20, 240])
def test_a_change_of_mix_and_a_fall_of_all_seldom_name_an_innocent_group(a_day: int) -> None:
    """No more often than promised, as far as a few runs with a fixed seed can tell."""
    random = np.random.default_rng(SEED)
    mix, everybody = (count(world, told_of(world, a_day, RUNS, random)) for world in (MIX, ALL))
    assert mix.drops == everybody.drops == RUNS
    assert wilson_interval(mix.innocent, RUNS)[0] <= MOST_WRONG[MIX, a_day]
    assert wilson_interval(everybody.innocent, RUNS)[0] <= MOST_WRONG[ALL, a_day]
    assert mix.mixes > 0.7 * RUNS
    assert everybody.mixes == 0


@pytest.mark.parametrize("a_day", [20, 240])
def test_the_guilty_employee_is_named(a_day: int) -> None:
    """No less often than promised, as far as a few runs with a fixed seed can tell."""
    found = count(ONE, told_of(ONE, a_day, RUNS, np.random.default_rng(SEED)))
    assert found.drops == RUNS
    assert wilson_interval(found.guilty, RUNS)[1] >= LEAST_RIGHT[ONE, a_day]
    assert found.innocent == found.mixes == 0


def test_nobody_can_name_the_guilty_one_more_often_than_the_bound_says() -> None:
    """Two employees of twenty answers a day: not even who knows all about them is always sure."""
    world, random = ONE._replace(employees=2, guilty_falls=2.4), np.random.default_rng(SEED)
    told = told_of(world, 20, RUNS, random)
    innocent = told_of(everybody_instead(world), 20, RUNS, random)
    bound = best_power(world, told, innocent, MOST_WRONG[ALL, 20])
    assert 0.5 < count(world, told).guilty / RUNS <= bound + 1.96 * (0.25 / RUNS) ** 0.5
