from __future__ import annotations

import math
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.detection.discoveries import believed, benjamini_hochberg

# The example of Benjamini and Hochberg 1995, section 3.2: fifteen p-values, of which the first four are rejected at 0.05.
PUBLISHED = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]


def test_the_published_example_is_reproduced() -> None:
    """In whatever order the values come."""
    assert benjamini_hochberg(PUBLISHED, 0.05) == [True] * 4 + [False] * 11
    shuffled = Random(1).sample(range(15), 15)
    assert [benjamini_hochberg([PUBLISHED[place] for place in shuffled], 0.05)[shuffled.index(place)] for place in range(15)] == [
        True
    ] * 4 + [False] * 11


def test_nothing_is_found_in_nothing() -> None:
    """No scopes, no discoveries."""
    assert benjamini_hochberg([], 0.05) == believed([]) == []


@given(st.lists(st.floats(-20, 5), min_size=1, max_size=30))
def test_who_is_above_the_threshold_is_believed_and_company_helps(margins: list[float]) -> None:
    """Whoever would be believed alone is; and whoever is believed beside others lies at most ln(their number) below the threshold."""
    found = believed(margins)
    for margin, is_believed in zip(margins, found, strict=True):
        if margin > 1e-9:
            assert is_believed
        if is_believed:
            assert margin >= -math.log(sum(found)) - 1e-9
