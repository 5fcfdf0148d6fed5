from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from benchmarks.churn_order import AS_OF, BEGIN, FILE, compare, measured, read_visits
from hypothesis import given
from hypothesis import strategies as st
from real_data import DATA, needs

if TYPE_CHECKING:
    from pathlib import Path

RISKS = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=4, max_size=30).filter(
    lambda each: 1 < sum(left for _, left in each) < len(each) - 1
)


@given(RISKS)
def test_the_auc_counts_pairs(customers: list[tuple[int, bool]]) -> None:
    """Of each who left and each who stayed: who has the greater risk; equals count half."""
    risks, has_left = zip(*customers, strict=True)
    gone = [risk for risk, left in customers if left]
    there = [risk for risk, left in customers if not left]
    pairs = [(a > b) + (a == b) / 2 for a in gone for b in there]
    found = compare(risks, risks, has_left)
    assert found.before.value == pytest.approx(sum(pairs) / len(pairs))
    assert found.after == found.before
    assert found.gain == (0, 0, 0)


def test_an_interval_is_that_of_delong() -> None:
    """Two of three placements of those who left are 1, one is a half; the others' are 5/6 and 5/6.

    Their variances are 1/12 and 0, over three and two customers.
    """
    found = compare([1, 1, 2, 3, 1], [0, 0, 0, 0, 0], [False, False, True, True, True])
    assert found.before.value == pytest.approx(5 / 6)
    assert found.before.high - found.before.value == pytest.approx(1.959964 * (1 / 36) ** 0.5)


def test_a_call_in_vain_hides_the_silence_no_more(tmp_path: Path) -> None:
    """Played with customers half of whom come again and again, the others once."""
    path = tmp_path / FILE
    days = [(n, (0,) if n % 2 else (0, 200, 300)) for n in range(40)]
    path.write_text(
        "".join(
            f" {n:05} {n:04} {BEGIN + timedelta(days=day):%Y%m%d}  1   9.99\n"
            for n, theirs in days
            for day in theirs
        ),
        encoding="utf-8",
    )
    customers, left, found = measured(read_visits(path))
    assert (customers, left, BEGIN + timedelta(days=273)) == (40, 20, AS_OF)
    assert [each.after.value for each in found.values()] == [1.0, 1.0, 1.0]
    before = [each.before.value for each in found.values()]
    assert before[0] == 1.0
    assert 0.5 < before[1] < 1.0
    assert before[2] == 0.5


@needs(FILE)
def test_real_customers_are_ordered_better() -> None:
    """With whoever is called in vain or exported, by more than chance explains."""
    _, _, found = measured(read_visits(DATA / FILE))
    nothing, called, exported = found.values()
    assert nothing.after.low > 0.7
    assert called.gain.low > 0.05
    assert exported.gain.low > 0.15
