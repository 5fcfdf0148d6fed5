"""Minutes of stages in which the site was open, beside those on the clock."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import (
    START,
    complaint,
    event_lists,
    messages,
    repair_step,
    retraction,
    touchpoint,
)
from comparison import KEYS, assert_tables_equal, read_tables
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.settings import in_one_database
from integration.postgres.store import NOW, Store, send
from integration.postgres.with_hours import CALENDAR, write
from oracle import expected_tables

from voc_stream.catalogue.load import load_catalogue
from voc_stream.postgres.corrections.rebuild import rebuild

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from builders import Event


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path, CALENDAR)


@pytest.fixture
def local(store: Store, path: Path) -> Iterator[Store]:
    with Store(store.url, load_catalogue(path)) as opened:
        yield opened


def assert_is_the_oracles(store: Store, path: Path, values: Sequence[bytes]) -> None:
    toml = tomllib.loads(path.read_text(encoding="utf-8"))
    expected = expected_tables(values, toml, NOW, NOW)
    names = [name for name in KEYS if name != "churn_risk"]
    assert_tables_equal(
        {name: expected[name] for name in names if name in expected}, read_tables(store.url, names)
    )


def overnight() -> list[Event]:
    """Dispatched at 17:50 in Shanghai, taken up 821 minutes later."""
    start = START.replace(day=4, hour=9, minute=50)
    return [
        repair_step("d-1", stage="dispatch", occurred_at=start.isoformat()),
        repair_step(
            "d-2",
            stage="dispatch",
            edge="exit",
            occurred_at=(start + timedelta(minutes=821)).isoformat(),
        ),
    ]


def test_an_overnight_dispatch_counts_the_minutes_in_which_the_site_was_open(
    local: Store, path: Path
) -> None:
    """821 minutes on the clock, of which 10 before the site closed: both stand side by side."""
    values = messages(overnight())
    send(local.sink(0), values)
    local.chores().refresh(NOW)
    assert local.ask("SELECT minutes, opening_minutes FROM repair_stage") == [(821.0, 10.0)]
    assert_is_the_oracles(local, path, values)


def test_another_site_is_another_calendar(local: Store, path: Path) -> None:
    """The site that is stated latest counts, for stages that ended long before as well."""
    moved = touchpoint("t", site_id="s-2", order_id="o-1", occurred_at=START.isoformat())
    values = messages([*overnight(), moved])
    sink = local.sink(0)
    for value in values:
        send(sink, [value])
    later = repair_step("d-3", stage="work", site_id="s-2", occurred_at=NOW.isoformat())
    values += messages([later])
    send(sink, values[-1:])
    local.chores().refresh(NOW)
    assert local.one("SELECT opening_minutes FROM repair_stage WHERE stage = 'dispatch'") == 430
    assert_is_the_oracles(local, path, values)


def test_a_complaint_of_saturday_waits_for_monday(local: Store, path: Path) -> None:
    """Opened on Saturday noon, resolved on Monday at 08:30: 2,670 minutes on the clock, 30 open."""
    saturday = START.replace(day=8, hour=4)
    steps = [
        complaint("k-1", occurred_at=saturday.isoformat()),
        complaint(
            "k-2",
            action="resolved",
            occurred_at=(saturday + timedelta(minutes=2670)).isoformat(),
        ),
    ]
    values = messages(steps)
    sink = local.sink(0)
    for value in reversed(values):
        send(sink, [value])
    local.chores().refresh(NOW)
    columns = "minutes_to_resolve, opening_minutes_to_resolve"
    assert local.ask(f"SELECT {columns} FROM complaint") == [(2670.0, 30.0)]
    measured = dict(
        local.ask(
            "SELECT experience, experience_mean FROM rolling_satisfaction"
            " WHERE horizon = '90d' AND scope_type = 'site' AND experience LIKE 'complaint%%'"
        )
    )
    assert measured == {
        "complaint_minutes_to_acknowledge": 2670,
        "complaint_minutes_to_resolve": 2670,
        "complaint_opening_minutes_to_acknowledge": 30,
        "complaint_opening_minutes_to_resolve": 30,
        "complaint_acknowledged_in_time": 10,  # of the 1440 minutes, 30 were used up
        "complaint_resolved_in_time": 10,
    }
    assert_is_the_oracles(local, path, values)


def test_without_opening_hours_there_are_none(store: Store) -> None:
    """No data is NULL, and neither 0 nor the minutes on the clock."""
    send(store.sink(0), messages(overnight()))
    assert store.ask("SELECT minutes, opening_minutes FROM repair_stage") == [(821.0, None)]


def test_a_holiday_added_late_restates_exactly(store: Store, tmp_path: Path) -> None:
    """`rebuild` gives what a catalogue that knew the holiday from the start would have given."""
    values = messages(overnight())
    for number, calendar in enumerate((CALENDAR, CALENDAR.replace("[site", LATE, 1))):
        path = write(tmp_path, calendar)
        with Store(store.url, load_catalogue(path)) as local:
            if number == 0:
                send(local.sink(0), values)
                local.chores().refresh(NOW)
            found = [rebuild(store.url, local.catalogue, lambda *_: None) for _ in range(2)]
            assert [bool(report.differing) for report in found] == [bool(number), False]
            assert_is_the_oracles(local, path, values)
    assert store.one("SELECT opening_minutes FROM repair_stage") == 0


LATE = 'holidays = ["2025-03-04"]\n\n[site'


@settings(in_one_database, max_examples=15)
@given(st.data(), event_lists(24, min_size=1))
def test_any_way_to_the_same_events_ends_in_the_same_opening_minutes(
    local: Store, path: Path, data: st.DataObject, events: list[Event]
) -> None:
    """Events in any order and batches, some taken back, refreshed in between."""
    local.clear()
    taken = data.draw(st.lists(st.sampled_from(events), max_size=2, unique_by=id), "taken back")
    more = [retraction(f"x-{n}", one["event_id"]) for n, one in enumerate(taken)]
    values = data.draw(st.permutations(messages([*events, *more])), "log")
    log, sink, chores = list(values), local.sink(0), local.chores()
    while log:
        size = data.draw(st.integers(1, len(log)), "size")
        send(sink, log[:size])
        log = log[size:]
        if data.draw(st.booleans(), "refresh"):
            chores.refresh(START)
    chores.refresh(NOW)
    assert_is_the_oracles(local, path, values)
