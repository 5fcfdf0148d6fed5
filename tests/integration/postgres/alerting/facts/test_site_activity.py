from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import repair_step, touchpoint
from integration.postgres.store import NOW

from voc_stream.catalogue.load import load_catalogue
from voc_stream.postgres.alerting.facts.site_activity import (
    MERGED_WITHIN,
    READ_ALL_EVERY,
    SiteActivity,
)

if TYPE_CHECKING:
    from builders import Event
    from integration.postgres.store import Store

MINUTE = timedelta(minutes=1)


def finished(number: int, at: datetime, site_id: str = "s-1") -> list[Event]:
    """An order that leaves the wash."""
    fields = {"order_id": f"o-{number}", "stage": "wash", "site_id": site_id}
    return [
        repair_step(f"r-{number}-1", **fields, occurred_at=(at - 10 * MINUTE).isoformat()),
        repair_step(f"r-{number}-2", **fields, edge="exit", occurred_at=at.isoformat()),
    ]


def take_in(store: Store, *events: Event, now: datetime = NOW) -> None:
    store.take_in(*events, now=now)
    store.chores().refresh(now)


def until(
    store: Store, activity: SiteActivity, now: datetime = NOW, schema: str = "voc"
) -> dict[str, list[datetime]]:
    with closing(
        psycopg2.connect(store.url, options=f"-c search_path={schema} -c timezone=UTC")
    ) as connection:
        return {
            site_id: list(starts)
            for site_id, starts in activity.until(
                connection.cursor(), load_catalogue(), now
            ).items()
        }


def test_a_site_is_at_work_when_an_order_leaves_a_stage(store: Store) -> None:
    """By panes of five minutes, ascending.

    Customers who say something at night do not open the shop.
    """
    said = touchpoint("t-1", occurred_at=(NOW - 60 * MINUTE).isoformat())
    take_in(
        store,
        *finished(1, NOW - 2 * MINUTE),
        *finished(2, NOW - 33 * MINUTE),
        *finished(3, NOW - 34 * MINUTE, "s-2"),
        said,
    )
    assert until(store, SiteActivity()) == {
        "s-1": [NOW - 35 * MINUTE, NOW - 5 * MINUTE],
        "s-2": [NOW - 35 * MINUTE],
    }


def test_nothing_is_known_of_empty_tables(store: Store) -> None:
    """No data is no activity, the first time and later."""
    activity = SiteActivity()
    assert until(store, activity) == {}
    assert until(store, activity, NOW + MINUTE) == {}


def test_new_panes_are_added(store: Store) -> None:
    """Once each, however often the same ones are read."""
    activity = SiteActivity()
    take_in(store, *finished(1, NOW - 2 * MINUTE))
    assert until(store, activity) == until(store, activity) == {"s-1": [NOW - 5 * MINUTE]}
    later = NOW + 4 * MINUTE
    take_in(store, *finished(2, later - MINUTE), now=later)
    assert until(store, activity, later) == {"s-1": [NOW - 5 * MINUTE, NOW]}


def test_what_is_late_is_found_within_the_hour(store: Store) -> None:
    """Between the hours only what is new is read; a clock that was set back reads all, too."""
    activity, late = SiteActivity(), NOW - 3 * MERGED_WITHIN
    take_in(store, *finished(1, NOW - 2 * MINUTE))
    until(store, activity)
    take_in(store, *finished(2, late))
    assert len(until(store, activity, NOW + READ_ALL_EVERY - MINUTE)["s-1"]) == 1
    assert until(store, activity, NOW + READ_ALL_EVERY) == {"s-1": [late, NOW - 5 * MINUTE]}
    take_in(store, *finished(3, late - 10 * MINUTE))
    assert len(until(store, activity, NOW)["s-1"]) == 3


def test_a_read_that_fails_makes_nothing_unknown(store: Store) -> None:
    """One fault of the database does not leave the rule about stuck orders blind.

    Else it would be blind until all is read again, an hour later.
    """
    activity = SiteActivity()
    take_in(store, *finished(1, NOW - 33 * MINUTE))
    known = until(store, activity)
    for now in (NOW + READ_ALL_EVERY, NOW + READ_ALL_EVERY + MINUTE):
        with pytest.raises(psycopg2.errors.UndefinedTable):
            until(store, activity, now, schema="elsewhere")
        assert until(store, activity, now) == known == {"s-1": [NOW - 35 * MINUTE]}
