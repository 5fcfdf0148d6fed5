from __future__ import annotations

from datetime import timedelta
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from builders import message
from comparison import assert_tables_equal
from integration.postgres.alerting.judged import EXPERIENCE, FIRST_DAY, TODAY, Judged
from integration.postgres.store import CATALOGUE
from oracle import expected_tables
from oracle.overdispersion import phi_of_sites
from oracle.reading import read_events
from oracle.satisfaction import contributions

if TYPE_CHECKING:
    from builders import Event
    from integration.postgres.store import Store

SHORT, LONG = range(15, 28), range(28)
"""Thirteen days and four weeks: of fewer than two weeks nobody knows weekdays."""
MOODS = (-2, 0, 2, 0, -2, 2, 0, 0, 2, -2, 0, -2, 2)
"""By how many points the days of s-1 differ."""
BAD_WEEKDAY = -2
"""By how many points a day of each week is worse there, where weekdays are known."""


@pytest.mark.parametrize("days", [SHORT, LONG], ids=["short", "long"])
def test_intervals_in_views_are_wider_if_days_of_a_site_differ(store: Store, days: range) -> None:
    """Half-widths are multiplied by the root of phi, as the oracle computes it from the events.

    An hour's interval is of that hour: how days differ says nothing about it.
    """
    judged = Judged(store)
    events: list[Event] = []
    for day, mood in zip(days, cycle(MOODS), strict=False):
        for site in judged.sites:
            for number, score in enumerate(judged.usual(20)):
                moment = FIRST_DAY + timedelta(days=day, hours=8, minutes=30 * number)
                weekday = BAD_WEEKDAY * (days == LONG and day % 7 == 3)
                own = min(10, max(0, score + mood + weekday)) if site == "s-1" else score
                events.append(judged.event(moment, site, "ann", own))
    judged.take_in(events)
    found = {
        (scope_type, scope): phi
        for scope_type, scope, phi in store.ask("SELECT scope_type, scope, phi FROM detector")
    }
    values = [message(event) for event in events]
    read = read_events(values, CATALOGUE, TODAY)
    contributed = contributions(read, expected_tables(values, CATALOGUE, TODAY), CATALOGUE)
    made_at = store.one("SELECT DISTINCT made_at FROM detector WHERE scope_type = 'site'")
    naive = phi_of_sites((one for one in contributed if one.moment < made_at), {EXPERIENCE})
    assert naive["site", "s-1"] > 2
    assert {key: phi for key, phi in found.items() if key[0] == "site"} == pytest.approx(
        naive, rel=0.02
    )
    expected = expected_tables(values, CATALOGUE, TODAY, TODAY, phi=found)
    names = ("rolling_satisfaction", "complaint_iceberg")
    actual = store.tables()
    assert_tables_equal({name: expected[name] for name in names}, actual)
    rows = actual["rolling_satisfaction"]
    wide = rows["30d", "site", "s-1", EXPERIENCE]
    assert wide["phi"] == found["site", "s-1"]
    assert rows["7d", "employee", "ann", EXPERIENCE]["phi"] == 1
