"""The sums of hours that are read for detectors, compared with sums added up one by one."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from builders import START

from voc_stream.domain.horizons import DAY, HOUR
from voc_stream.postgres.alerting.watching.detector_rows import Key
from voc_stream.postgres.alerting.watching.hours import read_hours
from voc_stream.postgres.alerting.watching.site_levels import (
    SLICE,
    read_differences,
    read_losses,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from integration.postgres.store import Store

    from voc_stream.postgres.session.cursor import Cursor

    Levels = dict[tuple[str, str], list[tuple[datetime, datetime, int]]]

SITES, EXPERIENCES = ("s-1", "s-2", "s-3"), ("overall", "service_time")
FIRST, LENGTH = START.replace(hour=0, minute=0, second=0, microsecond=0), 60
UNTIL = FIRST + LENGTH * HOUR


class Hour(NamedTuple):
    """What one site scored in one hour, in hundredths of a point."""

    site: str
    experience: str
    start: datetime
    n: int
    total: int
    squares: int


@pytest.fixture
def cursor(store: Store) -> Iterator[Cursor]:
    """A transaction of an evaluation."""
    store.copy_catalogue()
    with store.chores().transaction() as cursor:
        yield cursor


@pytest.fixture
def hours(cursor: Cursor) -> list[Hour]:
    """Hours of some sites, with gaps, and one that adds up to nothing."""
    draw = random.Random(20)
    found = [
        Hour(site, experience, FIRST + number * HOUR, n, n * mean, n * mean * mean + 7)
        for site in SITES
        for experience in EXPERIENCES
        for number in range(LENGTH)
        if (n := draw.randrange(4)) and (mean := draw.randrange(100, 1000))
    ]
    of_others = [
        ("department", 60, FIRST, "s-1", "overall", 5, 500, 50_000),
        ("site", 1440, FIRST, "s-1", "overall", 5, 500, 50_000),
        ("site", 60, FIRST, "s-1", "cleanliness", 5, 500, 50_000),
        ("site", 60, UNTIL, "s-1", "overall", 5, 500, 50_000),
        ("site", 60, FIRST - HOUR, "s-1", "overall", 5, 500, 50_000),
    ]
    rows = [("site", 60, each.start, each.site, each.experience, *each[3:]) for each in found]
    cursor.executemany(
        "INSERT INTO pane (scope_type, resolution, start, scope, experience, n, score_sum,"
        " score_sq_sum, expectation_n, expectation_sum, importance_n, importance_sum, top_n,"
        " bottom_n) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 0, 0, 0, 0, 0, 0)",
        rows + of_others,
    )
    return found


@pytest.fixture
def levels(cursor: Cursor) -> Levels:
    """Two levels of one key, one of others; of one key none."""
    found = {
        ("s-1", "overall"): [(FIRST, FIRST + DAY, 800), (FIRST + DAY, FIRST + 9 * DAY, 700)],
        ("s-2", "overall"): [(FIRST, FIRST + 9 * DAY, 650)],
        ("s-1", "service_time"): [(FIRST, FIRST + 9 * DAY, 900)],
        ("s-3", "service_time"): [(FIRST + DAY, FIRST + 9 * DAY, 500)],
    }
    cursor.executemany(
        "INSERT INTO site_level (site_id, experience, since, until, level)"
        " VALUES (%s, %s, %s, %s, %s)",
        [(*key, *level) for key, of_key in found.items() for level in of_key],
    )
    return found


def level_of(hour: Hour, levels: Levels) -> int | None:
    for since, until, level in levels.get((hour.site, hour.experience), ()):
        if since <= hour.start < until:
            return level
    return None


@pytest.mark.parametrize("skipped", [timedelta(0), SLICE / 2, SLICE])
def test_differences_are_added_up_over_all_slices(
    cursor: Cursor,
    hours: list[Hour],
    levels: Levels,
    skipped: timedelta,
) -> None:
    """Each hour counts once, at whatever hour reading begins; `until` does not count."""
    since = FIRST + skipped
    expected: dict[tuple[str, datetime], list[int]] = {}
    for hour in hours:
        level = level_of(hour, levels)
        if level is not None and hour.start >= since:
            sums = expected.setdefault((hour.experience, hour.start), [0, 0, 0])
            sums[0] += hour.n
            sums[1] += hour.total - hour.n * level
            sums[2] += hour.squares - 2 * level * hour.total + hour.n * level * level
    found = read_differences(cursor, EXPERIENCES, since, UNTIL)
    assert {
        (experience, each.moment): [
            each.number,
            round(100 * each.total),
            round(10_000 * each.squares),
        ]
        for experience, of_experience in found.items()
        for each in of_experience
    } == expected
    assert all(
        [each.moment for each in of_one] == sorted(each.moment for each in of_one)
        for of_one in found.values()
    )


def test_losses_are_read_over_all_slices(
    cursor: Cursor,
    hours: list[Hour],
    levels: Levels,
) -> None:
    """Each hour of each site that has a level is there once, in their order."""
    expected = [
        (hour.start, hour.site, (hour.n * level - hour.total) / 100)
        for hour in hours
        if hour.experience == "overall" and (level := level_of(hour, levels)) is not None
    ]
    assert read_losses(cursor, "overall", FIRST, UNTIL) == sorted(expected)


def test_keys_of_one_site_are_read_together(cursor: Cursor, hours: list[Hour]) -> None:
    """Each key has its own hours, from its own first one on; other keys of a site have none."""
    since = {
        Key("site", "s-1", "overall"): FIRST + 5 * HOUR,
        Key("site", "s-1", "service_time"): FIRST + 30 * HOUR,
        Key("site", "s-2", "overall"): FIRST,
    }
    found = read_hours(cursor, since, UNTIL)
    assert {
        key: [(each.moment, each.number, round(100 * each.total)) for each in of_key]
        for key, of_key in found.items()
    } == {
        key: sorted(
            (hour.start, hour.n, hour.total)
            for hour in hours
            if (hour.site, hour.experience) == key[1:] and hour.start >= begin
        )
        for key, begin in since.items()
    }
