from __future__ import annotations

from datetime import timedelta

import pytest
from builders import START
from unit.domain.churn.signals.known import CALM, weights

INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("days", "before", "band"),
    [
        (0, None, "tenure_0d"),
        (90, "tenure_0d", "tenure_90d"),
        (365, "tenure_90d", "tenure_365d"),
        (730, "tenure_365d", "tenure_730d"),
    ],
)
def test_a_band_begins_where_the_one_before_ends(days: int, before: str | None, band: str) -> None:
    """A customer is in one band at any time, and in the last one for ever."""
    known, moment = CALM._replace(customer_since=START), START + timedelta(days=days)
    assert weights(known, moment) == {band: 1.0}
    assert [*weights(known, moment - INSTANT)] == [each for each in (before,) if each]


def test_nobody_has_a_tenure_of_whom_nobody_knows_it() -> None:
    """It is not guessed from the first event."""
    assert weights(CALM) == {}
