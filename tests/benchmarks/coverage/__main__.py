"""What `make coverage` measures: how often the intervals of the tables hold the truth.

Customers answer as in `shapes.py`, a hundred thousand times for each size of a sample. The interval
of each sample either holds what is true of all customers or does not. It should do so in 95 of 100
samples. What is promised is 93, because answers are whole numbers.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np
from benchmarks import machine
from benchmarks.coverage.days import A_DAY, CASES, covered
from benchmarks.coverage.measure import (
    ANSWERS,
    BOTTOM,
    LEAST,
    MEAN,
    NPS,
    STUDENT,
    TOP,
    Estimate,
    coverage,
)
from benchmarks.coverage.shapes import DONE, RATINGS, Shape

from voc_stream.published.markdown import put_section, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE = machine.ROOT / "docs" / "reference" / "coverage.md"
SAMPLES = 100_000
DONE_OR_NOT = TOP._replace(name="share that was done")
PROMISED: Sequence[tuple[Estimate, Sequence[Shape]]] = (
    (MEAN, RATINGS),
    (DONE_OR_NOT, DONE),
    (TOP, RATINGS),
    (BOTTOM, RATINGS),
    (NPS, RATINGS),
)
BEFORE: Sequence[tuple[Estimate, Sequence[Shape]]] = ((STUDENT, (*RATINGS, DONE[0])),)
SITES = 1500
DAYS_HEADER = (
    *("answers a day", "days differ by, points", "fell four weeks ago by", "mean phi"),
    *("phi = 1", "half-width x root of phi"),
)
HEADER = ("interval of", "shape of the answers", "truth", *(f"n = {n}" for n in ANSWERS))


def cells(
    estimates: Sequence[tuple[Estimate, Sequence[Shape]]], samples: int, seed: int
) -> Iterator[tuple[Estimate, Shape, list[float]]]:
    """Each estimate and shape, with its coverage at each of ANSWERS."""
    for estimate, shapes in estimates:
        for shape in shapes:
            random = np.random.default_rng(seed)
            yield (
                estimate,
                shape,
                [coverage(estimate, shape, n, samples, random) for n in ANSWERS],
            )


def main() -> None:
    """Measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="make coverage")
    parser.add_argument("--write", action="store_true", help="write docs/reference/coverage.md")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--sites", type=int, default=SITES, help="whose days differ")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for name, estimates in (("coverage", PROMISED), ("coverage-student", BEFORE)):
        found = list(cells(estimates, arguments.samples, arguments.seed))
        rows = [
            [estimate.name, shape.name, f"{estimate.truth(shape):.3f}", *(f"{c:.3f}" for c in row)]
            for estimate, shape, row in found
        ]
        text = table(HEADER, rows, text=(0, 1))
        if estimates is PROMISED:
            least = min(min(row) for _, _, row in found)
            number = sum(len(row) for _, _, row in found)
            text += (
                f"\n\nThe least of these {number} cells is {least:.3f}; {LEAST} is promised."
                f" {arguments.samples:,} samples a cell, seed {arguments.seed}."
            )
        print(f"{text}\n")
        if arguments.write:
            put_section(PAGE, name, text)
    days = table(DAYS_HEADER, list(of_days(arguments.sites, arguments.seed)))
    print(days)
    if arguments.write:
        put_section(PAGE, "coverage-days", days)


def of_days(sites: int, seed: int) -> Iterator[list[str]]:
    """Rows of coverage if all answers of a day are a little better or worse together."""
    for a_day in A_DAY:
        for shock, fall in CASES:
            random = np.random.default_rng(seed)
            without, with_phi, phi = covered(shock, fall, a_day, sites, random)
            yield [
                *(f"{a_day}", f"{shock:g}", f"{fall:g}", f"{phi:.2f}"),
                *(f"{without:.3f}", f"{with_phi:.3f}"),
            ]


if __name__ == "__main__":
    main()
