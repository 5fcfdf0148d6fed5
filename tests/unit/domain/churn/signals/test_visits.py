from __future__ import annotations

import pytest
from unit.domain.churn.signals.known import CALM, weights


@pytest.mark.parametrize(
    ("visits", "band"),
    [
        (1, "visits_1"),
        (2, "visits_2"),
        (3, "visits_2"),
        (4, "visits_4"),
        (7, "visits_4"),
        (8, "visits_8"),
    ],
)
def test_each_number_of_visits_lies_in_one_band(visits: int, band: str) -> None:
    """Bands meet without a gap, and never fade."""
    assert weights(CALM._replace(visits=visits)) == {band: 1.0}


def test_who_never_came_has_no_band() -> None:
    """Nobody knows whether a customer without an order is a customer at all."""
    assert weights(CALM) == {}
