"""Intervals hold what is true of all customers, as often as the documentation promises."""

from __future__ import annotations

import re
from math import sqrt

import numpy as np
import pytest
from benchmarks.coverage.__main__ import PAGE, PROMISED, cells
from benchmarks.coverage.days import A_DAY, CASES, covered
from benchmarks.coverage.measure import ANSWERS, LEAST, MEAN, STUDENT, Estimate
from benchmarks.coverage.shapes import RATINGS, Shape

SAMPLES = 2000


@pytest.mark.parametrize(
    ("estimate", "shapes"), [pytest.param(*each, id=each[0].name) for each in PROMISED]
)
def test_each_interval_holds_the_truth(estimate: Estimate, shapes: list[Shape]) -> None:
    """In 93 of 100 samples of any size, but for the chance of few samples."""
    chance = 4 * sqrt(LEAST * (1 - LEAST) / SAMPLES)
    for _, shape, found in cells([(estimate, shapes)], SAMPLES, seed=2):
        assert min(found) >= LEAST - chance, (shape.name, found)


def test_students_interval_did_not() -> None:
    """Of five answers, 92 % of which are tens, it held the mean in a third of the samples."""
    [(_, _, before)] = cells([(STUDENT, RATINGS[:1])], SAMPLES, seed=2)
    [(_, _, now)] = cells([(MEAN, RATINGS[:1])], SAMPLES, seed=2)
    five = ANSWERS.index(5)
    assert before[five] < 0.4
    assert now[five] > LEAST


def test_days_that_differ_need_phi() -> None:
    """With phi of the weeks before the interval of a week holds, without it it does not."""
    sites = 300
    without, with_phi, phi = covered(0.2, 0.0, 240, sites, np.random.default_rng(2))
    assert without < 0.75
    assert with_phi >= LEAST - 4 * sqrt(LEAST * (1 - LEAST) / sites)
    assert phi > 2


def test_a_drop_in_the_weeks_before_makes_no_interval_wide() -> None:
    """A point less since four weeks is one difference between days, and not 27 days far away."""
    sites = 100
    _, with_phi, phi = covered(0.0, 1.0, 240, sites, np.random.default_rng(2))
    assert with_phi >= LEAST - 4 * sqrt(LEAST * (1 - LEAST) / sites)
    assert phi < 2.5


def test_the_page_shows_what_is_promised() -> None:
    """Every cell of the page, of every interval, shape and size, is at least 0.93."""
    page = PAGE.read_text(encoding="utf-8")
    section = page.partition("<!-- coverage: begin -->")[2].partition("<!-- coverage: end -->")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if "|" in line][2:]
    assert [(row[0], row[1]) for row in rows] == [
        (estimate.name, shape.name) for estimate, shapes in PROMISED for shape in shapes
    ]
    assert all(float(cell) >= LEAST for row in rows for cell in row[3:])
    days = page.partition("<!-- coverage-days: begin -->")[2].splitlines()
    with_phi = [line.split("|")[-2] for line in days if re.match(r"\| \d", line)]
    assert len(with_phi) == len(A_DAY) * len(CASES)
    assert all(float(cell) >= LEAST for cell in with_phi)
    assert re.search(rf"The least of these {len(rows) * len(ANSWERS)} cells", section)
