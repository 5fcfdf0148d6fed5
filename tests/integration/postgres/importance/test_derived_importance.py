from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import answered_together, customer, messages, retraction
from integration.postgres.store import NOW

if TYPE_CHECKING:
    from integration.postgres.store import Store

TABLES = ("answer_product", "answer_band")


def test_importance_is_derived_beside_the_stated_one(store: Store) -> None:
    """Of one rating the weight is r squared; low scores cost more here than high ones bring."""
    events = answered_together()
    store.take_in(*events)
    assert store.chores().refresh(NOW)
    store.assert_as_expected(messages(events), names=TABLES)
    rows = store.ask(
        "SELECT scope_type, scope, n, weight, share, effect, importance, importance_n, is_hygiene"
        " FROM voc_bi.derived_importance WHERE experience = 'repair_quality' ORDER BY scope_type"
    )
    overall, quality = ([event["answers"][place]["score"] for event in events] for place in (0, 1))
    r_squared = float(np.corrcoef(overall, quality)[0, 1] ** 2)
    assert [(scope_type, scope) for scope_type, scope, *_ in rows] == [("all", ""), ("site", "s-1")]
    for _, _, n, weight, share, effect, importance, importance_n, is_hygiene in rows:
        assert (n, share, effect, importance, importance_n) == (120, 1.0, "hygiene", 9.0, 0)
        assert weight == pytest.approx(r_squared)
        assert is_hygiene is False


def test_too_few_answers_say_nothing(store: Store) -> None:
    """Below a hundred callbacks there is no row."""
    store.take_in(*answered_together(99))
    assert store.chores().refresh(NOW)
    assert store.ask("SELECT FROM derived_importance") == []


def test_products_follow_retractions_and_profiles(store: Store) -> None:
    """A retraction takes all pairs of a callback back; a new segment takes them along."""
    events = [
        *answered_together(6),
        customer("p-1", segment="gold"),
        customer("p-2", segment="silver"),
        retraction("x-1", "y-0", "y-4"),
    ]
    for event in events:
        store.take_in(event)
        assert store.chores().refresh(NOW)
    store.assert_as_expected(messages(events), names=TABLES)
    assert store.ask(
        "SELECT scope_type, scope, n FROM answer_product ORDER BY scope_type, scope"
    ) == [("all", "", 4), ("segment", "silver", 4), ("site", "s-1", 4)]
