"""The detectors are told of settled hours that change, and of no others."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import START
from integration.postgres.alerting.judged import EXPERIENCE, TODAY, Judged
from integration.postgres.alerting.judging import reading
from integration.postgres.garage import LATER, Garage, declaration, text_of, visit

from voc_stream.postgres.alerting.watching.hours import read_open_hours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from integration.postgres.store import Store

NOTED = "SELECT site_id, hour FROM late_hour WHERE experience = %s ORDER BY 1, 2"
TOLD = ["came_back"]


@pytest.fixture
def garage(shared_database: str, tmp_path: Path) -> Iterator[Garage]:
    key = declaration("came_back", "visit", "delivered", 30, "no").replace(
        'kind = "share"', 'kind = "share"\nkey = true'
    )
    with Garage(shared_database, tmp_path, text_of() + key) as opened:
        opened.clear()
        yield opened


def test_what_comes_in_time_is_not_noted(store: Store) -> None:
    """The open hour and the one before are read by every evaluation: the hot path writes nothing.

    An hour that was settled is noted, with the earliest change of each site and experience.
    """
    judged = Judged(store, sites=("s-1",))
    now = TODAY + timedelta(hours=10, minutes=20)
    for minutes, noted in ((5, []), (79, []), (81, [9 - 1]), (300, [5])):
        moment = now - timedelta(minutes=minutes)
        events = [judged.event(moment, "s-1", "ann", 8), judged.event(now, "s-1", "ann", 8)]
        store.take_in(*events, sink=judged.sink, now=now)
        judged.chores.refresh(now)
        assert store.ask(NOTED, EXPERIENCE) == [
            ("s-1", TODAY + timedelta(hours=hour)) for hour in noted
        ]
        store.ask("DELETE FROM late_hour")


def test_detectors_hear_of_what_is_due_when_it_is_due(garage: Garage) -> None:
    """A visit within the days is no fall in scores: nobody has heard that there was none."""
    chores = garage.chores()

    def heard(as_of: timedelta) -> int:
        now = START + as_of
        chores.refresh(now)
        with reading(garage) as cursor:
            found = read_open_hours(cursor, TOLD, START - timedelta(days=1), now)
        return sum(hour.number for hours in found.values() for hour in hours)

    garage.take_in(*visit("o-1", 0), now=LATER)
    for days, order_id in ((1, "o-2"), (29, "o-3")):
        assert heard(timedelta(days=days)) == 0
        garage.take_in(*visit(order_id, days), now=LATER)
    assert heard(timedelta(days=30, hours=2, minutes=59)) == 0
    assert heard(timedelta(days=30, hours=3, minutes=1)) == 1
    assert heard(timedelta(days=30, hours=5)) == 1
    assert heard(timedelta(days=31, hours=3, minutes=1)) == 2
    assert garage.ask("SELECT FROM late_hour") == []
