from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import touchpoint
from integration.postgres.alerting.judged import EXPERIENCE, TODAY
from integration.postgres.alerting.judging import by_scope, judged

from voc_stream.alerts.levels import BELOW_EXPECTATION, ON_TIME_LOW, PROCESS_ITEM_MISSED

if TYPE_CHECKING:
    from builders import Event
    from integration.postgres.store import Store

SCORES = 30
LEVELS = (BELOW_EXPECTATION, ON_TIME_LOW, PROCESS_ITEM_MISSED)


def answers(stated: int, day: int = 1) -> list[Event]:
    """Scores of 7 and 9 in turn, of customers of whom so many stated that they expected 10."""
    moment = (TODAY - timedelta(days=day)).isoformat()
    common = {"occurred_at": moment, "experience": EXPERIENCE, "site_id": "s-1"}
    return [
        touchpoint(
            f"a-{number}",
            customer_id=f"u-{number}",
            score=7 + 2 * (number % 2),
            expectation=10 if number < stated else None,
            **common,
        )
        for number in range(SCORES)
    ]


@pytest.mark.parametrize(("stated", "is_below"), [(2, False), (SCORES, True)])
@pytest.mark.parametrize("day", [0, 1, 6])
def test_an_expectation_that_few_stated_proves_little(
    store: Store, stated: int, is_below: bool, day: int
) -> None:
    """A mean of 8 lies above the 7 of the catalogue, and below the 10 that customers expected.

    Two customers do not decide that, thirty do; on each of the seven days.
    """
    store.take_in(*answers(stated, day), now=TODAY)
    store.chores().refresh(TODAY)
    found = by_scope(judged(store, LEVELS, TODAY), BELOW_EXPECTATION)
    assert ("s-1" in found) is is_below
    if is_below:
        evidence = found["s-1"].evidence
        # Thirty who expect 10, and the catalogue's 7 as twenty customers.
        assert (evidence["n"], evidence["mean"], evidence["expectation"]) == (SCORES, 8.0, 8.8)
        assert (evidence["expectation_n"], evidence["importance_n"]) == (SCORES, 0)
