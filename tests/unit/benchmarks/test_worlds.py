from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from benchmarks.detection.world import VALUES, shapes_of
from benchmarks.detection.worlds.answers import Answers
from benchmarks.detection.worlds.arrival import (
    a_week_late,
    in_turn,
    live,
    newest_first,
    nightly,
)
from benchmarks.detection.worlds.bound import bound
from benchmarks.detection.worlds.effects import (
    OPEN_HOURS,
    Common,
    DayShocks,
    OwnWeekdays,
    Season,
    Staff,
)
from benchmarks.detection.worlds.history import History, Size, World
from benchmarks.detection.worlds.measure import PAST_DAYS, measure
from benchmarks.detection.worlds.table import SECTION, WORLDS, renewed, rows_in, told

from voc_stream.alerts.detection.distribution import tilted_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.detection.worlds.arrival import Step
    from benchmarks.detection.worlds.effects import Effect

SHAPE = shapes_of(None)[0]
ANSWERS = Answers(SHAPE)
SMALL = Size(sites=5, experiences=2, a_day=240, past=PAST_DAYS, days=PAST_DAYS + 63)


@pytest.mark.parametrize("zeros", [0.0, 0.1])
def test_answers_have_the_mean_that_is_asked_for(zeros: float) -> None:
    """Worlds are stated in points of the mean; people who always answer 0 are made up for."""
    means = np.array([6.0, 7.5, 8.5])
    panes, counts = ANSWERS.draw(
        np.full(3, 400_000), means, np.full(3, zeros), np.random.default_rng(1)
    )
    assert panes.total / panes.number == pytest.approx(means, abs=0.02)
    assert counts @ VALUES == pytest.approx(panes.total)


def test_answers_without_effect_have_the_pooled_shape() -> None:
    """At the mean of the shape, shares are those of the shape."""
    _, counts = ANSWERS.draw(
        np.array([400_000]), np.array([SHAPE.mean]), np.zeros(1), np.random.default_rng(1)
    )
    assert counts[0] / counts.sum() == pytest.approx(np.array(SHAPE.shares), abs=0.005)


@pytest.mark.parametrize(
    ("effect", "deviation"),
    [
        (OwnWeekdays(0.4), 0.4 * math.sqrt(6 / 7)),
        (DayShocks(0.2), 0.2),
        (DayShocks(0.2, 0.7), 0.2),
        (Staff(0.4), 0.4 / math.sqrt(3)),
        (Season(0.3), 0.3 / math.sqrt(2)),
        (Common(0.2), 0.2 * math.sqrt(2)),
    ],
)
def test_effects_are_as_large_as_they_say(effect: Effect, deviation: float) -> None:
    """The numbers in the names of worlds are standard deviations in points, or heights."""
    points = effect(730, 300, np.random.default_rng(2))
    assert points.shape == (730 * OPEN_HOURS, 300)
    assert points.std() == pytest.approx(deviation, rel=0.15)


def test_days_are_as_alike_as_they_say() -> None:
    """What a detector cannot foresee is told to the bound: its size and its memory."""
    for effect in (DayShocks(0.2, 0.7), Staff(0.4)):
        days = effect(1000, 200, np.random.default_rng(3))[::OPEN_HOURS]
        days = days - days.mean(axis=0)
        (scatter,) = effect.scatter
        assert days.std() == pytest.approx(scatter.deviation, rel=0.05)
        memory = (days[1:] * days[:-1]).mean() / days.var()
        assert memory == pytest.approx(scatter.correlation, abs=0.05)


@pytest.mark.parametrize("arrival", [live, nightly, in_turn, newest_first, a_week_late])
def test_all_answers_arrive_once(arrival: Callable[[int, int], Iterator[Step]]) -> None:
    """Whatever the order, each hour of each site becomes known once, and never before its time."""
    heard = Counter(
        (hour, site)
        for day in range(35)
        for step in arrival(day, 5)
        for hour in step.hours
        for site in step.sites.tolist()
        if step.hour is None or hour <= step.hour
    )
    assert set(heard.values()) == {1}
    assert {(hour, site) for hour in range(28 * OPEN_HOURS) for site in range(5)} <= heard.keys()


def test_a_drop_changes_the_answers_and_nothing_else() -> None:
    """Delays are those of the world with a drop: whoever has no drop answers as before."""
    history = History(World("days differ", [DayShocks(0.2)]), SMALL, ANSWERS, 4)
    before, again = history.answers(30)[0], history.answers(30)[0]
    dropped = history.answers(30, 1.0, [1])[0]
    assert (before.total == again.total).all()
    means = [
        each.total.sum(axis=(0, 2)) / each.number.sum(axis=(0, 2)) for each in (before, dropped)
    ]
    assert (means[0] - means[1]) == pytest.approx([0.0, 1.0, 0.0, 0.0, 0.0], abs=0.3)


def test_new_sites_say_nothing_before_they_open() -> None:
    """A new site has no past, and comes to its level from where it begins."""
    history = History(World("new", new_sites=1, new_site_level=0.5), SMALL, ANSWERS, 4)
    opens = SMALL.past + 14
    assert not history.answers(opens - 1)[0].number[:, 0].any()
    assert history.answers(opens)[0].number[:, 0].all()
    assert history._points[opens * OPEN_HOURS, 0] == pytest.approx(0.5)
    assert history._points[(opens + 28) * OPEN_HOURS, 0] == 0.0


def test_the_bound_of_independent_answers_is_the_known_one() -> None:
    """It is ln(time between false alarms) / information (Lorden 1971)."""
    information = tilted_to(SHAPE, SHAPE.mean - 1.0).information
    found = bound(SHAPE, (), 1.0, 240, 504_000.0)
    assert found == pytest.approx(math.log(504_000) / (20 * information))


def test_the_bound_grows_with_what_days_share() -> None:
    """No detector can be as fast if days scatter, and the more so if they remember."""
    scatters = [(), DayShocks(0.2).scatter, DayShocks(0.4).scatter, DayShocks(0.4, 0.7).scatter]
    found = [bound(SHAPE, each, 0.5, 240, 504_000.0) for each in scatters]
    assert found == sorted(found)
    assert found[0] < found[1] < found[-1]


@pytest.mark.parametrize("arrival", [live, in_turn])
def test_a_drop_is_announced_in_a_world(
    arrival: Callable[[int, int], Iterator[Step]],
) -> None:
    """The bench runs the product's detector: a large drop of one site is found soon."""
    measured = measure(World("some", arrival=arrival), SMALL, ANSWERS, 1, {3.0: 14})
    assert measured.key_weeks == 12 * 9
    assert len(measured.delays[3.0]) == SMALL.experiences
    assert max(measured.delays[3.0]) <= 7 * OPEN_HOURS


def test_worlds_that_are_measured_anew_keep_their_place_in_the_page() -> None:
    """The lines of all others stay as they were measured."""
    first, second = WORLDS[0].name, WORLDS[1].name
    known = [[name, "20", "0", "0", "0", "1", "70", "60"] for name in (first, second)]
    known.insert(0, [first, "20", "0", "0", "0", "0.5", "240", "210"])
    found = [[first, "20", "0", "0", "0", "1", "71", "60"]]
    page = f"before <!-- {SECTION}: begin -->\n{told(known)}\n<!-- {SECTION}: end --> after"
    assert rows_in(page, SECTION) == known
    assert renewed(rows_in(page, SECTION), found) == [found[0], known[2]]
