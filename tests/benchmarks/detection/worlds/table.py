"""The worlds, and the table of what our detector does in each."""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.detection.trial import interval
from benchmarks.detection.worlds.answers import Answers
from benchmarks.detection.worlds.arrival import a_week_late, in_turn, newest_first, nightly
from benchmarks.detection.worlds.bound import bound
from benchmarks.detection.worlds.effects import (
    DAYS_A_WEEK,
    OPEN_HOURS,
    Common,
    DayShocks,
    OwnWeekdays,
    Season,
    Staff,
)
from benchmarks.detection.worlds.evaluator import KEYS_IN_ALL
from benchmarks.detection.worlds.history import Size, World
from benchmarks.detection.worlds.measure import PAST_DAYS, Measured, measure

from voc_stream.domain.statistics import NORMAL_975
from voc_stream.published.markdown import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.detection.world import Numbers

    from voc_stream.alerts.detection.distribution import Distribution

INDEPENDENT = World("independent answers")
WORLDS = (
    INDEPENDENT,
    World("weekdays and hours differ, alike at all sites", [Common(0.2)]),
    World("each site has its own weekdays, 0.2", [OwnWeekdays(0.2)]),
    World("each site has its own weekdays, 0.4", [OwnWeekdays(0.4)]),
    World("days of a site differ, 0.1", [DayShocks(0.1)]),
    World("days of a site differ, 0.2", [DayShocks(0.2)]),
    World("the same, correlated by 0.7", [DayShocks(0.2, 0.7)]),
    World("three of five employees on duty, 0.4", [Staff(0.4)]),
    World("a season of 0.3 up and down", [Season(0.3)]),
    World(
        "all of these, and employees leave",
        [Common(0.2), OwnWeekdays(0.2), DayShocks(0.2, 0.7), Staff(0.4, 730.0), Season(0.3)],
    ),
    World("every fifth site has 10 % more zeros", zeros=0.1),
    World("new sites, 0.5 below the others", new_sites=12, new_site_offset=-0.5),
    World("new sites, at first 0.5 above their level", new_sites=12, new_site_level=0.5),
    World("holidays: closed, and busy around them", holidays=True),
    World("uploads in the night", arrival=nightly),
    World("uploads of a week, one site after the other", arrival=in_turn),
    World("uploads of a week, the newest day first", arrival=newest_first),
    World("a third of the sites a week late", arrival=a_week_late),
)
VOLUMES = (20, 240)
"""Answers of a key a day."""
MANY = 100
"""From so many answers a day on, an hour tells something."""
SITES, EXPERIENCES, WEEKS_A_YEAR = 50, 8, 52
SECTION = "detection-worlds"
DROP = 1.0
DROPS = (0.5, 1.0, 2.0, 3.0)
"""Points: the drop that is looked for in all worlds, and those with independent answers."""
HEADER = (
    *("what is at work", "answers a day", "false alarms a week over 6,000 keys"),
    *("of these at all sites", "not borne out"),
    *("drop, points", "open hours until half are found", "bound"),
)
_LONGEST_WAIT = {0.5: 84, 1.0: 56, 2.0: 28, 3.0: 28}
"""Days that a drop is waited for."""


class Cell(NamedTuple):
    """One run of one world.

    Attributes:
        world: its place in `WORLDS`.
        a_day: answers of a key a day.
        weeks: how long it is watched, at least.
        shape: how people answer.
        seed: of chance.
    """

    world: int
    a_day: int
    weeks: int
    shape: Distribution
    seed: int


def run(cell: Cell) -> Measured:
    """Run a world."""
    world = WORLDS[cell.world]
    # A season is watched for all of it.
    weeks = WEEKS_A_YEAR if any(isinstance(each, Season) for each in world.effects) else cell.weeks
    size = Size(SITES, EXPERIENCES, cell.a_day, PAST_DAYS, PAST_DAYS + DAYS_A_WEEK * weeks)
    drops = DROPS if world is INDEPENDENT else (DROP,)
    return measure(
        world,
        size,
        Answers(cell.shape),
        cell.seed,
        {points: _LONGEST_WAIT[points] for points in drops},
    )


def cells(
    shape: Distribution, weeks: int, seed: int, only: Sequence[int] = range(len(WORLDS))
) -> list[Cell]:
    """All runs of some worlds."""
    return [Cell(world, a_day, weeks, shape, seed) for world in only for a_day in VOLUMES]


def run_all(of: Sequence[Cell], processes: int) -> Iterator[Measured]:
    """Run worlds, some at once, and give what comes of them in their order."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(run, of)


def rows_of(cell: Cell, measured: Measured) -> list[list[str]]:
    """The lines of one run: one for each drop that was looked for."""
    world = WORLDS[cell.world]
    scatters = [scatter for effect in world.effects for scatter in effect.scatter]
    scale = KEYS_IN_ALL / measured.key_weeks
    alarms = [
        _rate(measured.at_sites + measured.at_all, scale),
        f"{measured.at_all * scale:.2g}",
        f"{measured.not_borne_out * scale:.2g}",
    ]
    found = []
    for points, delays in measured.delays.items():
        least = bound(cell.shape, scatters, points, cell.a_day, _between_alarms(cell.a_day))
        found.append(
            [
                world.name,
                str(cell.a_day),
                *alarms,
                f"{points:g}",
                _median(np.sort(np.array(delays))),
                f"{least:.1f}",
            ]
        )
    return found


def told(of: Sequence[list[str]]) -> str:
    """The table."""
    return table(HEADER, of)


def rows_in(page: str, name: str) -> list[list[str]]:
    r"""The lines of a table that a page tells.

    >>> rows_in("<!-- mine: begin -->\n| a | b |\n|---|---:|\n| 1 | 2 |\n", "mine")
    [['1', '2']]
    """
    section = page.partition(f"<!-- {name}: begin -->")[2].partition("<!--")[0]
    lines = section.strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def renewed(known: Sequence[list[str]], found: Sequence[list[str]]) -> list[list[str]]:
    """Lines with those that were measured anew in the place of the old ones."""
    places = {world.name: place for place, world in enumerate(WORLDS)}
    runs = {tuple(line[:2]) for line in found}
    kept = [line for line in known if tuple(line[:2]) not in runs and line[0] in places]
    return sorted([*kept, *found], key=lambda line: (places[line[0]], int(line[1]), float(line[5])))


def _between_alarms(a_day: int) -> float:
    """Time between false alarms of a key: in days, or in open hours if there are many answers."""
    days = KEYS_IN_ALL * DAYS_A_WEEK
    return float(days * OPEN_HOURS if a_day > MANY else days)


def _rate(count: int, scale: float) -> str:
    low, high = interval(count)
    return f"{count * scale:.2g} ({low * scale:.2g} to {high * scale:.2g})"


def _median(delays: Numbers) -> str:
    """The median and its 95 % interval, which no distribution is assumed for."""
    if not len(delays):
        return "not tried"
    reach = NORMAL_975 * math.sqrt(len(delays)) / 2
    middle = (len(delays) - 1) / 2
    places = np.clip([middle, middle - reach, middle + reach], 0, len(delays) - 1)
    half, low, high = (_hours(delays[round(place)]) for place in places.tolist())
    return f"{half} ({low} to {high})"


def _hours(delay: float) -> str:
    return f"{delay:.0f}" if math.isfinite(delay) else "none"
