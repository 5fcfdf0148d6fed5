from __future__ import annotations

from datetime import datetime, timedelta

from builders import START
from unit.domain.churn.signals.known import CALM, TERMS, WINDOW, weights

from voc_stream.domain.churn.facts import OrderFacts
from voc_stream.domain.churn.signals import SIGNALS

INSTANT = timedelta(microseconds=1)
DUE = START + timedelta(days=3)


def delivered(
    order_id: str, due_at: datetime = DUE, followed_up_at: datetime | None = None
) -> OrderFacts:
    order = OrderFacts(order_id, START, None, None, None)
    return order._replace(follow_up_due_at=due_at, followed_up_at=followed_up_at)


def test_a_follow_up_is_missed_once_it_was_due() -> None:
    """Before that nothing is missed, and afterwards it is forgotten as a broken promise is."""
    known = CALM._replace(orders=[delivered("o-1")])
    (signal,) = [signal for signal in SIGNALS if signal.name == "missed_follow_up"]
    (course,) = signal.courses(known, TERMS)
    assert course.at(DUE - INSTANT) == (None, DUE)
    assert weights(known, DUE) == {"missed_follow_up": 1.0}
    assert weights(known, DUE + WINDOW / 2) == {"missed_follow_up": 0.5}
    assert weights(known, DUE + WINDOW) == {}


def test_the_order_whose_follow_up_is_due_last_decides() -> None:
    """Whoever was called after the latest visit does not mind about those before."""
    missed, made = delivered("o-1"), delivered("o-2", followed_up_at=START)
    assert weights(CALM._replace(orders=[made, missed]), DUE) == {}
    later = made._replace(follow_up_due_at=DUE - INSTANT)
    assert weights(CALM._replace(orders=[later, missed]), DUE) == {"missed_follow_up": 1.0}
