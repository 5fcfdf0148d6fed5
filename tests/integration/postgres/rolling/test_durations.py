"""Percentiles of durations, late, corrected and taken back, are those of the sorted durations."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from builders import CATALOGUE_PATH, START, at, messages, repair_step, retraction
from comparison import assert_tables_equal, read_tables
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, Store, send
from oracle import expected_tables

from voc_stream.catalogue.load import load_catalogue
from voc_stream.postgres.corrections.rebuild import rebuild

if TYPE_CHECKING:
    from pathlib import Path

    from builders import Event

VIEWS = ("duration_daily", "duration_rolling")
ZONES = """
[calendar]
time_zone = "Asia/Shanghai"

[site.s-2]
time_zone = "America/New_York"
"""


def orders(random: Random, count: int) -> list[Event]:
    """Orders in the wash, over eleven days, for a time that is mostly short and sometimes long."""
    events = []
    for number in range(count):
        entered = timedelta(minutes=random.uniform(0, 11 * 1440))
        left = entered + timedelta(minutes=random.lognormvariate(3, 1.5))
        for edge, moment in (("enter", entered), ("exit", left)):
            events.append(
                repair_step(
                    f"r-{number}-{edge}",
                    order_id=f"o-{number}",
                    site_id=f"s-{number % 3}",
                    stage="wash",
                    edge=edge,
                    occurred_at=(START + timedelta(days=17) + moment).isoformat(),
                )
            )
    return events


def test_percentiles_are_those_of_the_sorted_durations(store: Store, tmp_path: Path) -> None:
    """By day and over days, in each site's own days.

    Events come shuffled among batches, exits are told again later, and some are taken back.
    """
    path = tmp_path / "catalogue.toml"
    path.write_text(CATALOGUE_PATH.read_text(encoding="utf-8") + ZONES, encoding="utf-8")
    toml = tomllib.loads(path.read_text(encoding="utf-8"))
    random = Random("durations")
    events = [*orders(random, 120), *crowd(60)]
    later = [
        {**event, "event_id": f"again-{event['event_id']}", "occurred_at": at(days=28, hours=3)}
        for event in events[1:60:12]
    ]
    events += [*later, retraction("x-1", *[f"r-{number}-exit" for number in range(5, 120, 9)])]
    random.shuffle(events)
    values = messages(events)
    with Store(store.url, load_catalogue(path)) as local:
        sink, chores = local.sink(0), local.chores()
        for first in range(0, len(values), 60):
            send(sink, values[first : first + 60])
            chores.refresh(NOW)
        chores.take_back(NOW)
        chores.move_histories()
        chores.refresh(NOW)
        expected = expected_tables(values, toml, NOW)
        wanted = {name: expected[name] for name in VIEWS}
        assert all(len(table) > 10 for table in wanted.values())
        assert_tables_equal(wanted, read_tables(local.url, wanted))
        report = rebuild(local.url, local.catalogue, lambda _done, _of: None)
        assert [table for table in report.tables if table.differing] == []


def test_what_is_taken_back_leaves_no_row(store: Store) -> None:
    """A bucket without durations is no row: the table does not grow with corrections."""
    enter, leave = (
        repair_step(f"r-{edge}", stage="wash", edge=edge, occurred_at=at(minutes=minutes))
        for edge, minutes in (("enter", 0), ("exit", 12))
    )
    store.take_in(enter, leave)
    chores = store.chores()
    chores.refresh(NOW)
    assert store.ask("SELECT experience, n FROM duration_count") == [("stage_minutes.wash", 1)]
    store.take_in(retraction("x-1", "r-exit"))
    chores.take_back(NOW)
    chores.refresh(NOW)
    assert store.ask("SELECT * FROM duration_count") == []
    assert store.ask("SELECT * FROM duration_rolling") == []
