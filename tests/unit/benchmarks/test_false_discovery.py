from __future__ import annotations

import math

from benchmarks.detection.false_discovery import believe
from hypothesis import given
from hypothesis import strategies as st


def test_nothing_is_found_in_nothing() -> None:
    """No scopes, no discoveries."""
    assert believe([]) == []


@given(st.lists(st.floats(-20, 5), min_size=1, max_size=30))
def test_who_is_above_the_threshold_is_believed_and_company_helps(margins: list[float]) -> None:
    """Whoever would be believed alone is.

    And whoever is believed beside others lies at most ln(their number) below the threshold.
    """
    found = believe(margins)
    for margin, is_believed in zip(margins, found, strict=True):
        if margin > 1e-9:
            assert is_believed
        if is_believed:
            assert margin >= -math.log(sum(found)) - 1e-9
