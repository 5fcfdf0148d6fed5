"""What `make bench-detection` measures.

False alarms on stable scores, and how long after a drop it is found, by ours and by what is used
instead.

300 shops are judged on 20 experiences. The weeks of the baseline are simulated, too, so that its
errors count, and it is renewed as the evaluator does it. All detectors but ours are tuned on stable
scores to one false alarm a week over all keys. Ours computes its thresholds, and its false alarms
are counted. The bound is ln(ARL) / information: ARL is the time between false alarms of one key,
information that of a score after such a drop.

Then come worlds whose answers are not independent, or arrive in another order than they were given:
400 keys, one drop of a point.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks import machine
from benchmarks.detection.detectors import FixedThreshold, PageHinkley, Volume, WeekAgainstFourWeeks
from benchmarks.detection.ours import Charts
from benchmarks.detection.setting import Setting, setting_of
from benchmarks.detection.trial import (
    HALF_A_YEAR,
    bound,
    delays,
    false_alarms,
    information,
    interval,
    run,
    tuned_threshold,
)
from benchmarks.detection.world import EXPERIENCES, SITES, shapes_of, world_of
from benchmarks.detection.worlds.table import (
    SECTION,
    WORLDS,
    cells,
    renewed,
    rows_in,
    rows_of,
    run_all,
    told,
)

from voc_stream.alerts.detection.charts import FEWEST_WEEKS
from voc_stream.published.markdown import put_section, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.detection.detectors import Contestant
    from benchmarks.detection.world import Numbers, World

    from voc_stream.alerts.detection.distribution import Distribution

PAGE = machine.ROOT / "docs" / "explain" / "detection.md"
DROPS = (0.5, 1.0, 2.0, 3.0)
VOLUMES = (Volume("20 an hour", 480, "h", 20), Volume("20 a day", 20, "days", 20))
MORE_VOLUMES = (
    Volume("5 a day", 5, "days", 5),
    VOLUMES[1],
    Volume("50 a day", 50, "days", 50),
    Volume("5 an hour", 120, "h", 5),
    VOLUMES[0],
    Volume("100 an hour", 2400, "h", 100),
)
MANY, FEW = EXPERIENCES * SITES, FEWEST_WEEKS
"""Keys, and so weeks between false alarms of a key."""
DROPPED_AFTER_DAYS, SETTLED_AFTER_DAYS = 91, 8
"""How long all have run when scores drop; ours alone needs only to leave zero."""
OTHERS: dict[str, Callable[[Setting], Contestant]] = {
    PageHinkley.name: lambda setting: PageHinkley(setting.past_weeks),
    FixedThreshold.name: lambda setting: FixedThreshold(setting.world, setting.volume),
    WeekAgainstFourWeeks.name: lambda setting: WeekAgainstFourWeeks(
        setting.world, setting.volume, setting.four_weeks
    ),
}
WEEKS_IN_A_WORLD, QUICK_WEEKS = 26, 12
MOST = 0.9
"""The share of drops that a second figure of ours tells about."""
HEADER = (
    *("scores of a key", "drop, points", "unit", "bound", "voc_stream", "times the bound"),
    *OTHERS,
    *("voc_stream: nine in ten", "voc_stream: false alarms a week"),
)


class Drop(NamedTuple):
    """What happens to all keys.

    Attributes:
        points: by how much their means fall.
        after: how they score then.
        information: what one score tells about it, in nats.
    """

    points: float
    after: World
    information: float


def drops_of(shapes: list[Distribution], seed: int) -> list[Drop]:
    """Every drop that is looked for, of the world that `seed` makes."""
    before = world_of(shapes, np.random.default_rng(seed))
    return [
        Drop(
            points,
            world_of(shapes, np.random.default_rng(seed), points),
            information(before, points),
        )
        for points in DROPS
    ]


def rows(
    setting: Setting, weeks: int, longest_wait: int, drops: list[Drop], random: np.random.Generator
) -> Iterator[list[str]]:
    """The lines of one volume."""
    volume = setting.volume
    counted = counted_of(setting, weeks, random)
    tuned = {
        name: tuned_threshold(make, setting, max(HALF_A_YEAR, weeks // 4), random)
        for name, make in OTHERS.items()
    }
    detectors: list[tuple[Contestant, float]] = [(Charts(setting, MANY, random), 0.0)]
    detectors += [(make(setting), tuned[name]) for name, make in OTHERS.items()]
    for detector, _ in detectors:
        run(detector, setting, DROPPED_AFTER_DAYS, random)
    for points, after, information_of_score in drops:
        least = bound(setting, MANY, information_of_score)
        limit = int(longest_wait * least)
        shares = (MOST, *(0.5 for _ in OTHERS))
        ours, *theirs = (
            delays(detector, threshold, setting, after, limit=limit, random=random, share=share)
            for (detector, threshold), share in zip(detectors, shares, strict=True)
        )
        numbers = [
            f"{least / volume.a_unit:.2f}",
            _told(ours, limit, volume),
            f"{np.median(ours) / least:.2f}",
        ]
        most = _told(ours, limit, volume, MOST)
        yield [
            volume.name,
            f"{points:g}",
            volume.unit,
            *numbers,
            *(_told(each, limit, volume) for each in theirs),
            most,
            counted,
        ]


def counted_of(setting: Setting, weeks: int, random: np.random.Generator) -> str:
    """How many false alarms a week ours raises."""
    false = false_alarms(Charts(setting, MANY, random), setting, weeks, random)
    low, high = interval(false)
    return f"{false / weeks:.2f} ({low / weeks:.2f} to {high / weeks:.2f})"


def volume_row(
    setting: Setting, longest_wait: int, drops: list[Drop], random: np.random.Generator
) -> list[str]:
    """What to expect of one volume.

    After each drop the median delay with many keys, and with few.
    """
    cells, detectors = [], {keys: Charts(setting, keys, random) for keys in (MANY, FEW)}
    for detector in detectors.values():
        run(detector, setting, SETTLED_AFTER_DAYS, random)
    for _, after, information_of_score in drops:
        found = []
        for keys, detector in detectors.items():
            limit = int(longest_wait * bound(setting, keys, information_of_score))
            found.append(
                _told(
                    delays(detector, 0.0, setting, after, limit=limit, random=random),
                    limit,
                    setting.volume,
                )
            )
        cells.append(" / ".join(found))
    return [setting.volume.name, setting.volume.unit, *cells]


def _told(delays_of_keys: Numbers, limit: int, volume: Volume, share: float = 0.5) -> str:
    """By when so many of the keys have an alarm."""
    delay = float(np.quantile(delays_of_keys, share, method="higher"))
    found = delay if math.isfinite(delay) else limit
    digits = 2 if found < 10 * volume.a_unit else 1
    return f"{'' if math.isfinite(delay) else 'over '}{found / volume.a_unit:.{digits}f}"


def main() -> None:
    """Simulate and print the tables."""
    parser = argparse.ArgumentParser(
        prog="bench-detection",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--scores",
        type=Path,
        help="CSV file of answers from 1 to 10, a column each; else built-in shares",
    )
    parser.add_argument(
        "--weeks", type=int, default=100, help="at 20 an hour; 24 times as many at 20 a day"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--longest-wait", type=int, default=8, help="how many times the bound is waited for"
    )
    parser.add_argument(
        "--write", action="store_true", help="put the tables into docs/explain/detection.md"
    )
    parser.add_argument(
        "--only", choices=("detectors", "false-alarms", "worlds"), help="a part of it"
    )
    parser.add_argument(
        "--quick", action="store_true", help="watch worlds for 12 weeks, not for half a year"
    )
    parser.add_argument(
        "--world", type=int, action="append", choices=range(len(WORLDS)), help="this world only"
    )
    parser.add_argument("--processes", type=int, default=2, help="worlds at once")
    arguments = parser.parse_args()
    shapes = shapes_of(arguments.scores)
    if arguments.only in {None, "detectors"}:
        compare(arguments, shapes)
    if arguments.only == "false-alarms":
        recount(arguments, shapes)
    if arguments.only in {None, "worlds"}:
        watch_worlds(arguments, shapes)


def watch_worlds(arguments: argparse.Namespace, shapes: list[Distribution]) -> None:
    """Measure ours in worlds whose answers are not independent, and print the table."""
    weeks = QUICK_WEEKS if arguments.quick else WEEKS_IN_A_WORLD
    runs = cells(shapes[0], weeks, arguments.seed, arguments.world or range(len(WORLDS)))
    found: list[list[str]] = []
    for cell, measured in zip(runs, run_all(runs, arguments.processes), strict=True):
        lines = rows_of(cell, measured)
        print(*(" | ".join(line) for line in lines), sep="\n", flush=True)
        found += lines
    if arguments.write:
        known = rows_in(PAGE.read_text(encoding="utf-8"), SECTION)
        put_section(PAGE, SECTION, told(renewed(known, found)))


def recount(arguments: argparse.Namespace, shapes: list[Distribution]) -> None:
    """Count the false alarms of ours anew; all else in the table stays."""
    lines = rows_in(PAGE.read_text(encoding="utf-8"), "detection")
    for volume in VOLUMES:
        random = np.random.default_rng(arguments.seed)
        setting = setting_of(shapes, volume, arguments.seed, random)
        counted = counted_of(setting, weeks_of(volume, arguments.weeks), random)
        print(volume.name, counted, flush=True)
        lines = [[*line[:-1], counted] if line[0] == volume.name else line for line in lines]
    if arguments.write:
        put_section(PAGE, "detection", table(HEADER, lines))


def weeks_of(volume: Volume, weeks: int) -> int:
    """For how many weeks a volume is watched: for as many answers as the first one in `weeks`."""
    return weeks * VOLUMES[0].a_day // volume.a_day


def compare(arguments: argparse.Namespace, shapes: list[Distribution]) -> None:
    """Compare ours with others, and print the tables."""
    random, wait = np.random.default_rng(arguments.seed), arguments.longest_wait
    drops = drops_of(shapes, arguments.seed)
    found: list[list[str]] = []
    for volume in VOLUMES:
        setting = setting_of(shapes, volume, arguments.seed, random)
        found += rows(setting, weeks_of(volume, arguments.weeks), wait, drops, random)
    compared = table(HEADER, found)
    print(compared, flush=True)
    settings = (setting_of(shapes, volume, arguments.seed, random) for volume in MORE_VOLUMES)
    header = (
        "scores of a key",
        "unit",
        *(f"{drop:g} points" if drop != 1 else "1 point" for drop in DROPS),
    )
    expected = table(header, [volume_row(setting, wait, drops, random) for setting in settings])
    print(expected)
    if arguments.write:
        put_section(PAGE, "detection", compared)
        put_section(PAGE, "detection-volumes", expected)


if __name__ == "__main__":
    main()
