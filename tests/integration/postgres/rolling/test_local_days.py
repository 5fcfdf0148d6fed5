"""Days of the cube are those of the site."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from builders import CATALOGUE_PATH, messages, touchpoint
from comparison import assert_tables_equal, read_tables
from integration.postgres.alerting.judging import reading
from integration.postgres.store import NOW, Store, send
from msgspec.structs import replace
from oracle import expected_tables

from voc_stream.catalogue.calendar import SiteCalendar
from voc_stream.catalogue.load import load_catalogue
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.corrections.rebuild import rebuild
from voc_stream.postgres.rolling.catalogue_copy import copy_catalogue

if TYPE_CHECKING:
    from pathlib import Path

ZONES = """
[calendar]
time_zone = "Asia/Shanghai"

[site.berlin]
time_zone = "Europe/Berlin"

[site."new york"]
time_zone = "America/New_York"
"""
# The clocks change in New York on 9 March and in Berlin on 30 March 2025.
NIGHTS = [
    datetime.fromisoformat(f"2025-03-{day}T{hour}:30:00+00:00")
    for day in ("08", "09", "10", "28")
    for hour in ("03", "04", "05", "15", "16", "22", "23")
]


def path_of(tmp_path: Path, more: str) -> Path:
    path = tmp_path / "catalogue.toml"
    path.write_text(CATALOGUE_PATH.read_text(encoding="utf-8") + more, encoding="utf-8")
    return path


def assert_days_are_the_oracles(store: Store, values: list[bytes], path: Path) -> None:
    toml = tomllib.loads(path.read_text(encoding="utf-8"))
    expected = {"experience_daily": expected_tables(values, toml, NOW)["experience_daily"]}
    assert_tables_equal(expected, read_tables(store.url, expected))


def test_a_contribution_counts_on_the_day_of_its_site(store: Store, tmp_path: Path) -> None:
    """07:30 in Shanghai on its own day, nights of the clocks' changes too."""
    path = path_of(tmp_path, ZONES)
    sites = ("shanghai", "berlin", "new york")
    events = [
        touchpoint(f"{site[0]}-{number}", site_id=site, occurred_at=night.isoformat())
        for site in sites
        for number, night in enumerate(NIGHTS)
    ]
    morning = touchpoint("m", site_id="shanghai", occurred_at="2025-03-20T07:30:00+08:00")
    values = messages([*events, morning])
    with Store(store.url, load_catalogue(path)) as local:
        chores = local.chores()
        chores.refresh(NOW)
        sink = local.sink(0)
        send(sink, values[:40])
        chores.refresh(NOW - timedelta(hours=1))
        send(sink, values[40:])
        chores.refresh(NOW)
        assert_days_are_the_oracles(local, values, path)
        assert local.ask(
            "SELECT day FROM experience_daily WHERE site_id = 'shanghai' AND day > '2025-03-11' AND"
            " day < '2025-03-28'"
        ) == [(date(2025, 3, 20),)]


def test_another_time_zone_is_taken_over_by_rebuild(store: Store, tmp_path: Path) -> None:
    """What was counted on days of UTC is then counted on days of the site.

    After that nothing differs.
    """
    values = messages(
        [
            touchpoint(f"t-{number}", site_id="s-1", occurred_at=night.isoformat())
            for number, night in enumerate(NIGHTS)
        ]
    )
    send(store.sink(0), values)
    store.chores().refresh(NOW)
    path = path_of(tmp_path, '\n[site."s-1"]\ntime_zone = "Asia/Shanghai"\n')
    with Store(store.url, load_catalogue(path)) as local:
        first, second = (
            rebuild(store.url, local.catalogue, lambda *_: None).differing for _ in range(2)
        )
        assert_days_are_the_oracles(local, values, path)
    assert first > 0
    assert second == 0


def test_one_time_zone_for_all_needs_no_site(store: Store, tmp_path: Path) -> None:
    """A group in one zone: its sites need not be named, and a value without a site has the same."""
    path = path_of(tmp_path, '\n[calendar]\ntime_zone = "Asia/Shanghai"\n')
    values = messages(
        [
            touchpoint(f"t-{number}", site_id=f"s-{number % 3}", occurred_at=night.isoformat())
            for number, night in enumerate(NIGHTS)
        ]
    )
    with Store(store.url, load_catalogue(path)) as local:
        local.chores().refresh(NOW)
        send(local.sink(0), values)
        local.chores().refresh(NOW)
        assert_days_are_the_oracles(local, values, path)


def test_a_time_zone_that_only_python_knows_is_named(store: Store) -> None:
    """Before anything is counted by it, and not in each refresh."""
    catalogue = replace(store.catalogue, calendar=SiteCalendar(time_zone="Mars/Olympus"))
    with (
        reading(store) as cursor,
        pytest.raises(StoreUnavailableError, match="does not know the time zone Mars/Olympus of"),
    ):
        copy_catalogue(cursor, catalogue)
