from __future__ import annotations

import numpy as np
import pytest
from benchmarks.explanation.trial import count
from benchmarks.explanation.worlds import ALL, LEAST_RIGHT, MIX, MOST_WRONG, ONE

RUNS = 40
SEED = 3


@pytest.mark.parametrize("a_day", [20, 240])
def test_a_change_of_mix_and_a_fall_of_all_seldom_name_an_innocent_group(a_day: int) -> None:
    """Quick version of `make bench-explanation`, with a fixed seed."""
    random = np.random.default_rng(SEED)
    mix, everybody = (count(world, a_day, RUNS, random) for world in (MIX, ALL))
    assert mix.innocent <= MOST_WRONG[MIX, a_day] * mix.drops
    assert mix.mixes >= 0.8 * mix.drops
    assert everybody.innocent <= MOST_WRONG[ALL, a_day] * everybody.drops
    assert everybody.mixes == 0


@pytest.mark.parametrize("a_day", [20, 240])
def test_the_guilty_employee_is_named(a_day: int) -> None:
    """Quick version of `make bench-explanation`, with a fixed seed."""
    found = count(ONE, a_day, RUNS, np.random.default_rng(SEED))
    assert found.guilty >= LEAST_RIGHT[ONE, a_day] * found.drops
    assert found.mixes == 0
