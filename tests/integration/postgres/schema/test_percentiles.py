"""Percentiles from counts, as the views compute them, against the sorted durations."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.settings import in_one_database

from voc_stream.domain.durations import EDGES, MIDDLES, SHARES
from voc_stream.postgres.schema.expressions.durations import bucket_sql, percentiles_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from integration.postgres.store import Store

MOST = 2**31 - 1
MOST_OFF = 0.025
DURATIONS = st.lists(st.integers(0, MOST) | st.integers(0, 100_000), min_size=1, max_size=200)
SHAPES: dict[str, Callable[[Random], float]] = {
    "log-normal": lambda random: random.lognormvariate(3, 1),
    "exponential": lambda random: random.expovariate(1 / 45),
    "bimodal": lambda random: random.gauss(*random.choice([(12, 2), (900, 60)])),
    "constant": lambda _: 37.0,
    "heavy-tailed": lambda random: 5 * random.paretovariate(1.1),
    "short": lambda random: random.expovariate(1 / 0.3),
    "closed at night": lambda random: random.uniform(5, 60) + 840 * (random.random() < 0.06),
}


def told(store: Store, steps: Iterable[tuple[int, int]]) -> list[float]:
    """How many durations are left, and their percentiles, after all are added or taken back."""
    values, weights = zip(*steps, strict=True)
    counts = (
        f"SELECT 1 AS one, {bucket_sql('value')} AS bucket, sum(weight) AS n"
        " FROM unnest(%s::int[], %s::int[]) AS u (value, weight) GROUP BY bucket"
        " HAVING sum(weight) <> 0"
    )
    ((_, *found),) = store.ask(percentiles_of(counts, "one"), list(values), list(weights))
    return [float(each) for each in found]


def nearest_ranks(values: list[int]) -> list[float]:
    """The values that so many percent of all do not exceed."""
    return [
        float(len(values)),
        *(sorted(values)[math.ceil(share * len(values) / 100) - 1] / 100 for share in SHARES),
    ]


@pytest.mark.parametrize("n", [1, 20, 333, 5_000])
def test_percentiles_are_right_for_any_shape(store: Store, n: int) -> None:
    """Within 3 % of the sorted durations, at 50, 90 and 95 percent."""
    for shape, draw in SHAPES.items():
        random = Random(f"{shape} {n}")
        values = [round(100 * max(0.0, draw(random))) for _ in range(n)]
        found = told(store, [(value, 1) for value in values])
        assert found == pytest.approx(nearest_ranks(values), rel=0.03, abs=1e-9), shape


@settings(in_one_database, max_examples=40)
@given(DURATIONS, DURATIONS, st.randoms(use_true_random=False))
def test_no_history_leaves_a_trace(
    store: Store, kept: list[int], gone: list[int], random: Random
) -> None:
    """Whatever was added and taken back, in any order, only what is left counts, within 2.5 %.

    So merges, corrections and windows that move on are exact.
    """
    steps = [(value, 1) for value in [*kept, *gone]] + [(value, -1) for value in gone]
    random.shuffle(steps)
    found = told(store, steps)
    assert found == told(store, [(value, 1) for value in kept])
    assert found == pytest.approx(nearest_ranks(kept), rel=MOST_OFF, abs=1e-9)


def test_buckets_are_what_the_page_says(store: Store) -> None:
    """A bucket is as wide as a twentieth of its lower edge, at least a hundredth of a minute."""
    edges = (*EDGES, MOST + 1)
    for low, high, middle in zip(edges[1:-1], edges[2:], MIDDLES[1:], strict=True):
        assert high - low == max(1, low // 20) or high == MOST + 1
        assert middle == pytest.approx((low + high - 1) / 200, rel=1e-6)
    asked = [value for low in EDGES for value in (low, low - 1) if value >= 0]
    found = store.ask(f"SELECT {bucket_sql('v')} FROM unnest(%s::int[]) v", [*asked, MOST])
    assert found == [(sum(edge <= value for edge in EDGES) - 1,) for value in [*asked, MOST]]


def test_nothing_has_no_percentile(store: Store) -> None:
    """No data has no row, and neither has what was taken back."""
    counts = "SELECT 1 AS one, 3 AS bucket, %s AS n WHERE %s"
    for n, is_there in ((0, True), (1, False)):
        assert store.ask(percentiles_of(counts, "one"), n, is_there) == []
