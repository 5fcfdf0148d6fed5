"""`make bench-detection`: false alarms on stable scores, and how long after a drop it is found, by ours and by what is used instead.

300 shops are judged on 20 experiences. The four weeks of the baseline are simulated, too, so that its errors count. All detectors but ours
are tuned on stable scores to one false alarm a week over all keys; ours computes its thresholds, and its false alarms are counted. The
bound is ln(ARL) / information: ARL is the time between false alarms of one key, information that of a score after such a drop.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from benchmarks import machine
from benchmarks.detection.detectors import Charts, FixedThreshold, PageHinkley, Volume, WeekAgainstFourWeeks
from benchmarks.detection.trial import between_of, bound, detectors, false_alarms, median_delay, pasts_of, tuned_threshold
from benchmarks.detection.world import shapes_of, world_of
from benchmarks.markdown import put_section, table

from voc_stream.domain.detection.charts import SHIFTS

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = machine.ROOT / "docs" / "detection.md"
VOLUMES = (Volume("20 an hour", 480, "h", 20), Volume("20 a day", 20, "days", 20))
OTHERS = (PageHinkley.name, FixedThreshold.name, WeekAgainstFourWeeks.name)
DROPPED_KEYS = 600
HEADER = ("scores of a key", "drop, points", "unit", "bound", "voc_stream", "times the bound", *OTHERS, "voc_stream: false alarms a week")


def rows(volume: Volume, scores: Path | None, weeks: int, seed: int, longest_wait: int) -> Iterator[list[str]]:
    """The lines of one volume."""
    random, shapes = np.random.default_rng(seed), shapes_of(scores)
    world = world_of(shapes, np.random.default_rng(seed))
    pasts = pasts_of(world, volume, random)
    between, scores_between = between_of(world, pasts), float(len(pasts) * 7 * volume.a_day)
    false = false_alarms(Charts(world, pasts, between, scores_between), world, volume, weeks, random)
    tuned = {
        name: tuned_threshold(detector, world, volume, max(2, weeks // 4), random)
        for name, detector in detectors(world, volume, pasts, between, scores_between).items()
        if name in OTHERS
    }
    chosen = np.sort(random.choice(len(pasts), DROPPED_KEYS, replace=False))
    before, seen = world.of(chosen), [pasts[key] for key in chosen]
    for drop in SHIFTS:
        after = world_of(shapes, np.random.default_rng(seed), drop).of(chosen)
        least = bound(before, drop, scores_between, volume)
        delays = {
            name: median_delay(
                detector, tuned.get(name, 0.0), before, after, warm_up=8 * volume.a_day, limit=int(longest_wait * least), random=random
            )
            / volume.a_unit
            for name, detector in detectors(before, volume, seen, between, scores_between).items()
        }
        ours, least = delays[Charts.name], least / volume.a_unit
        told = [f"{delays[name]:.1f}" if math.isfinite(delays[name]) else f"over {longest_wait * least:.0f}" for name in OTHERS]
        yield [volume.name, f"{drop:g}", volume.unit, f"{least:.2f}", f"{ours:.2f}", f"{ours / least:.2f}", *told, f"{false:.2f}"]


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(prog="bench-detection", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, help="CSV file of answers from 1 to 10, a column each; else built-in shares")
    parser.add_argument("--weeks", type=int, default=20, help="stable weeks at 20 an hour; 24 times as many at 20 a day")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest-wait", type=int, default=12, help="how many times the bound an alarm is waited for")
    parser.add_argument("--write", action="store_true", help="put the table into docs/detection.md")
    arguments = parser.parse_args()
    found: list[list[str]] = []
    for volume in VOLUMES:
        weeks = arguments.weeks * VOLUMES[0].a_day // volume.a_day
        found += rows(volume, arguments.scores, weeks, arguments.seed, arguments.longest_wait)
    print(table(HEADER, found))
    if arguments.write:
        put_section(PAGE, "detection", table(HEADER, found))


if __name__ == "__main__":
    main()
