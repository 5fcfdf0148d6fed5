"""What `make bench-explanation` measures: whom alerts about drops name, and rightly or not.

Something happens at a site: other customers come, everybody falls, or one employee does. The site's
detector hears hour by hour. When it announces the drop, the groups are compared as the evaluator
compares them. Beside employees and segments it looks at products, channels, regions and a
department, of which none has anything to do with it. The bound is what nobody can beat at that
moment; `bound.py` says how.
"""

from __future__ import annotations

import argparse

import numpy as np
from benchmarks import machine
from benchmarks.explanation.bound import best_power, everybody_instead
from benchmarks.explanation.trial import count, told_of
from benchmarks.explanation.worlds import ALL, LEAST_RIGHT, MOST_WRONG, WORLDS, World

from voc_stream.domain.statistics import wilson_interval
from voc_stream.published.markdown import put_section, table

PAGE = machine.ROOT / "docs" / "explain" / "who-explains-a-drop.md"
VOLUMES = (20, 240)
HEADER = (
    *("what happens", "answers a day", "drops", "an innocent group is named"),
    *("the guilty employee is named", "bound", "a change of mix is told", "promised"),
)


def row(world: World, a_day: int, runs: int, seed: int) -> list[str]:
    """The line of one world at one volume."""
    told = told_of(world, a_day, runs, np.random.default_rng((seed, a_day)))
    counts = count(world, told)
    bound = "-"
    if world.is_guilty:
        innocent = told_of(everybody_instead(world), a_day, runs, np.random.default_rng(a_day))
        bound = f"{best_power(world, told, innocent, MOST_WRONG[ALL, a_day]):.1%}"
    promised = "-"
    if (world, a_day) in MOST_WRONG:
        promised = f"innocent at most {MOST_WRONG[world, a_day]:.0%}"
    if (world, a_day) in LEAST_RIGHT:
        promised = f"guilty at least {LEAST_RIGHT[world, a_day]:.0%}"
    return [
        world.name,
        str(a_day),
        str(counts.drops),
        _told(counts.innocent, counts.drops),
        _told(counts.guilty, counts.drops) if world.is_guilty else "-",
        bound,
        _told(counts.mixes, counts.drops),
        promised,
    ]


def _told(times: int, drops: int) -> str:
    """A share with its interval."""
    low, high = wilson_interval(times, drops)
    return f"{times / drops:.1%} ({low:.1%} to {high:.1%})"


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(
        prog="bench-explanation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runs", type=int, default=500, help="sites for each line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    found = [
        row(world, a_day, arguments.runs, arguments.seed) for world in WORLDS for a_day in VOLUMES
    ]
    text = table(HEADER, found, text=(0, 7))
    print(text)
    if arguments.write:
        put_section(PAGE, "explanation", text)


if __name__ == "__main__":
    main()
