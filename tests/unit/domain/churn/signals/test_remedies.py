from __future__ import annotations

from datetime import timedelta

from builders import START, at, complaint
from unit.domain.churn.signals.known import WINDOW, told, weights


def test_a_complaint_about_the_price_counts_by_its_latest_step() -> None:
    """The catalogue says which experiences are about the price; all others are not."""
    steps = (
        complaint("k-3", category="speed", occurred_at=at(days=-1)),
        complaint("k-2", category="price", occurred_at=at(days=-30)),
        complaint("k-1", category="price", occurred_at=at(days=-90)),
    )
    assert weights(told(*steps))["price_complaint"] == 5 / 6
    assert "price_complaint" not in weights(told(steps[0], complaint("k-4")))
    assert "price_complaint" not in weights(told(*steps), START + WINDOW)


def test_nothing_is_no_compensation() -> None:
    """An amount of 0 says that nothing was given."""
    given = complaint("k-1", action="resolved", compensation=0.5, occurred_at=at(days=-60))
    nothing = complaint("k-2", action="resolved", compensation=0)
    assert "compensation" not in weights(told(nothing))
    assert weights(told(nothing, given))["compensation"] == 4 / 6
    assert "compensation" not in weights(told(given), START + timedelta(days=120))
